package integration

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// locally bounds local activities and tries three times.
func locally(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{ScheduleToCloseTimeout: time.Minute,
		RetryPolicy: &millrace.RetryPolicy{InitialInterval: time.Millisecond, MaximumAttempts: 3}})
}

type nameplates struct{ prefix string }

func (r *nameplates) Name(_ context.Context, n int) (string, error) {
	return fmt.Sprint(r.prefix, n), nil
}

func TestLocalActivitiesRunInTheProcessOfTheWorkflow(t *testing.T) {
	e := newEngine(t)
	info := make(chan activity.Info, 1)
	describe := func(ctx context.Context, what map[string]chan int) (string, error) {
		info <- activity.GetInfo(ctx)
		activity.RecordHeartbeat(ctx, 1)
		return fmt.Sprint(what["as it is"] != nil), nil
	}
	wf := func(ctx workflow.Context) ([]string, error) {
		ctx = locally(ctx)
		var r *nameplates
		var byFunction, byMethod, byName string
		if err := workflow.ExecuteLocalActivity(ctx, describe, map[string]chan int{"as it is": make(chan int)}).Get(ctx, &byFunction); err != nil {
			return nil, err
		}
		if err := workflow.ExecuteLocalActivity(ctx, r.Name, 1).Get(ctx, &byMethod); err != nil {
			return nil, err
		}
		err := workflow.ExecuteLocalActivity(ctx, "Name", 2.0).Get(ctx, &byName)
		return []string{byFunction, byMethod, byName}, err
	}
	e.work(worker.Options{}, func(w worker.Worker) {
		register(w, code{"wf": wf}, nil)
		w.RegisterActivity(&nameplates{"no. "})
	})
	run := e.execute("local", "wf")
	if got := fmt.Sprint(result[[]string](e, run)); got != "[true no. 1 no. 2]" {
		t.Errorf("got %s", got)
	}
	i := receive(e, info, "the attempt's info")
	if !i.IsLocalActivity || i.ActivityID != "1" || i.Attempt != 1 || i.WorkflowExecution.ID != "local" || i.TaskQueue != queue ||
		i.ScheduleToCloseTimeout != time.Minute || i.Deadline.Before(i.StartedTime) || i.WorkflowType.Name != "wf" {
		t.Errorf("info is %+v", i)
	}
	if n := e.describe("local").HistoryLength; n != 5 {
		t.Errorf("%d events, want a start, three markers and the end", n)
	}
}

func TestLocalActivityIsTriedAgainInPlaceAndThenByATimer(t *testing.T) {
	e := newEngine(t)
	var quick, slow atomic.Int32
	wf := func(ctx workflow.Context) (string, error) {
		var n, m int32
		if err := workflow.ExecuteLocalActivity(locally(ctx), func(context.Context) (int32, error) {
			if quick.Add(1) < 3 {
				return 0, errors.New("busy")
			}
			return quick.Load(), nil
		}).Get(ctx, &n); err != nil {
			return "", err
		}
		ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{ScheduleToCloseTimeout: time.Minute,
			RetryPolicy: &millrace.RetryPolicy{InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 1}})
		err := workflow.ExecuteLocalActivity(ctx, func(ctx context.Context) (int32, error) {
			if slow.Add(1) < 2 {
				return 0, errors.New("busy")
			}
			return activity.GetInfo(ctx).Attempt, nil
		}).Get(ctx, &m)
		return fmt.Sprint(n, m), err
	}
	e.serve(code{"wf": wf}, nil)
	// 80 % of the task time-out is less than the second one's backoff.
	run := e.executeWith(client.StartWorkflowOptions{ID: "retried", WorkflowTaskTimeout: 500 * time.Millisecond}, "wf")
	if got := result[string](e, run); got != "3 2" {
		t.Errorf("got %s", got)
	}
	var types []enums.EventType
	for _, event := range e.history("retried")[1:] {
		types = append(types, event.EventType)
	}
	if got := fmt.Sprint(types); got != "[MarkerRecorded MarkerRecorded TimerStarted TimerFired MarkerRecorded WorkflowExecutionCompleted]" {
		t.Errorf("events are %s", got)
	}
}

func TestFailuresOfLocalActivities(t *testing.T) {
	e := newEngine(t)
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	calls := map[string]func(context.Context) error{
		"panic":   func(context.Context) error { panic("at the disco") },
		"timeout": func(context.Context) error { <-never; return nil }, // ignores its context
		"final":   func(context.Context) error { return millrace.NewNonRetryableApplicationError("no", "Final", nil) },
		"pending": func(context.Context) error { return activity.ErrResultPending },
	}
	wf := func(ctx workflow.Context, which string) error {
		o := workflow.LocalActivityOptions{StartToCloseTimeout: 50 * time.Millisecond, ScheduleToCloseTimeout: time.Minute,
			RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 1}}
		ctx = workflow.WithLocalActivityOptions(ctx, o)
		if which == "unknown" {
			return workflow.ExecuteLocalActivity(ctx, "nobody").Get(ctx, nil)
		}
		return workflow.ExecuteLocalActivity(ctx, calls[which]).Get(ctx, nil)
	}
	e.serve(code{"wf": wf}, nil)
	for which, check := range map[string]func(err error) bool{
		"panic": func(err error) bool {
			var p *millrace.PanicError
			return errors.As(err, &p) && p.Error() == "at the disco"
		},
		"timeout": func(err error) bool {
			var t *millrace.TimeoutError
			return errors.As(err, &t) && t.TimeoutType() == enums.TIMEOUT_TYPE_START_TO_CLOSE
		},
		"final": func(err error) bool {
			var a *millrace.ApplicationError
			return errors.As(err, &a) && a.Type() == "Final"
		},
		"pending": func(err error) bool {
			var a *millrace.ApplicationError
			return errors.As(err, &a) && a.Type() == "ResultPending"
		},
		"unknown": func(err error) bool {
			var a *millrace.ApplicationError
			return errors.As(err, &a) && a.Type() == "ActivityNotRegistered"
		},
	} {
		err := e.failure(e.execute(which, "wf", which))
		var failed *millrace.ActivityError
		if !errors.As(err, &failed) || !check(err) {
			t.Errorf("%s: error is %v", which, err)
		}
	}
}

// A signal that comes while the last local activity runs is consumed before the run closes; what has run does not run again.
func TestSignalDuringTheLastLocalActivityIsNotLost(t *testing.T) {
	e := newEngine(t)
	var calls atomic.Int32
	begun, goOn := make(chan struct{}), make(chan struct{})
	wf := func(ctx workflow.Context) (int, error) {
		if err := workflow.ExecuteLocalActivity(locally(ctx), func(context.Context) error {
			calls.Add(1)
			close(begun)
			<-goOn
			return nil
		}).Get(ctx, nil); err != nil {
			return 0, err
		}
		n := 0
		for workflow.GetSignalChannel(ctx, "s").ReceiveAsync(nil) {
			n++
		}
		return n, nil
	}
	e.serve(code{"wf": wf}, nil)
	run := e.execute("signaled", "wf")
	receive(e, begun, "the local activity")
	e.signal("signaled", "s", nil)
	close(goOn)
	if n := result[int](e, run); n != 1 || calls.Load() != 1 {
		t.Errorf("%d signals were received, the activity ran %d times", n, calls.Load())
	}
}

// Requests to cancel or terminate a run do not wait for its local activities.
func TestCancelAndTerminateDoNotWaitForLocalActivities(t *testing.T) {
	e := newEngine(t)
	begun := make(chan struct{}, 10)
	wf := func(ctx workflow.Context) error {
		err := workflow.ExecuteLocalActivity(locally(ctx), func(ctx context.Context) error {
			begun <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}).Get(ctx, nil)
		return err
	}
	e.serve(code{"wf": wf}, nil)
	e.execute("canceled", "wf")
	e.execute("terminated", "wf")
	receive(e, begun, "the first local activity")
	receive(e, begun, "the second local activity")
	if err := e.client.CancelWorkflow(e.ctx, "canceled", ""); err != nil {
		t.Fatal(err)
	}
	if err := e.client.TerminateWorkflow(e.ctx, "terminated", "", "enough"); err != nil {
		t.Fatal(err)
	}
	e.awaitStatus("canceled", enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
	e.awaitStatus("terminated", enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
}

func TestLocalActivityRunsAgainWhenItsProcessDies(t *testing.T) {
	e := newEngine(t)
	var calls atomic.Int32
	begun := make(chan struct{}, 10)
	wf := func(ctx workflow.Context) (int32, error) {
		var n int32
		err := workflow.ExecuteLocalActivity(locally(ctx), func(ctx context.Context) (int32, error) {
			n := calls.Add(1)
			begun <- struct{}{}
			if n == 1 {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			return n, nil
		}).Get(ctx, &n)
		return n, err
	}
	w := e.serveWith(worker.Options{WorkerStopTimeout: -1}, code{"wf": wf}, nil)
	run := e.execute("again", "wf")
	receive(e, begun, "the first call")
	w.Stop()
	e.work(worker.Options{}, func(w worker.Worker) { register(w, code{"wf": wf}, nil) })
	if n := result[int32](e, run); n != 2 {
		t.Errorf("result is that of call %d", n)
	}
}
