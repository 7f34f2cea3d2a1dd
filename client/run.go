package client

import (
	"context"
	"fmt"
	"sync/atomic"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// WorkflowRun is a handle on a run. It holds no resources and survives reconnections; it is safe for concurrent use.
type WorkflowRun interface {
	// GetID is the workflow ID, GetRunID the run ID: the one that the handle was made with, or the newest run's once Get
	// has found it.
	GetID() string
	GetRunID() string
	// GetFirstExecutionRunID is the first run of the chain that the run belongs to, empty when the handle was not made by
	// starting that run.
	GetFirstExecutionRunID() string
	// Get waits until the run has closed, following its retries and successors, and decodes the result into valuePtr
	// (nil to ignore it). A run that did not complete gives a *millrace.WorkflowExecutionError whose cause says how it
	// ended.
	Get(ctx context.Context, valuePtr interface{}) error
	// GetWithOptions is Get, with options.
	GetWithOptions(ctx context.Context, valuePtr interface{}, options WorkflowRunGetOptions) error
}

// WorkflowRunGetOptions are options of WorkflowRun.GetWithOptions.
type WorkflowRunGetOptions struct {
	// DisableFollowingRuns makes Get return when this run closes, with a *ContinuedAsNewError when a successor takes
	// over.
	DisableFollowingRuns bool
}

// ContinuedAsNewError is returned by GetWithOptions with DisableFollowingRuns for a run that continued as new.
type ContinuedAsNewError struct {
	WorkflowID, NewRunID string
}

func (e *ContinuedAsNewError) Error() string {
	return fmt.Sprintf("workflow %q continued as new in run %s", e.WorkflowID, e.NewRunID)
}

type workflowRun struct {
	client *workflowClient
	// run is what the handle was made for; its run ID may be empty.
	run history.Run
	// newest is the run that Get found for an empty run ID.
	newest atomic.Pointer[string]
	// started is the type of a run that this client has just started, empty for any other. Notice is then that of its
	// end, if one is expected.
	started string
	notice  *notice
}

// handle is a handle on a run that this client has started, or found in the way of a start.
func (c *workflowClient) handle(run history.Run, start *history.Start, n *notice) WorkflowRun {
	if run == start.Run.Run {
		return &workflowRun{client: c, run: run, started: start.Type, notice: n}
	}
	c.forget(n)
	return &workflowRun{client: c, run: run}
}

// GetWorkflow is documented at Client.
func (c *workflowClient) GetWorkflow(_ context.Context, workflowID string, runID string) WorkflowRun {
	return &workflowRun{client: c, run: history.Run{WorkflowID: workflowID, RunID: runID}}
}

func (r *workflowRun) GetID() string { return r.run.WorkflowID }

func (r *workflowRun) GetRunID() string {
	if newest := r.newest.Load(); newest != nil {
		return *newest
	}
	return r.run.RunID
}

func (r *workflowRun) GetFirstExecutionRunID() string {
	if r.started == "" {
		return ""
	}
	return r.run.RunID // who is started by a client is the first
}

func (r *workflowRun) Get(ctx context.Context, valuePtr interface{}) error {
	return r.GetWithOptions(ctx, valuePtr, WorkflowRunGetOptions{})
}

func (r *workflowRun) GetWithOptions(ctx context.Context, valuePtr interface{}, options WorkflowRunGetOptions) error {
	run, workflowType := r.run, r.started
	if r.started == "" {
		start, err := r.client.find(ctx, r.run.WorkflowID, r.run.RunID)
		if err != nil {
			return fmt.Errorf("get result of workflow %q: %w", r.run.WorkflowID, serviceError(err))
		}
		run, workflowType = start.Run.Run, start.Type
		r.newest.Store(&run.RunID)
	}
	n, isNew := r.notice, r.started != ""
	for {
		closed, err := r.client.awaitClose(ctx, run, n, isNew)
		if err != nil {
			return fmt.Errorf("get result of run %s: %w", run, serviceError(err))
		}
		if closed.Successor == "" {
			return r.client.result(run, workflowType, closed, valuePtr)
		}
		if options.DisableFollowingRuns && closed.Status == enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW.String() {
			return &ContinuedAsNewError{WorkflowID: run.WorkflowID, NewRunID: closed.Successor}
		}
		if options.DisableFollowingRuns {
			return r.client.result(run, workflowType, closed, valuePtr)
		}
		run.RunID = closed.Successor
		if isNew = false; n != nil {
			n = r.client.notices.expect(run.RunID)
		}
	}
}

// awaitClose waits for the run's closing record: for the notice of it, when one is expected, and then, or else, for the
// record itself. Either costs nothing while nothing happens. A run that is new is not looked at before.
func (c *workflowClient) awaitClose(ctx context.Context, run history.Run, n *notice, isNew bool) (*streams.ClosedRun, error) {
	if n == nil {
		return c.awaitRecord(ctx, run, !isNew)
	}
	if !isNew {
		if closed, err := streams.RunClosed(ctx, c.ns, run); err != nil || closed != nil {
			c.notices.forget(n) // it may have come before it was expected
			return closed, err
		}
	}
	record, err := c.notices.await(ctx, n)
	if err != nil {
		return nil, err
	}
	if record != nil {
		if closed, err := streams.ClosedIn(ctx, c.ns, run, record); err == nil {
			return closed, nil // anything else was not sent by us: the stream knows
		}
	}
	if c.conn.IsClosed() {
		return nil, streams.ErrClosed
	}
	closed, err := c.awaitRecord(ctx, run, n.isSettled())
	if err == nil {
		c.notices.forget(n)
	}
	return closed, err
}

// awaitRecord follows the run to its end. One that may have ended is looked at before.
func (c *workflowClient) awaitRecord(ctx context.Context, run history.Run, look bool) (*streams.ClosedRun, error) {
	if look {
		if closed, err := streams.RunClosed(ctx, c.ns, run); err != nil || closed != nil {
			return closed, err
		}
	}
	return c.ns.AwaitClosed(ctx, run)
}

// result decodes what a run closed with.
func (c *workflowClient) result(run history.Run, workflowType string, closed *streams.ClosedRun, valuePtr interface{}) error {
	e := closed.Closing.Events[len(closed.Closing.Events)-1]
	payloads, cause := outcome(e)
	return c.conclude(run, workflowType, e.ClosedStatus(), payloads, cause, valuePtr)
}

// conclude decodes the result of a run that has closed, or says why it has none.
func (c *workflowClient) conclude(run history.Run, workflowType string, status enums.WorkflowExecutionStatus,
	payloads *common.Payloads, cause *failure.Failure, valuePtr interface{}) error {
	if cause == nil {
		return c.decodeResult(run, payloads, valuePtr)
	}
	var err error
	switch status {
	case enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		err = millrace.NewTerminatedError()
	default:
		err = c.failuresOf(c.ofWorkflow(run.WorkflowID)).FailureToError(cause)
	}
	return millrace.NewWorkflowExecutionError(run.WorkflowID, run.RunID, workflowType, err)
}

func (c *workflowClient) decodeResult(run history.Run, payloads *common.Payloads, valuePtr interface{}) error {
	if valuePtr == nil || payloads == nil {
		return nil
	}
	if err := c.converterOf(c.ofWorkflow(run.WorkflowID)).FromPayloads(payloads, valuePtr); err != nil {
		return fmt.Errorf("decode result of run %s: %w", run, err)
	}
	return nil
}

// outcome is what a closing event says: a result, or a failure.
func outcome(e history.Event) (*common.Payloads, *failure.Failure) {
	switch a := e.Attributes.(type) {
	case *history.WorkflowExecutionCompleted:
		return a.Result, nil
	case *history.WorkflowExecutionFailed:
		return nil, a.Failure
	case *history.WorkflowExecutionCanceled:
		return nil, &failure.Failure{Message: "canceled", CanceledFailureInfo: &failure.CanceledFailureInfo{Details: a.Details}}
	case *history.WorkflowExecutionTerminated:
		return nil, &failure.Failure{Message: a.Reason, TerminatedFailureInfo: &failure.TerminatedFailureInfo{Identity: a.Identity}}
	case *history.WorkflowExecutionTimedOut:
		return nil, &failure.Failure{Message: "workflow timeout", TimeoutFailureInfo: &failure.TimeoutFailureInfo{
			TimeoutType: enums.TIMEOUT_TYPE_START_TO_CLOSE}}
	}
	return nil, nil
}
