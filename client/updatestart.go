package client

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
)

// UpdateWithStartWorkflowOptions are the options of Client.UpdateWithStartWorkflow.
type UpdateWithStartWorkflowOptions struct {
	// StartWorkflowOperation was made by Client.NewWithStartWorkflowOperation, for this call.
	StartWorkflowOperation WithStartWorkflowOperation
	// UpdateOptions say which update; the run cannot be named, and the workflow ID need not be.
	UpdateOptions UpdateWorkflowOptions
}

// WithStartWorkflowOperation says how to start a workflow that is to be updated.
type WithStartWorkflowOperation interface {
	// Get waits until the operation was used and returns the run that was updated, started or found open; or why there is
	// none.
	Get(ctx context.Context) (WorkflowRun, error)
}

// withStart is a WithStartWorkflowOperation; run and err are set before done is closed.
type withStart struct {
	options  StartWorkflowOptions
	workflow interface{}
	args     []interface{}

	used atomic.Bool
	done chan struct{}
	run  WorkflowRun
	err  error
}

// NewWithStartWorkflowOperation is documented at Client.
func (c *workflowClient) NewWithStartWorkflowOperation(options StartWorkflowOptions, workflow interface{}, args ...interface{}) WithStartWorkflowOperation {
	return newWithStart(options, workflow, args)
}

func newWithStart(options StartWorkflowOptions, workflow interface{}, args []interface{}) *withStart {
	return &withStart{options: options, workflow: workflow, args: args, done: make(chan struct{})}
}

// Get is documented at WithStartWorkflowOperation.
func (o *withStart) Get(ctx context.Context) (WorkflowRun, error) {
	select {
	case <-o.done:
		return o.run, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// UpdateWithStartWorkflow is documented at Client.
func (c *workflowClient) UpdateWithStartWorkflow(ctx context.Context, options UpdateWithStartWorkflowOptions) (WorkflowUpdateHandle, error) {
	if c.interceptor != nil {
		return c.interceptor.UpdateWithStartWorkflow(outgoing(ctx), &UpdateWithStartWorkflowInput{
			UpdateOptions: &options.UpdateOptions, StartWorkflowOperation: options.StartWorkflowOperation})
	}
	return c.updateWithStart(ctx, options.StartWorkflowOperation, options.UpdateOptions)
}

func (c *workflowClient) updateWithStart(ctx context.Context, operation WithStartWorkflowOperation, o UpdateWorkflowOptions) (WorkflowUpdateHandle, error) {
	op, ok := operation.(*withStart)
	if !ok {
		return nil, serviceerror.NewInvalidArgument(fmt.Sprintf(
			"UpdateWithStartWorkflowOptions.StartWorkflowOperation is a %T: make it with NewWithStartWorkflowOperation", operation))
	}
	if !op.used.CompareAndSwap(false, true) {
		return nil, serviceerror.NewInvalidArgument("UpdateWithStartWorkflowOptions.StartWorkflowOperation was used before: make one for each call")
	}
	handle, err := c.startAndUpdate(ctx, op, o)
	if err != nil {
		err = fmt.Errorf("update %q with start of workflow %q: %w", o.UpdateName, op.options.ID, serviceError(err))
		if op.run == nil {
			op.err = err
		}
		close(op.done)
		return nil, err
	}
	close(op.done)
	return handle, nil
}

// startAndUpdate starts the run or finds the open one, and looks again when that one closes before it accepts the update.
func (c *workflowClient) startAndUpdate(ctx context.Context, op *withStart, o UpdateWorkflowOptions) (*updateHandle, error) {
	if err := op.check(&o); err != nil {
		return nil, err
	}
	start, err := c.newStart(ctx, op.options, op.workflow, op.args)
	if err != nil {
		return nil, err
	}
	o.WorkflowID = start.Run.WorkflowID
	u, err := c.newUpdate(ctx, o)
	if err != nil {
		return nil, err
	}
	for {
		n := c.expect(start)
		run, err := c.start(ctx, start, op.options, op.options.WorkflowIDConflictPolicy)
		if err != nil {
			c.forget(n)
			return nil, err
		}
		op.run = c.handle(run.Run, start, n)
		err = u.ask(ctx, run, o.WaitForStage)
		if err == nil {
			return u, nil
		}
		var notFound *serviceerror.NotFound
		if run.RunID == start.Run.RunID || !errors.As(serviceError(err), &notFound) {
			return nil, err
		}
	}
}

// check completes the options of the update by those of the start, and refuses what contradicts.
func (o *withStart) check(u *UpdateWorkflowOptions) error {
	switch {
	case u.RunID != "" || u.FirstExecutionRunID != "":
		return serviceerror.NewInvalidArgument("UpdateWorkflowOptions.RunID and FirstExecutionRunID cannot be set: the run may not exist yet")
	case o.options.WorkflowIDConflictPolicy == enums.WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED:
		return serviceerror.NewInvalidArgument("StartWorkflowOptions.WorkflowIDConflictPolicy must be set")
	case o.options.ID == "" && u.WorkflowID != "":
		o.options.ID = u.WorkflowID
	case u.WorkflowID != "" && u.WorkflowID != o.options.ID:
		return serviceerror.NewInvalidArgument(fmt.Sprintf("UpdateWorkflowOptions.WorkflowID is %q, StartWorkflowOptions.ID %q", u.WorkflowID, o.options.ID))
	}
	return nil
}
