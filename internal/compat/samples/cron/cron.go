// Package cron hands the result of each run to the next.
package cron

import (
	"context"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Workflow counts the runs.
func Workflow(ctx workflow.Context) (int, error) {
	runs := 0
	if workflow.HasLastCompletionResult(ctx) {
		if err := workflow.GetLastCompletionResult(ctx, &runs); err != nil {
			return 0, err
		}
	}
	return runs + 1, nil
}

// Run is the scenario on a server: runs each second, until it is told to stop.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "cron", func(r worker.Registry) { r.RegisterWorkflow(Workflow) })
	if err != nil {
		return err
	}
	defer s.Close()
	start := s.Workflow()
	start.CronSchedule = "@every 1s"
	first, err := s.ExecuteWorkflow(ctx, start, Workflow)
	if err != nil {
		return err
	}
	defer s.TerminateWorkflow(ctx, first.GetID(), "", "seen enough")
	var runs int
	if err := s.GetWorkflow(ctx, first.GetID(), first.GetRunID()).GetWithOptions(ctx, &runs, client.WorkflowRunGetOptions{DisableFollowingRuns: true}); err != nil {
		return err
	}
	return scene.Equal(runs, 1)
}
