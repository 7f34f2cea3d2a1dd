package testsuite_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/workflow"
)

// family is a workflow with a child.
func family(ctx workflow.Context, name string) (string, error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: "the child"})
	var out string
	err := workflow.ExecuteChildWorkflow(ctx, Greet, name).Get(ctx, &out)
	return out + "!", err
}

// silent is a mock.TestingT that only counts failures.
type silent struct{ failed bool }

func (s *silent) Logf(string, ...interface{})   {}
func (s *silent) Errorf(string, ...interface{}) { s.failed = true }
func (s *silent) FailNow()                      { s.failed = true }

func TestChildIsMocked(t *testing.T) {
	t.Run("by values", func(t *testing.T) {
		env := newEnv()
		env.OnWorkflow(Greet, mock.Anything, "ann").Return("mocked", nil).Once()
		env.ExecuteWorkflow(family, "ann")
		check(t, env, "mocked!")
		env.AssertExpectations(t)
		env.AssertWorkflowCalled(t, "Greet", mock.Anything, "ann")
		env.AssertWorkflowNumberOfCalls(t, "Greet", 1)
		env.AssertActivityNotCalled(t, "Greet", mock.Anything, "ann")
	})
	t.Run("by a function", func(t *testing.T) {
		env := newEnv()
		env.OnWorkflow(Greet, mock.Anything, mock.Anything).Return(func(ctx workflow.Context, name string) (string, error) {
			err := workflow.Sleep(ctx, time.Hour)
			return fmt.Sprint(name, " after ", workflow.Now(ctx).Sub(workflow.GetInfo(ctx).WorkflowStartTime)), err
		})
		env.ExecuteWorkflow(family, "ann")
		check(t, env, "ann after 1h0m0s!")
	})
	t.Run("by an error", func(t *testing.T) {
		env := newEnv()
		env.OnWorkflow(Greet, mock.Anything, mock.Anything).Return("", errors.New("broken"))
		env.ExecuteWorkflow(family, "ann")
		var failed *millrace.ChildWorkflowExecutionError
		if err := env.GetWorkflowError(); !errors.As(err, &failed) || !strings.Contains(err.Error(), "broken") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("not to start", func(t *testing.T) {
		env := newEnv()
		env.OnWorkflow(Greet, mock.Anything, mock.Anything).Return("", testsuite.ErrMockStartChildWorkflowFailed)
		env.ExecuteWorkflow(family, "ann")
		if err := env.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "already started") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("late", func(t *testing.T) {
		env := newEnv()
		env.OnWorkflow(Greet, mock.Anything, mock.Anything).After(time.Hour).Return("mocked", nil)
		begun := env.Now()
		env.ExecuteWorkflow(family, "ann")
		check(t, env, "mocked!")
		if passed := env.Now().Sub(begun); passed < time.Hour {
			t.Errorf("only %v have passed", passed)
		}
	})
}

func TestMockWaitsInVirtualTime(t *testing.T) {
	env := newEnv()
	var asked atomic.Int64
	env.OnActivity(Upper, mock.Anything, mock.Anything).AfterFn(func() time.Duration {
		return time.Duration(asked.Add(1)) * 20 * time.Second
	}).Return("late", nil)
	env.ExecuteWorkflow(func(ctx workflow.Context) (time.Duration, error) {
		begun := workflow.Now(ctx)
		for range 2 {
			if err := workflow.ExecuteActivity(options(ctx), Upper, "").Get(ctx, nil); err != nil {
				return 0, err
			}
		}
		return workflow.Now(ctx).Sub(begun), nil
	})
	check(t, env, time.Minute)
}

func TestMockThatTakesTooLongTimesOut(t *testing.T) {
	env := newEnv()
	env.OnActivity(Upper, mock.Anything, mock.Anything).After(time.Hour).Return("late", nil)
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 1}})
		return workflow.ExecuteActivity(ctx, Upper, "").Get(ctx, nil)
	})
	var timeout *millrace.TimeoutError
	if err := env.GetWorkflowError(); !errors.As(err, &timeout) {
		t.Errorf("got %v", err)
	}
}

func TestMocksAreTakenInTheOrderOfTheirSetting(t *testing.T) {
	env := newEnv()
	first := env.OnActivity(Upper, mock.Anything, mock.Anything).Return("first", nil).Once()
	second := env.OnActivity(Upper, mock.Anything, mock.Anything).Return("then", nil).Twice()
	env.InOrderMockCalls(first, second)
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		all := ""
		for range 3 {
			var s string
			if err := workflow.ExecuteActivity(options(ctx), Upper, "").Get(ctx, &s); err != nil {
				return "", err
			}
			all += s + " "
		}
		return all, nil
	})
	check(t, env, "first then then ")
	env.AssertExpectations(t)
}

func TestMockThatWasNotCalledFailsTheTest(t *testing.T) {
	env := newEnv()
	env.RegisterActivity(Upper)
	env.OnActivity(Upper, mock.Anything, "bob").Return("", nil)
	env.OnActivity(Upper, mock.Anything, "ann").Return("", nil)
	env.OnWorkflow(Greet, mock.Anything, mock.Anything).Return("", nil).Maybe()
	env.ExecuteWorkflow(Greet, "ann")
	if s := (&silent{}); env.AssertExpectations(s) || !s.failed {
		t.Error("the mock for bob is taken for called")
	}
}

// TestMocksThatDoNotFit: whatever is wrong with a mock, the workflow fails and says what.
func TestMocksThatDoNotFit(t *testing.T) {
	for want, set := range map[string]func(env *testsuite.TestWorkflowEnvironment){
		"unexpected method call": func(env *testsuite.TestWorkflowEnvironment) {
			env.OnActivity(Upper, mock.Anything, "bob").Return("", nil)
		},
		"returns 1 values": func(env *testsuite.TestWorkflowEnvironment) { env.OnActivity(Upper, mock.Anything, "ann").Return("") },
		"must be a string": func(env *testsuite.TestWorkflowEnvironment) {
			env.OnActivity(Upper, mock.Anything, "ann").Return(1, nil)
		},
		"the only value, and a": func(env *testsuite.TestWorkflowEnvironment) {
			env.OnActivity(Upper, mock.Anything, "ann").Return(func() {})
		},
		"has no Return":       func(env *testsuite.TestWorkflowEnvironment) { env.OnActivity(Upper, mock.Anything, "ann") },
		"the mock says Never": func(env *testsuite.TestWorkflowEnvironment) { env.OnActivity(Upper, mock.Anything, "ann").Never() },
		"as the test wants": func(env *testsuite.TestWorkflowEnvironment) {
			env.OnActivity(Upper, mock.Anything, "ann").Panic("as the test wants")
		},
	} {
		env := newEnv()
		set(env)
		env.ExecuteWorkflow(Greet, "ann")
		if err := env.GetWorkflowError(); err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestWhatNobodyKnowsPanics(t *testing.T) {
	for want, do := range map[string]func(env *testsuite.TestWorkflowEnvironment){
		`activity type "Upper" is not registered`: func(env *testsuite.TestWorkflowEnvironment) { env.ExecuteWorkflow(Greet, "ann") },
		`workflow type "Greet" is not registered`: func(env *testsuite.TestWorkflowEnvironment) { env.ExecuteWorkflow(family, "ann") },
		`workflow type "nobody"`:                  func(env *testsuite.TestWorkflowEnvironment) { env.ExecuteWorkflow("nobody") },
		`activity type "nobody"`:                  func(env *testsuite.TestWorkflowEnvironment) { env.OnActivity("nobody", mock.Anything) },
		`OnWorkflow: workflow type "nobody"`:      func(env *testsuite.TestWorkflowEnvironment) { env.OnWorkflow("nobody", mock.Anything) },
		`1 arguments given for Upper`:             func(env *testsuite.TestWorkflowEnvironment) { env.OnActivity(Upper, mock.Anything) },
		`was called before`: func(env *testsuite.TestWorkflowEnvironment) {
			env.ExecuteWorkflow(Sleepy, time.Second)
			env.ExecuteWorkflow(Sleepy, time.Second)
		},
	} {
		t.Run(want, func(t *testing.T) {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.Contains(p, want) {
					t.Errorf("panic is %q", p)
				}
			}()
			do(newEnv())
		})
	}
}

func TestSignalToAnotherWorkflowIsMocked(t *testing.T) {
	send := func(ctx workflow.Context) error {
		return workflow.SignalExternalWorkflow(ctx, "other", "", "s", map[string]int{"n": 3}).Get(ctx, nil)
	}
	t.Run("for any", func(t *testing.T) {
		env := newEnv()
		env.OnSignalExternalWorkflow(mock.Anything, "other", "", "s", mock.Anything).Return(nil).Once()
		env.ExecuteWorkflow(send)
		if err := env.GetWorkflowError(); err != nil {
			t.Error(err)
		}
		env.AssertExpectations(t)
	})
	t.Run("for an argument", func(t *testing.T) {
		env := newEnv()
		env.OnSignalExternalWorkflow(mock.Anything, "other", "", "s", map[string]int{"n": 3}).Return(func(_, id, _, name string, arg interface{}) error {
			return fmt.Errorf("%s %s %v", id, name, arg)
		})
		env.ExecuteWorkflow(send)
		if err := env.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "unknown external workflow") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		env := newEnv()
		env.OnRequestCancelExternalWorkflow(mock.Anything, "other", mock.Anything).Return(nil)
		env.ExecuteWorkflow(func(ctx workflow.Context) error {
			return workflow.RequestCancelExternalWorkflow(ctx, "other", "").Get(ctx, nil)
		})
		if err := env.GetWorkflowError(); err != nil {
			t.Error(err)
		}
		env.AssertExpectations(t)
	})
}

func TestListenersAreTold(t *testing.T) {
	env := newEnv()
	env.RegisterActivity(Upper)
	env.RegisterWorkflow(Greet)
	told := make(chan string, 100)
	env.SetOnActivityStartedListener(func(info *activity.Info, ctx context.Context, args converter.EncodedValues) {
		var s string
		if err := args.Get(&s); err != nil || !activity.IsActivity(ctx) {
			t.Error(err)
		}
		told <- "activity started " + info.ActivityType.Name + " " + s
	})
	env.SetOnActivityCompletedListener(func(info *activity.Info, result converter.EncodedValue, err error) {
		var s string
		if err := result.Get(&s); err != nil {
			t.Error(err)
		}
		told <- fmt.Sprint("activity completed ", info.ActivityType.Name, " ", s, " ", err)
	})
	env.SetOnChildWorkflowStartedListener(func(info *workflow.Info, ctx workflow.Context, args converter.EncodedValues) {
		told <- fmt.Sprint("child started ", info.WorkflowExecution.ID, " ", workflow.GetInfo(ctx).WorkflowType.Name)
	})
	env.SetOnChildWorkflowCompletedListener(func(info *workflow.Info, result converter.EncodedValue, err error) {
		told <- fmt.Sprint("child completed ", info.WorkflowExecution.ID, " ", err)
	})
	env.SetOnTimerScheduledListener(func(id string, d time.Duration) { told <- fmt.Sprint("timer ", id, " ", d) })
	env.SetOnTimerFiredListener(func(id string) { told <- "fired " + id })
	env.SetOnTimerCanceledListener(func(id string) { told <- "canceled " + id })
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		short, cancel := workflow.WithCancel(ctx)
		workflow.NewTimer(short, time.Hour)
		if err := workflow.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		cancel()
		_, err := family(ctx, "ann")
		return err
	})
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	close(told)
	var all []string
	for s := range told {
		all = append(all, s)
	}
	want := "timer 2 1h0m0s, timer 3 1m0s, fired 3, canceled 2, child started the child Greet, activity started Upper ann, " +
		"activity completed Upper ANN <nil>, child completed the child <nil>"
	if got := strings.Join(all, ", "); got != want {
		t.Errorf("told\n%s, want\n%s", got, want)
	}
}
