package workflow_test

import (
	"context"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/workflow"
)

func InStock(_ context.Context, item string) (bool, error) { return item != "unicorns", nil }

// A question that is answered at once needs no task.
func ExampleExecuteLocalActivity() {
	order := func(ctx workflow.Context, item string) (string, error) {
		ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
			ScheduleToCloseTimeout: 2 * time.Second,
			RetryPolicy:            &millrace.RetryPolicy{MaximumAttempts: 3},
		})
		var ok bool
		if err := workflow.ExecuteLocalActivity(ctx, InStock, item).Get(ctx, &ok); err != nil {
			return "", err
		}
		if !ok {
			return "no " + item, nil
		}
		return item + " are on their way", nil
	}
	play(order, nil, "apples")
	play(order, nil, "unicorns")
	// Output:
	// result: "apples are on their way"
	// result: "no unicorns"
}
