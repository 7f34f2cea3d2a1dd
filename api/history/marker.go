package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// MarkerRecordedEventAttributes keep what workflow code found out where it ran: the value of a side effect, a version, the
// outcome of a local activity.
type MarkerRecordedEventAttributes struct {
	// MarkerName is SideEffect, MutableSideEffect, Version or LocalActivity.
	MarkerName string `json:"markerName"`
	// Id tells the markers of one name apart: a change ID for Version, an activity ID for LocalActivity.
	Id string `json:"id,omitempty"`
	// Details has the value, under "data" or for a local activity under "result".
	Details map[string]*common.Payloads `json:"details,omitempty"`
	Failure *failure.Failure            `json:"failure,omitempty"`
	// Version is the version chosen for a change.
	Version int32 `json:"version,omitempty"`
	// Call says in which call of a MutableSideEffect the value was found, counting from 1.
	Call          int64          `json:"call,omitempty"`
	Summary       string         `json:"summary,omitempty"`
	LocalActivity *LocalActivity `json:"localActivity,omitempty"`
}

// GetMarkerName returns the marker's name, empty for nil attributes.
func (a *MarkerRecordedEventAttributes) GetMarkerName() string {
	if a == nil {
		return ""
	}
	return a.MarkerName
}

// GetDetails returns the marker's value, nil for nil attributes.
func (a *MarkerRecordedEventAttributes) GetDetails() map[string]*common.Payloads {
	if a == nil {
		return nil
	}
	return a.Details
}

// LocalActivity says which local activity a marker tells the outcome of.
type LocalActivity struct {
	ActivityType *common.ActivityType `json:"activityType"`
	// Attempt is the attempt that ended it.
	Attempt int32 `json:"attempt"`
	// Time is the workflow's time after it.
	Time time.Time `json:"time"`
	// Backoff is how long the workflow waits before the next attempt, 0 when there is none.
	Backoff    Duration         `json:"backoff,omitempty"`
	RetryState enums.RetryState `json:"retryState,omitempty"`
}

// UpsertWorkflowSearchAttributesEventAttributes change the run's search attributes. Null removes one.
type UpsertWorkflowSearchAttributesEventAttributes struct {
	SearchAttributes *common.SearchAttributes `json:"searchAttributes"`
}

// WorkflowPropertiesModifiedEventAttributes change the run's memo. Null removes a field.
type WorkflowPropertiesModifiedEventAttributes struct {
	UpsertedMemo *common.Memo `json:"upsertedMemo"`
}

// EventType is MARKER_RECORDED.
func (*MarkerRecordedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_MARKER_RECORDED
}

// EventType is UPSERT_WORKFLOW_SEARCH_ATTRIBUTES.
func (*UpsertWorkflowSearchAttributesEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
}

// EventType is WORKFLOW_PROPERTIES_MODIFIED.
func (*WorkflowPropertiesModifiedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED
}

// GetMarkerRecordedEventAttributes returns the attributes of a MarkerRecorded event, nil for any other.
func (e *HistoryEvent) GetMarkerRecordedEventAttributes() *MarkerRecordedEventAttributes {
	return attributes[MarkerRecordedEventAttributes](e)
}

// GetUpsertWorkflowSearchAttributesEventAttributes returns the attributes of a UpsertWorkflowSearchAttributes event, nil for any other.
func (e *HistoryEvent) GetUpsertWorkflowSearchAttributesEventAttributes() *UpsertWorkflowSearchAttributesEventAttributes {
	return attributes[UpsertWorkflowSearchAttributesEventAttributes](e)
}

// GetWorkflowPropertiesModifiedEventAttributes returns the attributes of a WorkflowPropertiesModified event, nil for any other.
func (e *HistoryEvent) GetWorkflowPropertiesModifiedEventAttributes() *WorkflowPropertiesModifiedEventAttributes {
	return attributes[WorkflowPropertiesModifiedEventAttributes](e)
}
