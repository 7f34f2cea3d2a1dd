// Package pollingperiodic polls from a child that continues as new, so that no history grows.
package pollingperiodic

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

const pollsPerRun = 3

// Service answers after some calls.
type Service struct {
	calls  atomic.Int32
	Enough int32
}

// Poll is the activity: one call of the service.
func (s *Service) Poll(context.Context) (string, error) {
	if s.calls.Add(1) < s.Enough {
		return "", errors.New("not yet")
	}
	return "done", nil
}

// Workflow waits for the child, however many runs it takes.
func Workflow(ctx workflow.Context, interval time.Duration) (result string, err error) {
	err = workflow.ExecuteChildWorkflow(ctx, Poller, interval).Get(ctx, &result)
	return result, err
}

// Poller polls some times and continues as new.
func Poller(ctx workflow.Context, interval time.Duration) (result string, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Second, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	var s *Service
	for range pollsPerRun {
		if err := workflow.ExecuteActivity(ctx, s.Poll).Get(ctx, &result); err == nil {
			return result, nil
		}
		if err := workflow.Sleep(ctx, interval); err != nil {
			return "", err
		}
	}
	return "", workflow.NewContinueAsNewError(ctx, Poller, interval)
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "pollingperiodic", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterWorkflow(Poller)
		r.RegisterActivity(&Service{Enough: 8})
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(ctx, s, "done", Workflow, 10*time.Millisecond)
}
