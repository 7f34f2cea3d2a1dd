// Package pollinginfrequent polls by the retries of an activity.
package pollinginfrequent

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Service answers after some calls.
type Service struct {
	calls  atomic.Int32
	Enough int32
}

// Poll is the activity: one call of the service.
func (s *Service) Poll(ctx context.Context) (int32, error) {
	if s.calls.Add(1) < s.Enough {
		return 0, errors.New("not yet")
	}
	return activity.GetInfo(ctx).Attempt, nil
}

// Workflow returns the attempt that succeeded.
func Workflow(ctx workflow.Context, interval time.Duration) (attempt int32, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{BackoffCoefficient: 1, InitialInterval: interval},
	})
	var s *Service
	err = workflow.ExecuteActivity(ctx, s.Poll).Get(ctx, &attempt)
	return attempt, err
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "pollinginfrequent", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(&Service{Enough: 4})
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(ctx, s, int32(4), Workflow, 20*time.Millisecond)
}
