package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/api/update"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// WorkflowUpdateStage is how far an update has come.
type WorkflowUpdateStage int

const (
	// WorkflowUpdateStageUnspecified is no stage: whoever updates a workflow has to name one.
	WorkflowUpdateStageUnspecified WorkflowUpdateStage = iota
	// WorkflowUpdateStageAdmitted: the update is durably queued. Whether the workflow accepts it is not known.
	WorkflowUpdateStageAdmitted
	// WorkflowUpdateStageAccepted: the workflow has accepted the update, and its handler is running.
	WorkflowUpdateStageAccepted
	// WorkflowUpdateStageCompleted: the handler has returned.
	WorkflowUpdateStageCompleted
)

// UpdateWorkflowOptions are the options of Client.UpdateWorkflow. WorkflowID, UpdateName and WaitForStage are required.
type UpdateWorkflowOptions struct {
	// UpdateID tells the updates of a run apart: a second one with the same ID is the first one, and has its outcome. Up
	// to 1000 bytes. Default: a new UUID.
	UpdateID   string
	WorkflowID string
	// RunID is the run, which has to be open. Default: the newest one, or the one that takes over from it.
	RunID string
	// UpdateName selects the handler. Up to 1000 bytes.
	UpdateName string
	// Args are the handler's arguments.
	Args []interface{}
	// WaitForStage is the stage at which UpdateWorkflow returns.
	WaitForStage WorkflowUpdateStage
	// FirstExecutionRunID, unless it is empty, is the first run of the chain that the run has to belong to.
	FirstExecutionRunID string
}

// GetWorkflowUpdateHandleOptions name an update that somebody has sent.
type GetWorkflowUpdateHandleOptions struct {
	WorkflowID string
	// RunID is the run that it was sent to. Default: the newest one.
	RunID    string
	UpdateID string
}

// WorkflowUpdateHandle is a handle on an update. It holds no resources and survives reconnections; it is safe for
// concurrent use.
type WorkflowUpdateHandle interface {
	// WorkflowID, RunID and UpdateID name the update. The run is the one that has accepted it, once that is known.
	WorkflowID() string
	RunID() string
	UpdateID() string
	// Get waits for the outcome and decodes the handler's result into valuePtr (nil to ignore it). It returns the
	// handler's error, or that of the validator if the update was rejected. When the wait ends with ctx the error is a
	// *WorkflowUpdateServiceTimeoutOrCanceledError.
	Get(ctx context.Context, valuePtr interface{}) error
}

// WorkflowUpdateServiceTimeoutOrCanceledError is returned when a call ends with its context before it is known what
// became of an update. It says nothing about the update.
type WorkflowUpdateServiceTimeoutOrCanceledError struct{ cause error }

// NewWorkflowUpdateServiceTimeoutOrCanceledError returns the error of a call that ended with err.
func NewWorkflowUpdateServiceTimeoutOrCanceledError(err error) *WorkflowUpdateServiceTimeoutOrCanceledError {
	return &WorkflowUpdateServiceTimeoutOrCanceledError{cause: err}
}

func (e *WorkflowUpdateServiceTimeoutOrCanceledError) Error() string {
	return fmt.Sprintf("update: the wait for it ended: %v", e.cause)
}

func (e *WorkflowUpdateServiceTimeoutOrCanceledError) Unwrap() error { return e.cause }

// UpdateWorkflow is documented at Client.
func (c *workflowClient) UpdateWorkflow(ctx context.Context, options UpdateWorkflowOptions) (WorkflowUpdateHandle, error) {
	if c.interceptor != nil {
		return c.interceptor.UpdateWorkflow(outgoing(ctx), &UpdateWorkflowInput{UpdateID: options.UpdateID,
			WorkflowID: options.WorkflowID, UpdateName: options.UpdateName, Args: options.Args, RunID: options.RunID,
			FirstExecutionRunID: options.FirstExecutionRunID, WaitForStage: options.WaitForStage})
	}
	return c.updateWorkflow(ctx, options)
}

func (c *workflowClient) updateWorkflow(ctx context.Context, options UpdateWorkflowOptions) (WorkflowUpdateHandle, error) {
	u, err := c.newUpdate(ctx, options)
	var to *streams.StoredStart
	if err == nil {
		to, err = c.updateTarget(ctx, options)
	}
	if err == nil {
		err = u.ask(ctx, to.Run, options.WaitForStage)
	}
	if err != nil {
		return nil, fmt.Errorf("update %q of workflow %q: %w", options.UpdateName, options.WorkflowID, serviceError(err))
	}
	return u, nil
}

func (o *UpdateWorkflowOptions) validate() error {
	switch {
	case o.WorkflowID == "":
		return serviceerror.NewInvalidArgument("UpdateWorkflowOptions.WorkflowID is empty")
	case o.UpdateName == "" || len(o.UpdateName) > maxUpdateText:
		return serviceerror.NewInvalidArgument(fmt.Sprintf("UpdateWorkflowOptions.UpdateName is %d bytes: it must be 1 to %d", len(o.UpdateName), maxUpdateText))
	case len(o.UpdateID) > maxUpdateText:
		return serviceerror.NewInvalidArgument(fmt.Sprintf("UpdateWorkflowOptions.UpdateID is %d bytes, the limit is %d", len(o.UpdateID), maxUpdateText))
	case o.WaitForStage < WorkflowUpdateStageAdmitted || o.WaitForStage > WorkflowUpdateStageCompleted:
		return serviceerror.NewInvalidArgument("UpdateWorkflowOptions.WaitForStage must be Admitted, Accepted or Completed")
	}
	return nil
}

// maxUpdateText is the length in bytes of the longest update ID or name.
const maxUpdateText = 1000

// newUpdate makes a request of the options.
func (c *workflowClient) newUpdate(ctx context.Context, o UpdateWorkflowOptions) (*updateHandle, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.UpdateID == "" {
		o.UpdateID = uuid.NewString()
	}
	input, err := c.encodeIn(ctx, c.ofWorkflow(o.WorkflowID), o.Args)
	if err != nil {
		return nil, fmt.Errorf("arguments: %w", err)
	}
	header, err := c.header(ctx)
	if err != nil {
		return nil, err
	}
	return &updateHandle{client: c, id: o.UpdateID, request: &history.UpdateRequest{ID: o.UpdateID, Name: o.UpdateName,
		Input: input, Header: header, Identity: c.options.Identity, Exact: o.RunID != ""}}, nil
}

// updateTarget finds the run to update. Whether it is open shows later: a closed one may have accepted the update before.
func (c *workflowClient) updateTarget(ctx context.Context, o UpdateWorkflowOptions) (*streams.StoredStart, error) {
	found, err := c.find(ctx, o.WorkflowID, o.RunID)
	if err != nil || o.FirstExecutionRunID == "" {
		return found, err
	}
	return found, c.checkChain(found, o.FirstExecutionRunID)
}

// checkChain fails for a run that does not belong to the chain that a first run began.
func (c *workflowClient) checkChain(found *streams.StoredStart, first string) error {
	start, err := found.Decode()
	if err == nil && start.FirstRun() != first {
		err = fmt.Errorf("run %s belongs to the chain of run %s, not of %s: %w", found.Run.Run, start.FirstRun(), first, streams.ErrNotFound)
	}
	return err
}

// GetWorkflowUpdateHandle is documented at Client.
func (c *workflowClient) GetWorkflowUpdateHandle(ref GetWorkflowUpdateHandleOptions) WorkflowUpdateHandle {
	h := &updateHandle{client: c, id: ref.UpdateID}
	h.run.Store(&history.Run{WorkflowID: ref.WorkflowID, RunID: ref.RunID})
	return h
}

// pollUpdate is what interceptors of Get pass on to. Values are decoded with the client's converter.
func (c *workflowClient) pollUpdate(ctx context.Context, ref *update.UpdateRef) (*PollWorkflowUpdateOutput, error) {
	run := ref.GetWorkflowExecution()
	h := &updateHandle{client: c, id: ref.GetUpdateId()}
	h.run.Store(&history.Run{WorkflowID: run.GetWorkflowId(), RunID: run.GetRunId()})
	return h.poll(ctx)
}

// updateError is the error of an update that did not succeed, nil for one that did.
func (c *workflowClient) updateError(answer *history.UpdateAnswer) error {
	switch {
	case answer.Step == history.UpdateTooLate:
		return errTooLate(answer.Run)
	case answer.Failure != nil:
		return c.failuresOf(c.ofWorkflow(answer.Run.WorkflowID)).FailureToError(answer.Failure)
	}
	return nil
}

func errTooLate(run history.Run) error {
	return serviceError(fmt.Errorf("workflow execution already completed: run %s: %w", run, streams.ErrNotFound))
}

func (c *workflowClient) updateValue(ctx context.Context, answer *history.UpdateAnswer) converter.EncodedValue {
	return converter.NewEncodedValue(answer.Result, c.converter(ctx, c.ofWorkflow(answer.Run.WorkflowID)))
}

// isEnd says whether err is that ctx has ended.
func isEnd(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}
