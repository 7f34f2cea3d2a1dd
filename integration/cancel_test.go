package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

// TestCancelingAContextEndsWhatWasStartedWithIt cancels timers, waits and activities by contexts of the workflow's own.
func TestCancelingAContextEndsWhatWasStartedWithIt(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"wf": func(ctx workflow.Context) error {
		inner, cancel := workflow.WithCancel(quick(ctx))
		timer := workflow.NewTimer(inner, time.Hour)
		act := workflow.ExecuteActivity(workflow.WithHeartbeatTimeout(inner, time.Second), "wait")
		detached, _ := workflow.NewDisconnectedContext(inner)
		kept := workflow.NewTimer(detached, 100*time.Millisecond)
		var awaited error
		awaiting := true
		workflow.Go(inner, func(ctx workflow.Context) {
			awaited = workflow.Await(ctx, func() bool { return false })
			awaiting = false
		})
		if err := workflow.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
		cancel()
		if err := timer.Get(ctx, nil); !millrace.IsCanceledError(err) {
			return fmt.Errorf("timer gives %w", err)
		}
		if err := act.Get(ctx, nil); !millrace.IsCanceledError(err) {
			return fmt.Errorf("activity gives %w", err)
		}
		if err := workflow.Await(ctx, func() bool { return !awaiting }); err != nil || !millrace.IsCanceledError(awaited) {
			return fmt.Errorf("await gives %w, %w", awaited, err)
		}
		if err := kept.Get(ctx, nil); err != nil {
			return fmt.Errorf("timer of a disconnected context gives %w", err)
		}
		if inner.Err() == nil || ctx.Err() != nil || detached.Err() != nil {
			return fmt.Errorf("errors of the contexts: %v, %v, %v", inner.Err(), ctx.Err(), detached.Err())
		}
		if err := workflow.Sleep(inner, time.Hour); !millrace.IsCanceledError(err) {
			return fmt.Errorf("sleep with a canceled context gives %w", err)
		}
		if err := workflow.ExecuteActivity(inner, "wait").Get(ctx, nil); !millrace.IsCanceledError(err) {
			return fmt.Errorf("activity with a canceled context gives %w", err)
		}
		return nil
	}}, code{"wait": func(ctx context.Context) error {
		for ctx.Err() == nil {
			activity.RecordHeartbeat(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
		return ctx.Err()
	}})
	if err := e.execute("contexts", "wf").Get(e.ctx, nil); err != nil {
		t.Fatal(err)
	}
	events := ""
	for _, ev := range e.history("contexts") {
		events += ev.EventType.String() + " "
	}
	for _, want := range []string{"TimerCanceled", "ActivityTaskCancelRequested"} {
		if !strings.Contains(events, want) {
			t.Errorf("the history has no %s: %s", want, events)
		}
	}
}

// TestCancelBeforeTheFirstStep asks a run to cancel that no worker has seen yet.
func TestCancelBeforeTheFirstStep(t *testing.T) {
	e := newEngine(t)
	run := e.execute("early", "wf")
	if err := e.client.CancelWorkflow(e.ctx, "early", ""); err != nil {
		t.Fatal(err)
	}
	e.serve(code{"wf": func(ctx workflow.Context) error {
		if err := workflow.Sleep(ctx, time.Hour); !millrace.IsCanceledError(err) {
			return fmt.Errorf("sleep gives %w", err)
		}
		return ctx.Err()
	}}, nil)
	as[*millrace.CanceledError](e, e.failure(run))
	e.awaitStatus("early", enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
}

// TestAnActivityIsCanceledBeforeAnyWorkerTakesIt withdraws a task that waits in a queue which nobody serves.
func TestAnActivityIsCanceledBeforeAnyWorkerTakesIt(t *testing.T) {
	e := newEngine(t)
	ran := make(chan struct{}, 1)
	e.serve(code{"wf": func(ctx workflow.Context) error {
		ctx = workflow.WithTaskQueue(quick(ctx), "later")
		inner, cancel := workflow.WithCancel(workflow.WithWaitForCancellation(ctx, false))
		f := workflow.ExecuteActivity(inner, "a")
		if err := workflow.Sleep(ctx, 30*time.Millisecond); err != nil {
			return err
		}
		cancel()
		if err := f.Get(ctx, nil); !millrace.IsCanceledError(err) {
			return fmt.Errorf("activity gives %w", err)
		}
		return workflow.ExecuteActivity(ctx, "b").Get(ctx, nil)
	}}, nil)
	run := e.execute("withdrawn", "wf")
	e.await("withdrawn", "the second activity", func(d *client.WorkflowExecutionDescription) bool {
		for _, a := range d.PendingActivities {
			if a.ActivityType.Name == "b" {
				return true
			}
		}
		return false
	})
	e.serveOn("later", nil, code{"a": func() error { ran <- struct{}{}; return nil }, "b": func() error { return nil }})
	if err := run.Get(e.ctx, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ran:
		t.Error("the canceled activity ran")
	default:
	}
}

// TestACanceledRunMayStillComplete: a cancellation is a request.
func TestACanceledRunMayStillComplete(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"wf": func(ctx workflow.Context) (string, error) {
		s := workflow.NewSelector(ctx)
		how := ""
		s.AddReceive(ctx.Done(), func(c workflow.ReceiveChannel, _ bool) { how = "canceled" })
		s.AddFuture(workflow.NewTimer(ctx, time.Hour), func(workflow.Future) { how += "timer" })
		s.Select(ctx)
		return how, nil
	}}, nil)
	run := e.execute("stubborn", "wf")
	e.await("stubborn", "its timer", func(d *client.WorkflowExecutionDescription) bool { return len(d.PendingTimers) == 1 })
	for range 2 { // a second request changes nothing
		if err := e.client.CancelWorkflow(e.ctx, "stubborn", ""); err != nil {
			break
		}
	}
	if got := result[string](e, run); got != "canceled" && got != "canceledtimer" {
		t.Errorf("got %q", got)
	}
	err := e.client.CancelWorkflow(e.ctx, "stubborn", "")
	as[*serviceerror.NotFound](e, err)
	as[*serviceerror.NotFound](e, e.client.CancelWorkflow(e.ctx, "nobody", ""))
	as[*serviceerror.NotFound](e, e.client.SignalWorkflow(e.ctx, "stubborn", "", "x", nil))
	as[*serviceerror.NotFound](e, e.client.TerminateWorkflow(e.ctx, "stubborn", "", "x"))
}

// TestTerminateReachesRunsInEveryState terminates runs with and without workers, with an activity under way, and stuck.
func TestTerminateReachesRunsInEveryState(t *testing.T) {
	e := newEngine(t)
	terminate := func(id string, run client.WorkflowRun) {
		t.Helper()
		if err := e.client.TerminateWorkflow(e.ctx, id, "", "reason of "+id, "detail"); err != nil {
			t.Fatal(err)
		}
		as[*millrace.TerminatedError](e, e.failure(run))
		e.awaitStatus(id, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
	}
	terminate("unserved", e.executeWith(client.StartWorkflowOptions{ID: "unserved", TaskQueue: "nobody"}, "wf"))
	unserved := e.execute("served later", "wf")
	terminate("served later", unserved)

	begun, ended := make(chan struct{}, 1), make(chan error, 1)
	e.serve(code{
		"wf": func(ctx workflow.Context) error {
			ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Hour, HeartbeatTimeout: time.Second})
			return workflow.ExecuteActivity(ctx, "wait").Get(ctx, nil)
		},
		"panics": func(ctx workflow.Context) error { panic("no way") },
	}, code{"wait": func(ctx context.Context) error {
		begun <- struct{}{}
		for ctx.Err() == nil {
			activity.RecordHeartbeat(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
		ended <- context.Cause(ctx)
		return ctx.Err()
	}})
	run := e.execute("busy", "wf")
	receive(e, begun, "the activity's begin")
	terminate("busy", run)
	if cause := receive(e, ended, "the activity's end"); cause != activity.ErrCanceled { //nolint:errorlint // the cause itself is what is documented
		t.Errorf("the activity of the terminated run ends by %v", cause)
	}
	stuck := e.execute("stuck", "panics")
	e.await("stuck", "a reason for being stuck", func(d *client.WorkflowExecutionDescription) bool { return d.Stuck != "" })
	terminate("stuck", stuck)

	for _, ev := range e.history("busy") {
		if a := ev.GetWorkflowExecutionTerminatedEventAttributes(); a != nil && a.Reason != "reason of busy" {
			t.Errorf("the history tells %q as the reason", a.Reason)
		}
	}
}
