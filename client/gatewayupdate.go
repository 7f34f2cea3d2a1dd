package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/api/update"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/gateway/ask"
	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/internal/history"
)

// UpdateWorkflow is documented at OutboundInterceptor, as are the other methods.
func (o *gatewayOutbound) UpdateWorkflow(ctx context.Context, in *UpdateWorkflowInput) (WorkflowUpdateHandle, error) {
	options := UpdateWorkflowOptions{UpdateID: in.UpdateID, WorkflowID: in.WorkflowID, UpdateName: in.UpdateName, Args: in.Args, RunID: in.RunID,
		FirstExecutionRunID: in.FirstExecutionRunID, WaitForStage: in.WaitForStage}
	u, err := o.update(ctx, options)
	if err != nil {
		return nil, o.updateFailed(ctx, options, err)
	}
	return u, nil
}

func (o *gatewayOutbound) updateFailed(ctx context.Context, options UpdateWorkflowOptions, err error) error {
	if isEnd(ctx, err) {
		return NewWorkflowUpdateServiceTimeoutOrCanceledError(err)
	}
	return fmt.Errorf("update %q of workflow %q: %w", options.UpdateName, options.WorkflowID, err)
}

// update sends an update and waits for its stage, by one request after the other.
func (o *gatewayOutbound) update(ctx context.Context, options UpdateWorkflowOptions) (*updateHandle, error) {
	u, err := o.newUpdate(ctx, options)
	if err != nil {
		return nil, err
	}
	request := &gatewire.UpdateRequest{
		Run: gatewire.Run{WorkflowID: options.WorkflowID, RunID: options.RunID}, ID: u.id, Name: options.UpdateName, Input: u.request.Input,
		Header: u.request.Header, Identity: u.request.Identity, Stage: int(options.WaitForStage), FirstRunID: options.FirstExecutionRunID,
		WaitMillis: ask.LongWait.Milliseconds(),
	}
	for {
		var reply gatewire.UpdateReply
		if err := o.gateway.Call(ctx, gatewire.Update, "", ask.LongWait, request, &reply); err != nil {
			return nil, err
		}
		if !reply.Waiting {
			u.take(&reply)
			return u, nil
		}
	}
}

// take notes what a gateway says of an update.
func (u *updateHandle) take(reply *gatewire.UpdateReply) {
	run := history.Run{WorkflowID: reply.Run.WorkflowID, RunID: reply.Run.RunID}
	u.run.Store(&run)
	if reply.Done {
		u.outcome.Store(&history.UpdateAnswer{Run: run, ID: u.id, Step: history.UpdateCompleted, Result: reply.Result, Failure: reply.Failure})
	}
}

// PollWorkflowUpdate is documented at OutboundInterceptor.
func (o *gatewayOutbound) PollWorkflowUpdate(ctx context.Context, in *PollWorkflowUpdateInput) (*PollWorkflowUpdateOutput, error) {
	run := in.UpdateRef.GetWorkflowExecution()
	u := &updateHandle{client: o.workflowClient, id: in.UpdateRef.GetUpdateId()}
	reply, err := o.awaitOutcome(ctx, gatewire.Run{WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId()}, in.UpdateRef)
	if err != nil {
		return nil, u.failedAt(ctx, run.GetWorkflowId(), err)
	}
	u.take(reply)
	answer := u.outcome.Load()
	var value converter.EncodedValue
	if answer.Result != nil {
		value = o.updateValue(ctx, answer)
	}
	return &PollWorkflowUpdateOutput{Result: value, Error: o.updateError(answer)}, nil
}

func (u *updateHandle) failedAt(ctx context.Context, workflowID string, err error) error {
	if isEnd(ctx, err) {
		return NewWorkflowUpdateServiceTimeoutOrCanceledError(err)
	}
	return fmt.Errorf("update %q of workflow %q: %w", u.id, workflowID, err)
}

func (o *gatewayOutbound) awaitOutcome(ctx context.Context, run gatewire.Run, ref *update.UpdateRef) (*gatewire.UpdateReply, error) {
	for {
		var reply gatewire.UpdateReply
		request := &gatewire.OutcomeRequest{Run: run, ID: ref.GetUpdateId(), WaitMillis: ask.LongWait.Milliseconds()}
		if err := o.gateway.Call(ctx, gatewire.Outcome, "", ask.LongWait, request, &reply); err != nil {
			return nil, err
		}
		if reply.Done {
			return &reply, nil
		}
	}
}

// UpdateWithStartWorkflow is documented at OutboundInterceptor. It is a start and then an update, as with a client that
// reaches the streams.
func (o *gatewayOutbound) UpdateWithStartWorkflow(ctx context.Context, in *UpdateWithStartWorkflowInput) (WorkflowUpdateHandle, error) {
	op, ok := in.StartWorkflowOperation.(*withStart)
	if !ok {
		return nil, serviceerror.NewInvalidArgument(fmt.Sprintf(
			"UpdateWithStartWorkflowOptions.StartWorkflowOperation is a %T: make it with NewWithStartWorkflowOperation", in.StartWorkflowOperation))
	}
	if !op.used.CompareAndSwap(false, true) {
		return nil, serviceerror.NewInvalidArgument("UpdateWithStartWorkflowOptions.StartWorkflowOperation was used before: make one for each call")
	}
	defer close(op.done)
	handle, err := o.startAndUpdate(ctx, op, *in.UpdateOptions)
	if err != nil {
		err = o.updateFailed(ctx, *in.UpdateOptions, err)
		if op.run == nil {
			op.err = err
		}
		return nil, err
	}
	return handle, nil
}

// startAndUpdate starts the run or finds the open one, and looks again when that one closes before it accepts the update.
func (o *gatewayOutbound) startAndUpdate(ctx context.Context, op *withStart, options UpdateWorkflowOptions) (*updateHandle, error) {
	if err := op.check(&options); err != nil {
		return nil, err
	}
	start, err := o.newStart(ctx, op.options, op.workflow, op.args)
	if err != nil {
		return nil, err
	}
	options.WorkflowID = start.Run.WorkflowID
	if options.UpdateID == "" {
		options.UpdateID = uuid.NewString()
	}
	if err := options.validate(); err != nil {
		return nil, err
	}
	for {
		run, err := o.start(ctx, gatewire.Start, start, op.options)
		if err != nil {
			return nil, err
		}
		op.run = o.handleOf(run, start)
		options.RunID = run.RunID
		u, err := o.update(ctx, options)
		if err == nil {
			return u, nil
		}
		var notFound *serviceerror.NotFound
		if run.RunID == start.Run.RunID || !errors.As(err, &notFound) {
			return nil, err
		}
	}
}
