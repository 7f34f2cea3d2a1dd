package history

import (
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
)

// SignalExternalWorkflowExecutionInitiatedEventAttributes decide to signal another run.
type SignalExternalWorkflowExecutionInitiatedEventAttributes struct {
	// WorkflowExecution is the target; an empty RunId is its open run.
	WorkflowExecution *common.WorkflowExecution `json:"workflowExecution"`
	SignalName        string                    `json:"signalName"`
	Input             *common.Payloads          `json:"input,omitempty"`
	Header            *common.Header            `json:"header,omitempty"`
	// ChildWorkflowOnly restricts the target to children of this run.
	ChildWorkflowOnly bool `json:"childWorkflowOnly,omitempty"`
}

// SignalExternalWorkflowExecutionFailedEventAttributes report that the run to signal was not found.
type SignalExternalWorkflowExecutionFailedEventAttributes struct {
	Cause            enums.SignalExternalWorkflowExecutionFailedCause `json:"cause,omitzero"`
	InitiatedEventId int64                                            `json:"initiatedEventId"`
}

// ExternalWorkflowExecutionSignaledEventAttributes report that the signal is durably queued.
type ExternalWorkflowExecutionSignaledEventAttributes struct {
	InitiatedEventId int64 `json:"initiatedEventId"`
}

// RequestCancelExternalWorkflowExecutionInitiatedEventAttributes decide to ask another run to cancel.
type RequestCancelExternalWorkflowExecutionInitiatedEventAttributes struct {
	// WorkflowExecution is the target; an empty RunId is its open run.
	WorkflowExecution *common.WorkflowExecution `json:"workflowExecution"`
	Reason            string                    `json:"reason,omitempty"`
	// ChildWorkflowOnly restricts the target to children of this run.
	ChildWorkflowOnly bool `json:"childWorkflowOnly,omitempty"`
}

// RequestCancelExternalWorkflowExecutionFailedEventAttributes report that the run to cancel was not found.
type RequestCancelExternalWorkflowExecutionFailedEventAttributes struct {
	Cause            enums.CancelExternalWorkflowExecutionFailedCause `json:"cause,omitzero"`
	InitiatedEventId int64                                            `json:"initiatedEventId"`
}

// ExternalWorkflowExecutionCancelRequestedEventAttributes report that the request is durably queued.
type ExternalWorkflowExecutionCancelRequestedEventAttributes struct {
	InitiatedEventId int64 `json:"initiatedEventId"`
}
