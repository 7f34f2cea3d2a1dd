// Package update changes a running workflow and waits for the answer.
package update

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Name is that of the update.
const Name = "fetch_and_add"

// Workflow counts until it is told to end.
func Workflow(ctx workflow.Context) (int, error) {
	counter := 0
	err := workflow.SetUpdateHandlerWithOptions(ctx, Name, func(ctx workflow.Context, n int) (int, error) {
		before := counter
		counter += n
		return before, nil
	}, workflow.UpdateHandlerOptions{Validator: func(_ workflow.Context, n int) error {
		if n < 0 {
			return fmt.Errorf("addend must be non-negative (%d)", n)
		}
		return nil
	}})
	if err != nil {
		return 0, err
	}
	workflow.GetSignalChannel(ctx, "done").Receive(ctx, nil)
	return counter, ctx.Err()
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "update", func(r worker.Registry) { r.RegisterWorkflow(Workflow) })
	if err != nil {
		return err
	}
	defer s.Close()
	run, err := s.Start(ctx, Workflow)
	if err != nil {
		return err
	}
	add := func(n int) (before int, err error) {
		handle, err := s.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: run.GetID(), UpdateName: Name, Args: []any{n}, WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err != nil {
			return 0, err
		}
		err = handle.Get(ctx, &before)
		return before, err
	}
	for i := range 3 {
		if before, err := add(10); err != nil || before != 10*i {
			return fmt.Errorf("update %d returned %d, %w", i, before, err)
		}
	}
	var refused *temporal.ApplicationError
	if _, err := add(-1); !errors.As(err, &refused) {
		return fmt.Errorf("update with -1: %w", err)
	}
	if err := s.SignalWorkflow(ctx, run.GetID(), "", "done", nil); err != nil {
		return err
	}
	return scene.Result(ctx, run, 30)
}
