package history

import (
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// StartChildWorkflowExecutionInitiatedEventAttributes decide to start a child.
type StartChildWorkflowExecutionInitiatedEventAttributes struct {
	WorkflowId string `json:"workflowId"`
	// RunId is the run that the child will have, unless another run of its ID is in the way.
	RunId            string                   `json:"runId"`
	WorkflowType     *common.WorkflowType     `json:"workflowType,omitempty"`
	TaskQueue        string                   `json:"taskQueue,omitempty"`
	Input            *common.Payloads         `json:"input,omitempty"`
	Header           *common.Header           `json:"header,omitempty"`
	Memo             *common.Memo             `json:"memo,omitempty"`
	SearchAttributes *common.SearchAttributes `json:"searchAttributes,omitempty"`

	WorkflowExecutionTimeout Duration                    `json:"workflowExecutionTimeout,omitzero"`
	WorkflowRunTimeout       Duration                    `json:"workflowRunTimeout,omitzero"`
	WorkflowTaskTimeout      Duration                    `json:"workflowTaskTimeout,omitzero"`
	RetryPolicy              *RetryPolicy                `json:"retryPolicy,omitempty"`
	CronSchedule             string                      `json:"cronSchedule,omitempty"`
	ParentClosePolicy        enums.ParentClosePolicy     `json:"parentClosePolicy,omitzero"`
	WorkflowIdReusePolicy    enums.WorkflowIdReusePolicy `json:"workflowIdReusePolicy,omitzero"`
	StaticSummary            string                      `json:"staticSummary,omitempty"`
	StaticDetails            string                      `json:"staticDetails,omitempty"`
	Priority                 *Priority                   `json:"priority,omitempty"`
	// Binding is the build that the child was bound to, nil for the parent's.
	Binding *Binding `json:"binding,omitempty"`
}

// StartChildWorkflowExecutionFailedEventAttributes report a child that did not start.
type StartChildWorkflowExecutionFailedEventAttributes struct {
	WorkflowId       string                                       `json:"workflowId,omitempty"`
	WorkflowType     *common.WorkflowType                         `json:"workflowType,omitempty"`
	Cause            enums.StartChildWorkflowExecutionFailedCause `json:"cause,omitzero"`
	InitiatedEventId int64                                        `json:"initiatedEventId"`
}

// ChildExecution names the child that an event is about. Its workflow ID and type are those of the event that
// initiated it, repeated for readers.
type ChildExecution struct {
	InitiatedEventId  int64                     `json:"initiatedEventId"`
	WorkflowExecution *common.WorkflowExecution `json:"workflowExecution,omitempty"`
	WorkflowType      *common.WorkflowType      `json:"workflowType,omitempty"`
}

// GetInitiatedEventId returns the number of the event that initiated the child.
func (c *ChildExecution) GetInitiatedEventId() int64 { return c.InitiatedEventId }

// ChildWorkflowExecutionStartedEventAttributes report a child that started.
type ChildWorkflowExecutionStartedEventAttributes struct {
	ChildExecution
}

// ChildWorkflowExecutionCompletedEventAttributes report a child's result.
type ChildWorkflowExecutionCompletedEventAttributes struct {
	ChildExecution
	Result *common.Payloads `json:"result,omitempty"`
}

// ChildWorkflowExecutionFailedEventAttributes report a child that failed.
type ChildWorkflowExecutionFailedEventAttributes struct {
	ChildExecution
	Failure    *failure.Failure `json:"failure,omitempty"`
	RetryState enums.RetryState `json:"retryState,omitzero"`
}

// ChildWorkflowExecutionCanceledEventAttributes report a child that closed as canceled.
type ChildWorkflowExecutionCanceledEventAttributes struct {
	ChildExecution
	Details *common.Payloads `json:"details,omitempty"`
}

// ChildWorkflowExecutionTimedOutEventAttributes report a child that timed out.
type ChildWorkflowExecutionTimedOutEventAttributes struct {
	ChildExecution
	RetryState enums.RetryState `json:"retryState,omitzero"`
}

// ChildWorkflowExecutionTerminatedEventAttributes report a child that was terminated.
type ChildWorkflowExecutionTerminatedEventAttributes struct {
	ChildExecution
}
