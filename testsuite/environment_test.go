package testsuite_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.uber.org/goleak"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newEnv() *testsuite.TestWorkflowEnvironment {
	var s testsuite.WorkflowTestSuite
	return s.NewTestWorkflowEnvironment()
}

func options(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
}

func Upper(ctx context.Context, s string) (string, error) { return strings.ToUpper(s), nil }

func Greet(ctx workflow.Context, name string) (string, error) {
	var loud string
	err := workflow.ExecuteActivity(options(ctx), Upper, name).Get(ctx, &loud)
	return "hello " + loud, err
}

// check fails the test unless the workflow succeeded with want.
func check[T comparable](t *testing.T, env *testsuite.TestWorkflowEnvironment, want T) {
	t.Helper()
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow is not completed")
	}
	var got T
	if err := env.GetWorkflowResult(&got); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestActivityIsCalled(t *testing.T) {
	env := newEnv()
	env.RegisterActivity(Upper)
	env.ExecuteWorkflow(Greet, "ann")
	check(t, env, "hello ANN")
}

func TestActivityIsMocked(t *testing.T) {
	t.Run("by values", func(t *testing.T) {
		env := newEnv()
		env.OnActivity(Upper, mock.Anything, "ann").Return("A.", nil).Once()
		env.ExecuteWorkflow(Greet, "ann")
		check(t, env, "hello A.")
		env.AssertExpectations(t)
		env.AssertCalled(t, "Upper", mock.Anything, "ann")
		env.AssertNotCalled(t, "Upper", mock.Anything, "bob")
		env.AssertNumberOfCalls(t, "Upper", 1)
	})
	t.Run("by a function", func(t *testing.T) {
		env := newEnv()
		env.OnActivity(Upper, mock.Anything, mock.Anything).Return(func(ctx context.Context, s string) (string, error) {
			return s + " of " + activity.GetInfo(ctx).ActivityType.Name, nil
		})
		env.ExecuteWorkflow(Greet, "ann")
		check(t, env, "hello ann of Upper")
	})
	t.Run("by an error", func(t *testing.T) {
		env := newEnv()
		env.OnActivity(Upper, mock.Anything, mock.Anything).Return("", millrace.NewNonRetryableApplicationError("no", "Bad", nil))
		env.ExecuteWorkflow(Greet, "ann")
		var app *millrace.ApplicationError
		if err := env.GetWorkflowError(); !errors.As(err, &app) || app.Type() != "Bad" {
			t.Errorf("got %v", err)
		}
	})
}

func Sleepy(ctx workflow.Context, d time.Duration) (time.Duration, error) {
	begun := workflow.Now(ctx)
	err := workflow.Sleep(ctx, d)
	return workflow.Now(ctx).Sub(begun), err
}

func TestTimeJumps(t *testing.T) {
	env := newEnv()
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	env.SetStartTime(start)
	env.ExecuteWorkflow(Sleepy, 30*24*time.Hour)
	check(t, env, 30*24*time.Hour)
	if want := start.Add(30 * 24 * time.Hour); !env.Now().Equal(want) {
		t.Errorf("it is %v, want %v", env.Now(), want)
	}
}

func TestFailedActivityIsRetriedInVirtualTime(t *testing.T) {
	env := newEnv()
	tries := 0
	env.OnActivity(Upper, mock.Anything, mock.Anything).Return(func(ctx context.Context, s string) (string, error) {
		if tries++; tries < 4 {
			return "", errors.New("not yet")
		}
		return s, nil
	})
	begun := env.Now()
	env.ExecuteWorkflow(Greet, "ann")
	check(t, env, "hello ann")
	if passed := env.Now().Sub(begun).Round(time.Second); tries != 4 || passed != 7*time.Second {
		t.Errorf("%d tries in %v, want 4 in 1 s + 2 s + 4 s", tries, passed)
	}
}

func TestEndlessRetriesEnd(t *testing.T) {
	env := newEnv()
	env.OnActivity(Upper, mock.Anything, mock.Anything).Return("", errors.New("never"))
	env.ExecuteWorkflow(Greet, "ann")
	var failed *millrace.ActivityError
	if err := env.GetWorkflowError(); !errors.As(err, &failed) || failed.RetryState() != enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED {
		t.Errorf("got %v", err)
	}
	env.AssertActivityNumberOfCalls(t, "Upper", 10)
}

func Collect(ctx workflow.Context, n int) (string, error) {
	all := ""
	if err := workflow.SetQueryHandler(ctx, "all", func() (string, error) { return all, nil }); err != nil {
		return "", err
	}
	for range n {
		var s string
		workflow.GetSignalChannel(ctx, "add").Receive(ctx, &s)
		all += s
	}
	return all, nil
}

func TestSignalsAndQueries(t *testing.T) {
	env := newEnv()
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("add", "b") }, time.Hour)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("add", "a") }, time.Minute)
	asked := ""
	env.RegisterDelayedCallback(func() {
		v, err := env.QueryWorkflow("all")
		if err == nil {
			err = v.Get(&asked)
		}
		if err != nil {
			t.Error(err)
		}
	}, 30*time.Minute)
	env.ExecuteWorkflow(Collect, 2)
	check(t, env, "ab")
	if asked != "a" {
		t.Errorf("the query answered %q in between", asked)
	}
	v, err := env.QueryWorkflow("all")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Get(&asked); err != nil || asked != "ab" {
		t.Errorf("the query answers %q, %v after the end", asked, err)
	}
	if _, err := env.QueryWorkflow("nothing"); err == nil {
		t.Error("an unknown query has an answer")
	}
}

func TestCancel(t *testing.T) {
	env := newEnv()
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	env.ExecuteWorkflow(Sleepy, time.Hour)
	var canceled *millrace.CanceledError
	if err := env.GetWorkflowError(); !errors.As(err, &canceled) {
		t.Errorf("got %v", err)
	}
}

func TestStuckWorkflowFailsTheTest(t *testing.T) {
	env := newEnv()
	env.SetTestTimeout(20 * time.Millisecond)
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "nothing has happened") || !strings.Contains(p, "add") {
			t.Errorf("panic is %q", p)
		}
	}()
	env.ExecuteWorkflow(Collect, 1)
	t.Error("no panic")
}

func TestNonDeterminismFailsTheTest(t *testing.T) {
	env := newEnv()
	runs := 0
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "non-deterministic") {
			t.Errorf("panic is %q", p)
		}
	}()
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		runs++
		return workflow.Sleep(ctx, time.Duration(runs)*time.Minute)
	})
	if runs == 2 {
		t.Error("no panic")
	}
}
