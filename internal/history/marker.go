package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// The names of markers.
const (
	MarkerSideEffect        = "SideEffect"
	MarkerMutableSideEffect = "MutableSideEffect"
	MarkerVersion           = "Version"
	MarkerLocalActivity     = "LocalActivity"
)

// MarkerRecorded keeps what workflow code found out where it ran, so that it finds the same when it runs again.
type MarkerRecorded struct {
	// Name says what it is: SideEffect, MutableSideEffect, Version or LocalActivity.
	Name string `msgpack:"n"`
	// ID tells the markers of one name apart: a change ID for Version, an activity ID for LocalActivity.
	ID string `msgpack:"id,omitempty"`
	// Version is the version chosen for the change.
	Version int32 `msgpack:"ve,omitempty"`
	// Call says in which call of a MutableSideEffect the value was found, counting those of the same ID from 1.
	Call    int64            `msgpack:"ca,omitempty"`
	Result  *common.Payloads `msgpack:"r,omitempty"`
	Failure *failure.Failure `msgpack:"f,omitempty"`
	Summary string           `msgpack:"su,omitempty"`
	Local   *LocalActivity   `msgpack:"la,omitempty"`
}

// LocalActivity says which activity a marker tells the outcome of, and how that came about.
type LocalActivity struct {
	Type string `msgpack:"t"`
	// Attempt is the attempt that ended it.
	Attempt int32 `msgpack:"at,omitempty"`
	// Time is the workflow's time after it.
	Time time.Time `msgpack:"ti"`
	// Backoff is how long the workflow waits before it has the activity tried again, zero when this is the outcome.
	Backoff Millis           `msgpack:"bo,omitempty"`
	Retry   enums.RetryState `msgpack:"rs,omitempty"`
}

// DecidedAt is when e was decided, given when the event before it in its transition was: the code's time goes on while a
// local activity runs.
func (e *Event) DecidedAt(before time.Time) time.Time {
	if a, ok := e.Attributes.(*MarkerRecorded); ok && a.Local != nil && a.Local.Time.After(before) {
		return a.Local.Time
	}
	return before
}

// EventType is MARKER_RECORDED.
func (*MarkerRecorded) EventType() enums.EventType { return enums.EVENT_TYPE_MARKER_RECORDED }

// UpsertWorkflowSearchAttributes is the decision to change the run's search attributes.
type UpsertWorkflowSearchAttributes struct {
	// Search has the new values; the attributes whose value is null are removed.
	Search *common.SearchAttributes `msgpack:"sa"`
}

// EventType is UPSERT_WORKFLOW_SEARCH_ATTRIBUTES.
func (*UpsertWorkflowSearchAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
}

// WorkflowPropertiesModified is the decision to change the run's memo.
type WorkflowPropertiesModified struct {
	// Memo has the new values; the fields whose value is null are removed.
	Memo *common.Memo `msgpack:"m"`
}

// EventType is WORKFLOW_PROPERTIES_MODIFIED.
func (*WorkflowPropertiesModified) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED
}

func markerAttributes() []Attributes {
	return []Attributes{
		&MarkerRecorded{},
		&UpsertWorkflowSearchAttributes{},
		&WorkflowPropertiesModified{},
	}
}
