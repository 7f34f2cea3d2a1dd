package workflow_test

import (
	"context"
	"errors"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/workflow"
)

func CountRows(_ context.Context, table string) (int, error) { return len(table) * 100, nil }

func Validate(_ context.Context, rows int) (string, error) {
	if rows < 1000 {
		return "", millrace.NewNonRetryableApplicationError("too few rows", "DataError", nil, rows)
	}
	return "ok", nil
}

// One activity after another, with time-outs and a retry policy.
func ExampleExecuteActivity() {
	pipeline := func(ctx workflow.Context, table string) (string, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: 10 * time.Minute,
			RetryPolicy:         &millrace.RetryPolicy{MaximumAttempts: 5},
		})
		var rows int
		if err := workflow.ExecuteActivity(ctx, CountRows, table).Get(ctx, &rows); err != nil {
			return "", err
		}
		var verdict string
		err := workflow.ExecuteActivity(ctx, Validate, rows).Get(ctx, &verdict)
		var app *millrace.ApplicationError
		if errors.As(err, &app) && app.Type() == "DataError" {
			return "skipped", nil
		}
		return verdict, err
	}
	play(pipeline, []any{CountRows, Validate}, "observations")
	play(pipeline, []any{CountRows, Validate}, "holidays")
	// Output:
	// result: "ok"
	// result: "skipped"
}

// Several activities at once: a Future each, collected in a fixed order.
func ExampleFuture() {
	total := func(ctx workflow.Context, tables []string) (int, error) {
		ctx = workflow.WithStartToCloseTimeout(ctx, time.Minute)
		var counts []workflow.Future
		for _, table := range tables {
			counts = append(counts, workflow.ExecuteActivity(ctx, CountRows, table))
		}
		sum := 0
		for _, count := range counts {
			var n int
			if err := count.Get(ctx, &n); err != nil {
				return 0, err
			}
			sum += n
		}
		return sum, nil
	}
	play(total, []any{CountRows}, []string{"a", "bb", "ccc"})
	// Output: result: 600
}
