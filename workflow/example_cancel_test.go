package workflow_test

import (
	"context"
	"fmt"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/workflow"
)

func Release(_ context.Context, gpu string) (string, error) { return gpu + " released", nil }

// Work that must be done after a cancellation needs a context that is not canceled.
func ExampleNewDisconnectedContext() {
	train := func(ctx workflow.Context) (note string, err error) {
		ctx, cancel := workflow.WithCancel(workflow.WithStartToCloseTimeout(ctx, time.Minute))
		defer func() {
			if millrace.IsCanceledError(err) {
				cleanup, _ := workflow.NewDisconnectedContext(ctx)
				err = workflow.ExecuteActivity(cleanup, Release, "gpu-1").Get(cleanup, &note)
			}
		}()
		cancel() // or somebody asks the run to cancel
		return "trained", workflow.Sleep(ctx, time.Hour)
	}
	play(train, []any{Release})
	// Output: result: "gpu-1 released"
}

// A condition is anything that the workflow's other coroutines change.
func ExampleAwaitWithTimeout() {
	quorum := func(ctx workflow.Context) (string, error) {
		votes := 0
		for i := range 3 {
			workflow.Go(ctx, func(ctx workflow.Context) {
				_ = workflow.Sleep(ctx, time.Duration(i+1)*time.Hour)
				votes++
			})
		}
		ok, err := workflow.AwaitWithTimeout(ctx, 150*time.Minute, func() bool { return votes >= 2 })
		return fmt.Sprintf("%v with %d votes", ok, votes), err
	}
	play(quorum, nil)
	// Output: result: "true with 2 votes"
}
