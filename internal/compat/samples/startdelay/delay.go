// Package startdelay begins a while after it was asked to, unless a signal comes first.
package startdelay

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Workflow says when it began.
func Workflow(ctx workflow.Context) (time.Time, error) { return workflow.Now(ctx), nil }

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "startdelay", func(r worker.Registry) { r.RegisterWorkflow(Workflow) })
	if err != nil {
		return err
	}
	defer s.Close()
	const delay = 300 * time.Millisecond
	start := s.Workflow()
	start.StartDelay = delay
	asked := time.Now()
	run, err := s.ExecuteWorkflow(ctx, start, Workflow)
	if err != nil {
		return err
	}
	var began time.Time
	if err := run.Get(ctx, &began); err != nil {
		return err
	}
	if waited := began.Sub(asked); waited < delay-10*time.Millisecond {
		return fmt.Errorf("began after %v, want %v", waited, delay)
	}
	return nil
}
