// Package cancellation cleans up after it was asked to stop.
package cancellation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Activities remember what happened.
type Activities struct{ Started, Cleaned chan struct{} }

// Work goes on until it is canceled.
func (a *Activities) Work(ctx context.Context) (string, error) {
	a.Started <- struct{}{}
	for {
		select {
		case <-time.After(5 * time.Millisecond):
			activity.RecordHeartbeat(ctx)
		case <-ctx.Done():
			return "stopped in good order", nil
		}
	}
}

// CleanUp is an activity.
func (a *Activities) CleanUp(context.Context) error {
	a.Cleaned <- struct{}{}
	return nil
}

// Workflow works, and cleans up in any case.
func Workflow(ctx workflow.Context) (err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour, HeartbeatTimeout: 5 * time.Second, WaitForCancellation: true,
	})
	var a *Activities
	defer func() {
		if !errors.Is(ctx.Err(), workflow.ErrCanceled) {
			return
		}
		clean, _ := workflow.NewDisconnectedContext(ctx)
		err = errors.Join(err, workflow.ExecuteActivity(clean, a.CleanUp).Get(clean, nil))
	}()
	var result string
	if err := workflow.ExecuteActivity(ctx, a.Work).Get(ctx, &result); err != nil {
		return err
	}
	workflow.GetLogger(ctx).Info("worked", "result", result)
	return workflow.ExecuteActivity(ctx, a.Work).Get(ctx, nil) // never begins
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	a := &Activities{Started: make(chan struct{}, 9), Cleaned: make(chan struct{}, 9)}
	s, err := scene.Open(options, "cancellation", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(a)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	run, err := s.Start(ctx, Workflow)
	if err != nil {
		return err
	}
	select {
	case <-a.Started:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.CancelWorkflow(ctx, run.GetID(), ""); err != nil {
		return err
	}
	if err := run.Get(ctx, nil); !temporal.IsCanceledError(errors.Unwrap(err)) {
		return fmt.Errorf("got %v, want that it was canceled", err)
	}
	return scene.Equal([2]int{len(a.Started), len(a.Cleaned)}, [2]int{0, 1})
}
