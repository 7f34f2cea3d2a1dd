// Package retryheartbeat goes on where the attempt before stopped, by the details of its heartbeats.
package retryheartbeat

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Outcome is where the last attempt began and ended.
type Outcome struct {
	Attempt    int32
	Began, End int
}

// Workflow processes a batch.
func Workflow(ctx workflow.Context, size int) (o Outcome, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, HeartbeatTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 10 * time.Millisecond, BackoffCoefficient: 2, MaximumAttempts: 5},
	})
	err = workflow.ExecuteActivity(ctx, Process, size).Get(ctx, &o)
	return o, err
}

// Process processes a third of the batch and fails, unless that was the rest.
func Process(ctx context.Context, size int) (Outcome, error) {
	began := 0
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &began); err != nil {
			return Outcome{}, err
		}
	}
	i := began
	for ; i < size; i++ {
		if i > began && i%(size/3) == 0 {
			return Outcome{}, errors.New("the connection broke")
		}
		activity.RecordHeartbeat(ctx, i+1)
	}
	return Outcome{activity.GetInfo(ctx).Attempt, began, i}, nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "retryheartbeat", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Process)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(ctx, s, Outcome{3, 6, 9}, Workflow, 9)
}
