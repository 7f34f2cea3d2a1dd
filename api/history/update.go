package history

import (
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/update"
)

// WorkflowExecutionUpdateAcceptedEventAttributes bring an update that the run's code has found valid.
type WorkflowExecutionUpdateAcceptedEventAttributes struct {
	// ProtocolInstanceId is the update's ID.
	ProtocolInstanceId string          `json:"protocolInstanceId,omitempty"`
	AcceptedRequest    *update.Request `json:"acceptedRequest"`
}

// WorkflowExecutionUpdateCompletedEventAttributes report what an update's handler returned.
type WorkflowExecutionUpdateCompletedEventAttributes struct {
	Meta            *update.Meta    `json:"meta"`
	AcceptedEventId int64           `json:"acceptedEventId"`
	Outcome         *update.Outcome `json:"outcome"`
}

// EventType is WORKFLOW_EXECUTION_UPDATE_ACCEPTED.
func (*WorkflowExecutionUpdateAcceptedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
}

// EventType is WORKFLOW_EXECUTION_UPDATE_COMPLETED.
func (*WorkflowExecutionUpdateCompletedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED
}

// GetWorkflowExecutionUpdateAcceptedEventAttributes returns the attributes of a WorkflowExecutionUpdateAccepted event, nil for any other.
func (e *HistoryEvent) GetWorkflowExecutionUpdateAcceptedEventAttributes() *WorkflowExecutionUpdateAcceptedEventAttributes {
	return attributes[WorkflowExecutionUpdateAcceptedEventAttributes](e)
}

// GetWorkflowExecutionUpdateCompletedEventAttributes returns the attributes of a WorkflowExecutionUpdateCompleted event, nil for any other.
func (e *HistoryEvent) GetWorkflowExecutionUpdateCompletedEventAttributes() *WorkflowExecutionUpdateCompletedEventAttributes {
	return attributes[WorkflowExecutionUpdateCompletedEventAttributes](e)
}
