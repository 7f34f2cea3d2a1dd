package millrace

import (
	"fmt"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// ChildWorkflowExecutionError is what a workflow gets from a child that did not succeed. It wraps the reason.
type ChildWorkflowExecutionError struct {
	wireForm
	info  failure.ChildWorkflowExecutionFailureInfo
	cause error
}

// NewChildWorkflowExecutionError returns a *ChildWorkflowExecutionError for the child that info names; cause is why
// it did not succeed.
func NewChildWorkflowExecutionError(info failure.ChildWorkflowExecutionFailureInfo, cause error) error {
	return &ChildWorkflowExecutionError{info: info, cause: cause}
}

// Error returns which child it was, and the cause.
func (e *ChildWorkflowExecutionError) Error() string {
	return withCause(fmt.Sprintf(
		"child workflow execution error (type: %s, workflowID: %s, runID: %s, initiatedEventID: %d, startedEventID: %d)",
		e.WorkflowType(), e.WorkflowID(), e.RunID(), e.info.InitiatedEventId, e.info.StartedEventId), e.cause)
}

// Namespace returns the child's namespace.
func (e *ChildWorkflowExecutionError) Namespace() string { return e.info.Namespace }

// WorkflowID returns the child's workflow ID.
func (e *ChildWorkflowExecutionError) WorkflowID() string {
	return e.info.WorkflowExecution.GetWorkflowId()
}

// RunID returns the child's run ID, empty when it did not start.
func (e *ChildWorkflowExecutionError) RunID() string { return e.info.WorkflowExecution.GetRunId() }

// WorkflowType returns the registered name of the child's function.
func (e *ChildWorkflowExecutionError) WorkflowType() string { return e.info.WorkflowType.GetName() }

// InitiatedEventID returns the number of the event that asked for the child.
func (e *ChildWorkflowExecutionError) InitiatedEventID() int64 { return e.info.InitiatedEventId }

// StartedEventID returns the number of the event that recorded its start, 0 when it did not start.
func (e *ChildWorkflowExecutionError) StartedEventID() int64 { return e.info.StartedEventId }

// RetryState returns why there was no further attempt.
func (e *ChildWorkflowExecutionError) RetryState() enums.RetryState { return e.info.RetryState }

// Unwrap returns the reason.
func (e *ChildWorkflowExecutionError) Unwrap() error { return e.cause }

// ChildWorkflowExecutionAlreadyStartedError is the cause of a *ChildWorkflowExecutionError when a run of the child's
// workflow ID was open.
type ChildWorkflowExecutionAlreadyStartedError struct{}

// Error returns "child workflow execution already started".
func (*ChildWorkflowExecutionAlreadyStartedError) Error() string {
	return "child workflow execution already started"
}

// Is reports whether target has the same type: values without fields may or may not share an address.
func (*ChildWorkflowExecutionAlreadyStartedError) Is(target error) bool {
	_, ok := target.(*ChildWorkflowExecutionAlreadyStartedError)
	return ok
}

// NamespaceNotFoundError is the cause of an error about a child or an external run whose namespace has not been
// created.
type NamespaceNotFoundError struct{}

// Error returns "namespace not found".
func (*NamespaceNotFoundError) Error() string { return "namespace not found" }

// UnknownExternalWorkflowExecutionError says that the external run that was to be signaled or canceled does not exist
// or has closed.
type UnknownExternalWorkflowExecutionError struct{}

// Error returns "unknown external workflow execution".
func (*UnknownExternalWorkflowExecutionError) Error() string {
	return "unknown external workflow execution"
}

// WorkflowExecutionError is what a client gets from a run that did not succeed. It wraps the reason.
type WorkflowExecutionError struct {
	workflowID   string
	runID        string
	workflowType string
	cause        error
}

// NewWorkflowExecutionError returns a *WorkflowExecutionError; cause is why the run did not succeed.
func NewWorkflowExecutionError(workflowID, runID, workflowType string, cause error) error {
	return &WorkflowExecutionError{workflowID: workflowID, runID: runID, workflowType: workflowType, cause: cause}
}

// Error returns which run it was, and the cause.
func (e *WorkflowExecutionError) Error() string {
	return withCause(fmt.Sprintf("workflow execution error (type: %s, workflowID: %s, runID: %s)",
		e.workflowType, e.workflowID, e.runID), e.cause)
}

// WorkflowID returns the run's workflow ID.
func (e *WorkflowExecutionError) WorkflowID() string { return e.workflowID }

// RunID returns the run's ID.
func (e *WorkflowExecutionError) RunID() string { return e.runID }

// WorkflowType returns the registered name of the workflow function.
func (e *WorkflowExecutionError) WorkflowType() string { return e.workflowType }

// Unwrap returns the reason.
func (e *WorkflowExecutionError) Unwrap() error { return e.cause }
