// Package splitmerge processes chunks in parallel and merges their results, by futures and by a selector.
package splitmerge

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Result is that of a chunk.
type Result struct{ Items, Sum int }

func options() workflow.ActivityOptions {
	return workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second}
}

// Futures merges in the order of the chunks.
func Futures(ctx workflow.Context, chunks int) (Result, error) {
	ctx = workflow.WithActivityOptions(ctx, options())
	var futures []workflow.Future
	for i := range chunks {
		futures = append(futures, workflow.ExecuteActivity(ctx, Chunk, i+1))
	}
	var total Result
	for _, f := range futures {
		var r Result
		if err := f.Get(ctx, &r); err != nil {
			return Result{}, err
		}
		total.Items += r.Items
		total.Sum += r.Sum
	}
	return total, nil
}

// Selector merges in the order in which the chunks are done.
func Selector(ctx workflow.Context, chunks int) (total Result, err error) {
	ctx = workflow.WithActivityOptions(ctx, options())
	s := workflow.NewSelector(ctx)
	for i := range chunks {
		s.AddFuture(workflow.ExecuteActivity(ctx, Chunk, i+1), func(f workflow.Future) {
			var r Result
			if e := f.Get(ctx, &r); e != nil {
				err = e
			}
			total.Items += r.Items
			total.Sum += r.Sum
		})
	}
	for range chunks {
		if s.Select(ctx); err != nil {
			return Result{}, err
		}
	}
	return total, nil
}

// Chunk processes one.
func Chunk(_ context.Context, id int) (*Result, error) { return &Result{Items: id, Sum: id * id}, nil }

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "splitmerge", func(r worker.Registry) {
		r.RegisterWorkflow(Futures)
		r.RegisterWorkflowWithOptions(Selector, workflow.RegisterOptions{Name: "by-selector"})
		r.RegisterActivity(Chunk)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := scene.Expect(ctx, s, Result{15, 55}, Futures, 5); err != nil {
		return err
	}
	return scene.Expect(ctx, s, Result{15, 55}, "by-selector", 5)
}
