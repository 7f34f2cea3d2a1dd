// Package pickfirst takes the first of several answers and cancels the others.
package pickfirst

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Workflow asks several branches at once.
func Workflow(ctx workflow.Context, waits []time.Duration) (first int, err error) {
	ctx, cancel := workflow.WithCancel(ctx)
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, HeartbeatTimeout: 10 * time.Second, WaitForCancellation: true,
	})
	s := workflow.NewSelector(ctx)
	var pending []workflow.Future
	for i, wait := range waits {
		f := workflow.ExecuteActivity(ctx, Ask, i, wait)
		pending = append(pending, f)
		s.AddFuture(f, func(f workflow.Future) { err = f.Get(ctx, &first) })
	}
	s.Select(ctx)
	cancel()
	for _, f := range pending {
		_ = f.Get(ctx, nil) // wait until all have cleaned up
	}
	return first, err
}

// Ask answers after a while, with a heartbeat now and then.
func Ask(ctx context.Context, branch int, wait time.Duration) (int, error) {
	for end := time.Now().Add(wait); time.Now().Before(end); {
		select {
		case <-time.After(5 * time.Millisecond):
			activity.RecordHeartbeat(ctx, branch)
		case <-ctx.Done():
			return -1, ctx.Err()
		}
	}
	return branch, nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "pickfirst", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Ask)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(ctx, s, 1, Workflow, []time.Duration{40 * time.Second, 20 * time.Millisecond, 40 * time.Second})
}
