// Package timer notifies when an activity takes long, and cancels the timer when it does not.
package timer

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Workflow processes an order and tells the customer if that takes longer than patience.
func Workflow(ctx workflow.Context, patience, work time.Duration) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Hour})
	timerCtx, stopTimer := workflow.WithCancel(ctx)
	var processed, notified bool
	var failure error
	s := workflow.NewSelector(ctx)
	s.AddFuture(workflow.ExecuteActivity(ctx, Process, work), func(f workflow.Future) {
		processed, failure = true, f.Get(ctx, nil)
		stopTimer()
	})
	s.AddFuture(workflow.NewTimer(timerCtx, patience), func(f workflow.Future) {
		if f.Get(timerCtx, nil) == nil {
			notified = workflow.ExecuteActivity(ctx, Notify).Get(ctx, nil) == nil
		}
	})
	s.Select(ctx)
	if !processed {
		s.Select(ctx)
	}
	if failure != nil {
		return "", failure
	}
	if notified {
		return "late", nil
	}
	return "in time", nil
}

// Process takes some time.
func Process(ctx context.Context, work time.Duration) error {
	select {
	case <-time.After(work):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Notify sends a mail.
func Notify(context.Context) error { return nil }

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "timer", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Process)
		r.RegisterActivity(Notify)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := scene.Expect(ctx, s, "in time", Workflow, time.Minute, time.Millisecond); err != nil {
		return err
	}
	return scene.Expect(ctx, s, "late", Workflow, 10*time.Millisecond, 700*time.Millisecond)
}
