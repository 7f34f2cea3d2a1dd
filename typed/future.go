package typed

import "github.com/millrace-dev/millrace/workflow"

// Future is a result of type R to come. The zero value is not usable.
type Future[R any] struct{ future workflow.Future }

// Get blocks until there is a result. It does not end when ctx is canceled; what the future stands for usually does,
// and with it Get. It may be called again.
func (f Future[R]) Get(ctx workflow.Context) (R, error) {
	var result R
	err := f.future.Get(ctx, &result)
	return result, err
}

// IsReady says whether Get would not block.
func (f Future[R]) IsReady() bool { return f.future.IsReady() }

// Untyped is the same future for package workflow.
func (f Future[R]) Untyped() workflow.Future { return f.future }

// AddFuture adds f to a selector, which calls fn with the result. It returns the selector.
func AddFuture[R any](ctx workflow.Context, s workflow.Selector, f Future[R], fn func(R, error)) workflow.Selector {
	return s.AddFuture(f.future, func(workflow.Future) { fn(f.Get(ctx)) })
}

// ChildFuture is the result of a child workflow to come.
type ChildFuture[R any] struct {
	Future[R]
	child workflow.ChildWorkflowFuture
}

// Started blocks until the child has started, or cannot be started.
func (f ChildFuture[R]) Started(ctx workflow.Context) (workflow.Execution, error) {
	var execution workflow.Execution
	err := f.child.GetChildWorkflowExecution().Get(ctx, &execution)
	return execution, err
}

// Signal blocks until the child has started and sends it a signal. The future is ready when the signal is delivered.
func (f ChildFuture[R]) Signal(ctx workflow.Context, name string, arg any) workflow.Future {
	return f.child.SignalChildWorkflow(ctx, name, arg)
}
