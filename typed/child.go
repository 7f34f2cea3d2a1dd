package typed

import "github.com/millrace-dev/millrace/workflow"

// ExecuteChildWorkflow starts a child of one argument, as workflow.ExecuteChildWorkflow does.
func ExecuteChildWorkflow[A, R any](ctx workflow.Context, fn func(workflow.Context, A) (R, error), a A) ChildFuture[R] {
	return childFuture[R](workflow.ExecuteChildWorkflow(ctx, fn, a))
}

// ExecuteChildWorkflow0 starts a child of no argument, as workflow.ExecuteChildWorkflow does.
func ExecuteChildWorkflow0[R any](ctx workflow.Context, fn func(workflow.Context) (R, error)) ChildFuture[R] {
	return childFuture[R](workflow.ExecuteChildWorkflow(ctx, fn))
}

// ExecuteChildWorkflow2 starts a child of two arguments, as workflow.ExecuteChildWorkflow does.
func ExecuteChildWorkflow2[A, B, R any](ctx workflow.Context, fn func(workflow.Context, A, B) (R, error), a A, b B) ChildFuture[R] {
	return childFuture[R](workflow.ExecuteChildWorkflow(ctx, fn, a, b))
}

// ExecuteChildWorkflow3 starts a child of three arguments, as workflow.ExecuteChildWorkflow does.
func ExecuteChildWorkflow3[A, B, C, R any](ctx workflow.Context, fn func(workflow.Context, A, B, C) (R, error), a A, b B, c C) ChildFuture[R] {
	return childFuture[R](workflow.ExecuteChildWorkflow(ctx, fn, a, b, c))
}

func childFuture[R any](f workflow.ChildWorkflowFuture) ChildFuture[R] {
	return ChildFuture[R]{Future[R]{f}, f}
}
