// Package externalcancel has a workflow ask another to stop, which is no child of it.
package externalcancel

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Sleeper says whether somebody woke it.
func Sleeper(ctx workflow.Context) (string, error) {
	err := workflow.Sleep(ctx, time.Hour)
	if temporal.IsCanceledError(err) {
		return "woken", nil
	}
	return "slept", err
}

// Waker asks the other to stop, and says whether there was one.
func Waker(ctx workflow.Context, id string) (string, error) {
	err := workflow.RequestCancelExternalWorkflow(ctx, id, "").Get(ctx, nil)
	var unknown *temporal.UnknownExternalWorkflowExecutionError
	if errors.As(err, &unknown) {
		return "nobody", nil
	}
	return "done", err
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "externalcancel", func(r worker.Registry) {
		r.RegisterWorkflow(Sleeper)
		r.RegisterWorkflow(Waker)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	sleeper, err := s.Start(ctx, Sleeper)
	if err != nil {
		return err
	}
	if err := scene.Expect(ctx, s, "done", Waker, sleeper.GetID()); err != nil {
		return err
	}
	if err := scene.Result(ctx, sleeper, "woken"); err != nil {
		return err
	}
	return scene.Expect(ctx, s, "nobody", Waker, "no such workflow")
}
