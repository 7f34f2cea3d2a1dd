// Package query answers questions about a running workflow.
package query

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Workflow waits for a signal; its state can be queried before and after.
func Workflow(ctx workflow.Context) error {
	state := "started"
	err := workflow.SetQueryHandler(ctx, "state", func(prefix string) (string, error) { return prefix + state, nil })
	if err != nil {
		return err
	}
	state = "waiting"
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	state = "sleeping"
	if err := workflow.Sleep(ctx, 10*time.Millisecond); err != nil {
		return err
	}
	state = "done"
	return nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "query", func(r worker.Registry) { r.RegisterWorkflow(Workflow) })
	if err != nil {
		return err
	}
	defer s.Close()
	run, err := s.Start(ctx, Workflow)
	if err != nil {
		return err
	}
	ask := func(want string) error {
		value, err := s.QueryWorkflow(ctx, run.GetID(), "", "state", "it is ")
		if err != nil {
			return err
		}
		var got string
		if err := value.Get(&got); err != nil {
			return err
		}
		return scene.Equal(got, want)
	}
	if err := ask("it is waiting"); err != nil {
		return err
	}
	if err := s.SignalWorkflow(ctx, run.GetID(), run.GetRunID(), "go", nil); err != nil {
		return err
	}
	if err := run.Get(ctx, nil); err != nil {
		return err
	}
	return ask("it is done")
}
