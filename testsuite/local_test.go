package testsuite_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/workflow"
)

func localOptions(ctx workflow.Context, o workflow.LocalActivityOptions) workflow.Context {
	if o.StartToCloseTimeout == 0 {
		o.StartToCloseTimeout = time.Minute
	}
	return workflow.WithLocalActivityOptions(ctx, o)
}

func greetLocally(ctx workflow.Context, name string) (string, error) {
	var s string
	err := workflow.ExecuteLocalActivity(localOptions(ctx, workflow.LocalActivityOptions{}), Upper, name).Get(ctx, &s)
	return s, err
}

func TestLocalActivityIsCalledOrMocked(t *testing.T) {
	env := newEnv()
	started := make(chan string, 1)
	env.SetOnLocalActivityStartedListener(func(info *activity.Info, _ context.Context, args []interface{}) {
		started <- fmt.Sprint(info.ActivityType.Name, args, info.IsLocalActivity)
	})
	completed := ""
	env.SetOnLocalActivityCompletedListener(func(_ *activity.Info, result converter.EncodedValue, err error) {
		if err = result.Get(&completed); err != nil {
			t.Error(err)
		}
	})
	env.ExecuteWorkflow(greetLocally, "ann")
	check(t, env, "ANN")
	if s := <-started; s != "Upper[ann] true" || completed != "ANN" {
		t.Errorf("started %s, completed %s", s, completed)
	}

	env = newEnv()
	env.OnActivity(Upper, mock.Anything, "ann").After(time.Second).Return("mocked", nil)
	env.ExecuteWorkflow(greetLocally, "ann")
	check(t, env, "mocked")
	env.AssertExpectations(t)
}

// TestLongWaitsOfLocalActivitiesAreTimers: what waits longer than a transition may last is left to the run.
func TestLongWaitsOfLocalActivitiesAreTimers(t *testing.T) {
	env := newEnv()
	timers := 0
	env.SetOnTimerFiredListener(func(string) { timers++ })
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		begun := workflow.Now(ctx)
		ctx = localOptions(ctx, workflow.LocalActivityOptions{RetryPolicy: &millrace.RetryPolicy{InitialInterval: 5 * time.Second}})
		var s string
		err := workflow.ExecuteLocalActivity(ctx, flow{}.Fail, 4).Get(ctx, &s)
		return fmt.Sprint(s, " after ", workflow.Now(ctx).Sub(begun).Round(time.Second)), err
	})
	check(t, env, "attempt 4 after 35s")
	if timers != 2 {
		t.Errorf("%d timers fired, want those of 10 s and 20 s", timers)
	}
}

func TestSignalsWaitForLocalActivities(t *testing.T) {
	env := newEnv()
	env.OnActivity(Upper, mock.Anything, mock.Anything).After(10*time.Second).Return("done", nil)
	asked := errors.New("not asked")
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow("s", "signal")
		_, asked = env.QueryWorkflow("nothing")
	}, 5*time.Second)
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		s, err := greetLocally(ctx, "ann")
		var signal string
		workflow.GetSignalChannel(ctx, "s").Receive(ctx, &signal)
		return s + " " + signal, err
	})
	check(t, env, "done signal")
	if asked == nil || asked.Error() == "not asked" {
		t.Errorf("the query answered %v", asked)
	}
}

func TestCanceledLocalActivityIsNotWaitedFor(t *testing.T) {
	env := newEnv()
	env.OnActivity(Upper, mock.Anything, "slow").After(50*time.Second).Return("late", nil)
	env.OnActivity(Upper, mock.Anything, "quick").Return("first", nil)
	canceled := 0
	env.SetOnLocalActivityCanceledListener(func(*activity.Info) { canceled++ })
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		ctx, cancel := workflow.WithCancel(localOptions(ctx, workflow.LocalActivityOptions{}))
		slow := workflow.ExecuteLocalActivity(ctx, Upper, "slow")
		var s string
		if err := workflow.ExecuteLocalActivity(ctx, Upper, "quick").Get(ctx, &s); err != nil {
			return "", err
		}
		cancel()
		err := slow.Get(ctx, nil)
		var c *millrace.CanceledError
		return fmt.Sprint(s, errors.As(err, &c)), nil
	})
	check(t, env, "firsttrue")
	if canceled != 1 {
		t.Errorf("%d canceled", canceled)
	}
}

func TestLocalActivityTimesOut(t *testing.T) {
	env := newEnv()
	env.OnActivity(Upper, mock.Anything, mock.Anything).After(time.Hour).Return("late", nil)
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = localOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Second, RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 2}})
		return workflow.ExecuteLocalActivity(ctx, Upper, "").Get(ctx, nil)
	})
	var timeout *millrace.TimeoutError
	if err := env.GetWorkflowError(); !errors.As(err, &timeout) {
		t.Errorf("got %v", err)
	}
}

// TestCancellationDoesNotWaitForLocalActivities: as on a server, what waits for them is decided again together with the
// request. What had ended is not called again.
func TestCancellationDoesNotWaitForLocalActivities(t *testing.T) {
	env := newEnv()
	calls := map[string]int{}
	running := make(chan struct{})
	quick := func(context.Context) (int, error) { calls["quick"]++; return 7, nil }
	slow := func(ctx context.Context) error {
		calls["slow"]++
		close(running)
		<-ctx.Done()
		return ctx.Err()
	}
	go func() {
		<-running
		env.CancelWorkflow()
	}()
	env.RegisterWorkflow(greetLocally)
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		ctx = localOptions(ctx, workflow.LocalActivityOptions{})
		clean, end := workflow.NewDisconnectedContext(ctx)
		defer end()
		var n int
		if err := workflow.ExecuteLocalActivity(clean, quick).Get(clean, &n); err != nil {
			return "", err
		}
		err := workflow.ExecuteLocalActivity(ctx, slow).Get(ctx, nil)
		var canceled *millrace.CanceledError
		return fmt.Sprint(n, errors.As(err, &canceled)), nil
	})
	check(t, env, "7 true")
	if calls["quick"] != 1 || calls["slow"] != 1 {
		t.Errorf("calls are %v", calls)
	}
}
