package typed

import (
	"context"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

// Run is a handle on a run whose result is of type R. Like a client.WorkflowRun it holds no resources and is safe for
// concurrent use. The zero value is not usable.
type Run[R any] struct{ run client.WorkflowRun }

// Get waits until the run has closed, following its retries and successors. A run that did not complete gives a
// *millrace.WorkflowExecutionError whose cause says how it ended.
func (r Run[R]) Get(ctx context.Context) (R, error) {
	var result R
	err := r.run.Get(ctx, &result)
	return result, err
}

// GetID is the workflow ID.
func (r Run[R]) GetID() string { return r.run.GetID() }

// GetRunID is the run ID, as that of a client.WorkflowRun.
func (r Run[R]) GetRunID() string { return r.run.GetRunID() }

// Untyped is the same handle for package client.
func (r Run[R]) Untyped() client.WorkflowRun { return r.run }

// GetWorkflow is a handle on a run, without asking whether it exists. An empty runID is the workflow ID's newest run.
func GetWorkflow[R any](ctx context.Context, c client.Client, workflowID, runID string) Run[R] {
	return Run[R]{c.GetWorkflow(ctx, workflowID, runID)}
}

// QueryWorkflow asks a query handler of the run's code, as Client.QueryWorkflow does.
func QueryWorkflow[R any](ctx context.Context, c client.Client, workflowID, runID, queryType string, args ...any) (R, error) {
	var result R
	value, err := c.QueryWorkflow(ctx, workflowID, runID, queryType, args...)
	if err == nil {
		err = value.Get(&result)
	}
	return result, err
}

func started[R any](run client.WorkflowRun, err error) (Run[R], error) {
	if err != nil {
		return Run[R]{}, err
	}
	return Run[R]{run}, nil
}

// ExecuteWorkflow starts a workflow of one argument, as Client.ExecuteWorkflow does.
func ExecuteWorkflow[A, R any](
	ctx context.Context, cl client.Client, options client.StartWorkflowOptions, fn func(workflow.Context, A) (R, error), a A,
) (Run[R], error) {
	return started[R](cl.ExecuteWorkflow(ctx, options, fn, a))
}

// ExecuteWorkflow0 starts a workflow of no argument, as Client.ExecuteWorkflow does.
func ExecuteWorkflow0[R any](
	ctx context.Context, cl client.Client, options client.StartWorkflowOptions, fn func(workflow.Context) (R, error),
) (Run[R], error) {
	return started[R](cl.ExecuteWorkflow(ctx, options, fn))
}

// ExecuteWorkflow2 starts a workflow of two arguments, as Client.ExecuteWorkflow does.
func ExecuteWorkflow2[A, B, R any](
	ctx context.Context, cl client.Client, options client.StartWorkflowOptions, fn func(workflow.Context, A, B) (R, error), a A, b B,
) (Run[R], error) {
	return started[R](cl.ExecuteWorkflow(ctx, options, fn, a, b))
}

// ExecuteWorkflow3 starts a workflow of three arguments, as Client.ExecuteWorkflow does.
func ExecuteWorkflow3[A, B, C, R any](
	ctx context.Context, cl client.Client, options client.StartWorkflowOptions, fn func(workflow.Context, A, B, C) (R, error), a A, b B, c C,
) (Run[R], error) {
	return started[R](cl.ExecuteWorkflow(ctx, options, fn, a, b, c))
}
