// Package parallel runs coroutines and waits for them, with a bound on how many work at once.
package parallel

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Outcome is what the coroutines did.
type Outcome struct{ Sum, Peak int }

// Workflow runs n coroutines, at most bound of them in their activity at once.
func Workflow(ctx workflow.Context, n, bound int) (o Outcome, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	wg := workflow.NewWaitGroup(ctx)
	places := workflow.NewSemaphore(ctx, int64(bound))
	mutex := workflow.NewMutex(ctx)
	working := 0
	for i := range n {
		wg.Add(1)
		workflow.GoNamed(ctx, "square", func(ctx workflow.Context) {
			defer wg.Done()
			if e := places.Acquire(ctx, 1); e != nil {
				err = errors.Join(err, e)
				return
			}
			defer places.Release(1)
			working++
			o.Peak = max(o.Peak, working)
			var square int
			e := workflow.ExecuteActivity(ctx, Square, i).Get(ctx, &square)
			working--
			if e = errors.Join(e, mutex.Lock(ctx)); e != nil {
				err = errors.Join(err, e)
				return
			}
			defer mutex.Unlock()
			o.Sum += square
		})
	}
	wg.Wait(ctx)
	return o, err
}

// Square is an activity.
func Square(_ context.Context, n int) (int, error) { return n * n, nil }

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "parallel", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Square)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(ctx, s, Outcome{30, 2}, Workflow, 5, 2)
}
