package workflow_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

func TestCancellationGoesDownInTheOrderOfCreation(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		parent, cancel := workflow.WithCancel(withActivities(ctx))
		workflow.ExecuteActivity(parent, "A")
		first, _ := workflow.WithCancel(parent)
		second, _ := workflow.WithCancel(parent)
		workflow.ExecuteActivity(second, "D")
		workflow.ExecuteActivity(first, "B")
		grandchild, _ := workflow.WithCancel(first)
		workflow.NewTimer(grandchild, time.Hour)
		workflow.ExecuteActivity(parent, "E")
		apart, _ := workflow.NewDisconnectedContext(parent)
		workflow.ExecuteActivity(apart, "F")
		cancel()
		if !errors.Is(first.Err(), workflow.ErrCanceled) || apart.Err() != nil || ctx.Err() != nil {
			return fmt.Errorf("errors after cancel: %v, %v, %v", first.Err(), apart.Err(), ctx.Err())
		}
		return nil
	})
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	names := map[int64]string{}
	var canceled []string
	for _, e := range h.records[0].Events {
		switch a := e.Attributes.(type) {
		case *history.ActivityTaskScheduled:
			names[e.ID] = a.Type
		case *history.TimerStarted:
			names[e.ID] = "timer"
		case *history.ActivityTaskCancelRequested:
			canceled = append(canceled, names[a.Scheduled])
		case *history.TimerCanceled:
			canceled = append(canceled, names[a.Started])
		}
	}
	// First, with B and its grandchild's timer, was made before second, with D.
	if d := cmp.Diff([]string{"A", "B", "timer", "D", "E"}, canceled); d != "" {
		t.Errorf("order of cancellation: %s", d)
	}
}

func TestChildOfCanceledContextIsCanceled(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]string, error) {
		ctx, cancel := workflow.WithCancel(withActivities(ctx))
		cancel()
		ctx, _ = workflow.WithCancel(ctx)
		child := workflow.ExecuteChildWorkflow(ctx, "Child")
		_, more := ctx.Done().ReceiveAsyncWithMoreFlag(nil)
		return []string{
			fmt.Sprint(ctx.Err(), more),
			fmt.Sprint(workflow.Sleep(ctx, time.Hour)),
			fmt.Sprint(workflow.ExecuteActivity(ctx, "A").Get(ctx, nil)),
			fmt.Sprint(child.Get(ctx, nil), child.GetChildWorkflowExecution().Get(ctx, nil)),
			fmt.Sprint(workflow.Await(ctx, func() bool { return false })),
			fmt.Sprint(workflow.SignalExternalWorkflow(ctx, "w", "", "s", nil).Get(ctx, nil)),
			fmt.Sprint(workflow.RequestCancelExternalWorkflow(ctx, "w", "").Get(ctx, nil)),
		}, nil
	})
	wantResult(h, []string{"canceled false", "canceled", "canceled", "canceled canceled", "canceled", "canceled", "canceled"})
	h.wantTrace("WorkflowExecutionCompleted")
}

func TestCancelRequestClosesTheRunAsCanceled(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(withActivities(ctx), "Train").Get(ctx, nil)
	})
	h.step(h.cancel())
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
	h.wantTrace("ActivityTaskScheduled", "WorkflowExecutionCancelRequested ActivityTaskCancelRequested WorkflowExecutionCanceled")
}

func TestCancelBeforeTheFirstStep(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) error {
		return workflow.Sleep(ctx, time.Hour)
	}, nil)
	h.step(h.cancel())
	h.wantTrace("WorkflowExecutionCancelRequested WorkflowExecutionCanceled")
}

func TestCanceledErrorCarriesDetails(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		return fmt.Errorf("gave up: %w", millrace.NewCanceledError("at row", 7))
	})
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
	details, _, _ := h.m.State().Result()
	if len(details.GetPayloads()) != 2 || string(details.Payloads[1].Data) != "7" {
		t.Errorf("details %v", details)
	}
}

// The cancel request and the outcome of what it would cancel may come in one transition, in either order.
func TestCancelDoesNotTouchWhatHasAnOutcome(t *testing.T) {
	t.Parallel()
	for _, cancelFirst := range []bool{false, true} {
		h := begin(t, func(ctx workflow.Context) (string, error) {
			ctx = withActivities(ctx)
			timer := workflow.NewTimer(ctx, time.Minute)
			train := workflow.ExecuteActivity(ctx, "Train")
			pending := workflow.ExecuteActivity(ctx, "Publish")
			var model string
			if err := train.Get(ctx, &model); err != nil {
				return "", err
			}
			if ctx.Err() == nil {
				return "", errors.New("the request to cancel is not seen yet")
			}
			return fmt.Sprint(model, " ", timer.Get(ctx, nil), " ", pending.Get(ctx, nil)), nil
		})
		h.now = h.now.Add(time.Minute)
		if cancelFirst {
			h.step(h.cancel(), h.completed("Train", "model"))
		} else {
			h.step(h.completed("Train", "model"), h.cancel())
		}
		wantResult(h, "model <nil> canceled")
	}
}

func TestNoTimeAtAllIsOverAlsoForACanceledContext(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		canceled, cancel := workflow.WithCancel(ctx)
		cancel()
		log := fmt.Sprint(workflow.Sleep(canceled, 0), workflow.NewTimer(canceled, -1).Get(ctx, nil))
		return log + fmt.Sprint(" ", workflow.Sleep(canceled, 1)), nil
	})
	wantResult(h, "<nil> <nil> canceled")
}

func TestDisconnectedContextCleansUpAfterCancel(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (err error) {
		ctx = withActivities(ctx)
		defer func() {
			cleanup, cancel := workflow.NewDisconnectedContext(ctx)
			defer cancel()
			if e := workflow.ExecuteActivity(cleanup, "Release").Get(cleanup, nil); e != nil {
				err = e
			}
		}()
		return workflow.ExecuteActivity(ctx, "Train").Get(ctx, nil)
	})
	h.step(h.cancel())
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
	h.step(h.completed("Release", nil))
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
}

func TestWaitForCancellation(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		ctx = workflow.WithWaitForCancellation(withActivities(ctx), true)
		err := workflow.ExecuteActivity(ctx, "Train").Get(ctx, nil)
		var activity *millrace.ActivityError
		return fmt.Sprint(errors.As(err, &activity), millrace.IsCanceledError(err)), nil
	})
	h.step(h.cancel())
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
	h.step(h.failed("Train", millrace.NewCanceledError()))
	wantResult(h, "true true")
}

func TestContextValuesAndDone(t *testing.T) {
	t.Parallel()
	type key struct{ n int }
	h := begin(t, func(ctx workflow.Context) (string, error) {
		a := workflow.WithValue(ctx, key{1}, "one")
		b, cancel := workflow.WithCancel(workflow.WithValue(a, key{2}, "two"))
		c, _ := workflow.NewDisconnectedContext(b)
		cancel()
		deadline, ok := c.Deadline()
		return fmt.Sprint(c.Value(key{1}), c.Value(key{2}), c.Value(key{3}), a.Value(key{2}), deadline.IsZero(), ok, c.Err(), b.Err(), a.Err()), nil
	})
	wantResult(h, "onetwo<nil> <nil> true false <nil> canceled <nil>")
}

// A run may go on for a long time: what has ended must not pile up in what lives on.
func TestNothingPilesUp(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]int, error) {
		quiet, busy := workflow.NewChannel(ctx), workflow.NewChannel(ctx)
		quietFuture, _ := workflow.NewFuture(ctx)
		workflow.Go(ctx, func(ctx workflow.Context) {
			for {
				workflow.NewSelector(ctx).
					AddReceive(quiet, func(workflow.ReceiveChannel, bool) {}).
					AddReceive(busy, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) }).
					AddFuture(quietFuture, func(workflow.Future) {}).
					Select(ctx)
			}
		})
		before := workflow.Waiting(ctx)
		for range 10 {
			busy.Send(ctx, 1)
			_, cancel := workflow.WithCancel(ctx)
			cancel()
			_, _ = quiet.ReceiveWithTimeout(ctx, time.Second, nil)
			_ = workflow.Sleep(ctx, time.Second)
			_ = workflow.ExecuteActivity(withActivities(ctx), "A").Get(ctx, nil)
			_ = workflow.ExecuteChildWorkflow(ctx, "C").Get(ctx, nil)
		}
		_ = workflow.Sleep(ctx, time.Second)
		return []int{before, workflow.Waiting(ctx), workflow.Waiting(quiet), workflow.Waiting(busy), workflow.Waiting(quietFuture)}, nil
	})
	for range 10 {
		h.advance(time.Second)
		h.advance(time.Second)
		h.step(h.completed("A", nil))
		h.step(h.childCompleted(nil))
	}
	h.advance(time.Second)
	wantResult(h, []int{0, 0, 1, 1, 1})
}
