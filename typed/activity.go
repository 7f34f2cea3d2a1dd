package typed

import (
	"context"

	"github.com/millrace-dev/millrace/workflow"
)

// ExecuteActivity schedules an activity of one argument, as workflow.ExecuteActivity does.
func ExecuteActivity[A, R any](ctx workflow.Context, fn func(context.Context, A) (R, error), a A) Future[R] {
	return Future[R]{workflow.ExecuteActivity(ctx, fn, a)}
}

// ExecuteActivity0 schedules an activity of no argument, as workflow.ExecuteActivity does.
func ExecuteActivity0[R any](ctx workflow.Context, fn func(context.Context) (R, error)) Future[R] {
	return Future[R]{workflow.ExecuteActivity(ctx, fn)}
}

// ExecuteActivity2 schedules an activity of two arguments, as workflow.ExecuteActivity does.
func ExecuteActivity2[A, B, R any](ctx workflow.Context, fn func(context.Context, A, B) (R, error), a A, b B) Future[R] {
	return Future[R]{workflow.ExecuteActivity(ctx, fn, a, b)}
}

// ExecuteActivity3 schedules an activity of three arguments, as workflow.ExecuteActivity does.
func ExecuteActivity3[A, B, C, R any](ctx workflow.Context, fn func(context.Context, A, B, C) (R, error), a A, b B, c C) Future[R] {
	return Future[R]{workflow.ExecuteActivity(ctx, fn, a, b, c)}
}

// ExecuteLocalActivity runs an activity of one argument in this worker, as workflow.ExecuteLocalActivity does.
func ExecuteLocalActivity[A, R any](ctx workflow.Context, fn func(context.Context, A) (R, error), a A) Future[R] {
	return Future[R]{workflow.ExecuteLocalActivity(ctx, fn, a)}
}

// ExecuteLocalActivity0 runs an activity of no argument in this worker, as workflow.ExecuteLocalActivity does.
func ExecuteLocalActivity0[R any](ctx workflow.Context, fn func(context.Context) (R, error)) Future[R] {
	return Future[R]{workflow.ExecuteLocalActivity(ctx, fn)}
}

// ExecuteLocalActivity2 runs an activity of two arguments in this worker, as workflow.ExecuteLocalActivity does.
func ExecuteLocalActivity2[A, B, R any](ctx workflow.Context, fn func(context.Context, A, B) (R, error), a A, b B) Future[R] {
	return Future[R]{workflow.ExecuteLocalActivity(ctx, fn, a, b)}
}

// ExecuteLocalActivity3 runs an activity of three arguments in this worker, as workflow.ExecuteLocalActivity does.
func ExecuteLocalActivity3[A, B, C, R any](ctx workflow.Context, fn func(context.Context, A, B, C) (R, error), a A, b B, c C) Future[R] {
	return Future[R]{workflow.ExecuteLocalActivity(ctx, fn, a, b, c)}
}
