package testsuite_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func activityEnv() *testsuite.TestActivityEnvironment {
	var s testsuite.WorkflowTestSuite
	return s.NewTestActivityEnvironment()
}

// Resume goes on from the heartbeat details before.
func Resume(ctx context.Context, by int) (int, error) {
	at := 0
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &at); err != nil {
			return 0, err
		}
	}
	activity.RecordHeartbeat(ctx, at+by)
	return at + by, nil
}

func TestActivityAlone(t *testing.T) {
	env := activityEnv()
	env.RegisterActivity(Resume)
	beats := 0
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		if err := details.Get(&beats); err != nil {
			t.Error(err)
		}
	})
	env.SetHeartbeatDetails(40)
	v, err := env.ExecuteActivity(Resume, 2)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := v.Get(&n); err != nil || n != 42 || beats != 42 {
		t.Errorf("got %d, heartbeat %d, %v", n, beats, err)
	}
}

func TestActivityAloneFails(t *testing.T) {
	env := activityEnv()
	env.RegisterActivity(flow{})
	_, err := env.ExecuteActivity("Fatal")
	var app *millrace.ApplicationError
	var failed *millrace.ActivityError
	if !errors.As(err, &failed) || !errors.As(err, &app) || app.Type() != "Fatal" || !app.NonRetryable() {
		t.Errorf("got %v", err)
	}
	if _, err := env.ExecuteActivity("Panics"); err == nil || !strings.Contains(err.Error(), "ouch") {
		t.Errorf("got %v", err)
	}
	_, err = env.ExecuteLocalActivity(func(ctx context.Context) error {
		if !activity.GetInfo(ctx).IsLocalActivity {
			return errors.New("not local")
		}
		return activity.ErrResultPending
	})
	if !errors.Is(err, activity.ErrResultPending) {
		t.Errorf("got %v", err)
	}
	env.SetTestTimeout(time.Millisecond)
	if _, err := env.ExecuteActivity("Slow"); err == nil {
		t.Error("an activity without time ends well")
	}
}

func TestActivitySeesTheWorkersContext(t *testing.T) {
	type key struct{}
	env := activityEnv()
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: context.WithValue(context.Background(), key{}, "value")})
	stop := make(chan struct{})
	close(stop)
	env.SetWorkerStopChannel(stop)
	v, err := env.ExecuteLocalActivity(func(ctx context.Context) (string, error) {
		<-activity.GetWorkerStopChannel(ctx)
		return ctx.Value(key{}).(string), nil
	})
	var s string
	if err == nil {
		err = v.Get(&s)
	}
	if err != nil || s != "value" {
		t.Errorf("got %q, %v", s, err)
	}
}

// pending asks for an activity that is completed from outside.
func pending(ctx workflow.Context) (string, error) {
	var s string
	err := workflow.ExecuteActivity(options(ctx), "Pending").Get(ctx, &s)
	return s, err
}

func TestActivityIsCompletedFromOutside(t *testing.T) {
	env := newEnv()
	var token []byte
	env.RegisterActivityWithOptions(func(ctx context.Context) (string, error) {
		token = activity.GetInfo(ctx).TaskToken
		return "", activity.ErrResultPending
	}, activity.RegisterOptions{Name: "Pending"})
	env.RegisterDelayedCallback(func() {
		if err := env.CompleteActivity(token, "given", nil); err != nil {
			t.Error(err)
		}
	}, 30*time.Second)
	env.ExecuteWorkflow(pending)
	check(t, env, "given")
	if err := env.CompleteActivity([]byte("junk"), nil, nil); err == nil {
		t.Error("junk is taken for a token")
	}
}

// TestPendingActivityTimesOutWhenNobodyCompletesIt: its time-out waits for the test's patience, then time goes on.
func TestPendingActivityTimesOutWhenNobodyCompletesIt(t *testing.T) {
	env := newEnv()
	env.SetTestTimeout(20 * time.Millisecond)
	env.RegisterActivityWithOptions(func(context.Context) error { return activity.ErrResultPending }, activity.RegisterOptions{Name: "Pending"})
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 1}})
		return workflow.ExecuteActivity(ctx, "Pending").Get(ctx, nil)
	})
	var timeout *millrace.TimeoutError
	if err := env.GetWorkflowError(); !errors.As(err, &timeout) || timeout.TimeoutType() != enums.TIMEOUT_TYPE_START_TO_CLOSE {
		t.Errorf("got %v", err)
	}
}

// TestDeadlinesPassWhileActivitiesRun: time that an activity takes is time for the workflow.
func TestDeadlinesPassWhileActivitiesRun(t *testing.T) {
	env := newEnv()
	fired := make(chan struct{})
	env.RegisterActivityWithOptions(func(context.Context) error {
		<-fired
		return nil
	}, activity.RegisterOptions{Name: "Long"})
	env.SetOnTimerFiredListener(func(string) { close(fired) })
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		long := workflow.ExecuteActivity(options(ctx), "Long")
		if err := workflow.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		return long.Get(ctx, nil)
	})
	if err := env.GetWorkflowError(); err != nil {
		t.Error(err)
	}
}

func TestHeartbeatDetailsReachTheNextAttempt(t *testing.T) {
	env := newEnv()
	env.OnActivity(Resume, mock.Anything, mock.Anything).Return(func(ctx context.Context, by int) (int, error) {
		n, err := Resume(ctx, by)
		if err == nil && activity.GetInfo(ctx).Attempt < 3 {
			err = errors.New("again")
		}
		return n, err
	})
	env.ExecuteWorkflow(func(ctx workflow.Context) (int, error) {
		var n int
		err := workflow.ExecuteActivity(options(ctx), Resume, 2).Get(ctx, &n)
		return n, err
	})
	check(t, env, 6)
}

func TestScheduleToCloseEndsAllAttempts(t *testing.T) {
	env := newEnv()
	env.OnActivity(Upper, mock.Anything, mock.Anything).After(40*time.Second).Return("", errors.New("again"))
	env.ExecuteWorkflow(func(ctx workflow.Context) (time.Duration, error) {
		begun := workflow.Now(ctx)
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{ScheduleToCloseTimeout: time.Minute, StartToCloseTimeout: time.Minute})
		err := workflow.ExecuteActivity(ctx, Upper, "").Get(ctx, nil)
		var timeout *millrace.TimeoutError
		if !errors.As(err, &timeout) || timeout.TimeoutType() != enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE {
			return 0, err
		}
		return workflow.Now(ctx).Sub(begun), nil
	})
	check(t, env, time.Minute)
}

func TestActivityOfAnotherQueuePanics(t *testing.T) {
	env := newEnv()
	env.RegisterActivity(Upper)
	env.SetActivityTaskQueue("special", Upper)
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, `serves it on "special" only`) {
			t.Errorf("panic is %q", p)
		}
	}()
	env.ExecuteWorkflow(Greet, "ann")
}

// tenant carries a name from the header into contexts.
type tenant struct{}

type tenantKey struct{}

func (tenant) Inject(context.Context, workflow.HeaderWriter) error { return nil }
func (tenant) Extract(ctx context.Context, r workflow.HeaderReader) (context.Context, error) {
	p, ok := r.Get("tenant")
	if !ok {
		return ctx, nil
	}
	return context.WithValue(ctx, tenantKey{}, string(p.Data)), nil
}

func (tenant) InjectFromWorkflow(ctx workflow.Context, w workflow.HeaderWriter) error {
	if name, ok := ctx.Value(tenantKey{}).(string); ok {
		w.Set("tenant", &common.Payload{Data: []byte(name)})
	}
	return nil
}

func (tenant) ExtractToWorkflow(ctx workflow.Context, r workflow.HeaderReader) (workflow.Context, error) {
	p, ok := r.Get("tenant")
	if !ok {
		return ctx, nil
	}
	return workflow.WithValue(ctx, tenantKey{}, string(p.Data)), nil
}

func TestContextIsPropagated(t *testing.T) {
	var s testsuite.WorkflowTestSuite
	s.SetHeader(&common.Header{Fields: map[string]*common.Payload{"tenant": {Data: []byte("acme")}}})
	s.SetContextPropagators([]workflow.ContextPropagator{tenant{}})
	env := s.NewTestWorkflowEnvironment()
	env.RegisterActivityWithOptions(func(ctx context.Context) (string, error) {
		name, _ := ctx.Value(tenantKey{}).(string)
		return name, nil
	}, activity.RegisterOptions{Name: "Tenant"})
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		var name string
		err := workflow.ExecuteActivity(options(ctx), "Tenant").Get(ctx, &name)
		return name, err
	})
	check(t, env, "acme")
}

func TestMocksOweNoHeartbeats(t *testing.T) {
	env := newEnv()
	env.OnActivity(Upper, mock.Anything, mock.Anything).After(30*time.Second).Return("late", nil)
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		var s string
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, HeartbeatTimeout: time.Second})
		err := workflow.ExecuteActivity(ctx, Upper, "").Get(ctx, &s)
		return s, err
	})
	check(t, env, "late")
}

func TestActivityMayReturnWithinTheGracePeriod(t *testing.T) {
	env := newEnv()
	env.SetActivityTimeoutGracePeriod(time.Minute)
	env.RegisterActivityWithOptions(func(ctx context.Context) (string, error) {
		<-ctx.Done()
		return "in time", nil
	}, activity.RegisterOptions{Name: "Slow"})
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		var s string
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: 20 * time.Millisecond, RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 1}})
		err := workflow.ExecuteActivity(ctx, "Slow").Get(ctx, &s)
		return s, err
	})
	check(t, env, "in time")
}

func TestHistoryLengthIsPretended(t *testing.T) {
	env := newEnv()
	env.SetCurrentHistoryLength(10_000)
	env.RegisterDelayedCallback(func() { env.SetCurrentHistoryLength(0) }, time.Minute)
	env.ExecuteWorkflow(func(ctx workflow.Context) (int, error) {
		n := workflow.GetInfo(ctx).GetCurrentHistoryLength()
		err := workflow.Sleep(ctx, time.Hour)
		return n + workflow.GetInfo(ctx).GetCurrentHistoryLength(), err
	})
	check(t, env, 10_003)
}

func TestContinueAsNewIsSuggested(t *testing.T) {
	env := newEnv()
	env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, 90*time.Minute)
	env.RegisterDelayedCallback(func() {
		env.SetCurrentHistorySize(77)
		env.SetContinueAsNewSuggestedReasons([]workflow.ContinueAsNewSuggestedReason{workflow.ContinueAsNewSuggestedReasonTooManyUpdates})
	}, 150*time.Minute)
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		said := ""
		for range 3 {
			if err := workflow.Sleep(ctx, time.Hour); err != nil {
				return "", err
			}
			info := workflow.GetInfo(ctx)
			said += fmt.Sprint(info.GetContinueAsNewSuggested(), info.GetContinueAsNewSuggestedReasons(), info.GetCurrentHistorySize() == 77, ";")
		}
		return said, nil
	})
	check(t, env, "false [] false;true [0] false;true [3] true;")
}

func TestDynamicActivityIsMockedByItsType(t *testing.T) {
	env := newEnv()
	env.RegisterDynamicActivity(func(_ context.Context, args converter.EncodedValues) (string, error) {
		var s string
		err := args.Get(&s)
		return "dynamic " + s, err
	}, activity.DynamicRegisterOptions{})
	env.OnActivity("second", mock.Anything, mock.Anything).Return("mocked", nil)
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		var first, second string
		err := workflow.ExecuteActivity(options(ctx), "first", "a").Get(ctx, &first)
		if err == nil {
			err = workflow.ExecuteActivity(options(ctx), "second", "b").Get(ctx, &second)
		}
		return first + " " + second, err
	})
	check(t, env, "dynamic a mocked")
}
