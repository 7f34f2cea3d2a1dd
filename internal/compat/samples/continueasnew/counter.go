// Package continueasnew counts down over many runs.
package continueasnew

import (
	"context"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Counter continues as new until n is 0.
func Counter(ctx workflow.Context, n, runs int) (int, error) {
	if n == 0 {
		return runs, nil
	}
	return 0, workflow.NewContinueAsNewError(ctx, Counter, n-1, runs+1)
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "continueasnew", func(r worker.Registry) { r.RegisterWorkflow(Counter) })
	if err != nil {
		return err
	}
	defer s.Close()
	run, err := s.Start(ctx, Counter, 3, 0)
	if err != nil {
		return err
	}
	first := run.GetRunID()
	if err := scene.Result(ctx, run, 3); err != nil {
		return err
	}
	last := s.GetWorkflow(ctx, run.GetID(), "")
	if err := scene.Result(ctx, last, 3); err != nil {
		return err
	}
	description, err := s.DescribeWorkflow(ctx, run.GetID(), "")
	if err != nil {
		return err
	}
	return scene.Equal(description.WorkflowExecution.RunID != first, true)
}
