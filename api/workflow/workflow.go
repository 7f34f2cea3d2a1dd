// Package workflow has the state of runs, as client.DescribeWorkflowExecution tells it. What Millrace does not know is left
// out.
package workflow

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// Timestamp is a time with the methods of protobuf's. Nil stands for none.
type Timestamp struct{ time.Time }

// NewTimestamp returns a Timestamp, nil for the zero time.
func NewTimestamp(t time.Time) *Timestamp {
	if t.IsZero() {
		return nil
	}
	return &Timestamp{t}
}

// AsTime returns the time, in UTC; that of a nil Timestamp is the beginning of 1970.
func (t *Timestamp) AsTime() time.Time {
	if t == nil {
		return time.Unix(0, 0).UTC()
	}
	return t.UTC()
}

// IsValid says whether there is a time.
func (t *Timestamp) IsValid() bool { return t != nil }

// WorkflowExecutionInfo is the state of a run.
type WorkflowExecutionInfo struct {
	Execution        *common.WorkflowExecution
	Type             *common.WorkflowType
	StartTime        *Timestamp
	CloseTime        *Timestamp
	Status           enums.WorkflowExecutionStatus
	HistoryLength    int64
	ParentExecution  *common.WorkflowExecution
	ExecutionTime    *Timestamp
	Memo             *common.Memo
	SearchAttributes *common.SearchAttributes
	TaskQueue        string
	RootExecution    *common.WorkflowExecution
	FirstRunId       string
}

// GetExecution returns the run, nil for a nil receiver.
func (x *WorkflowExecutionInfo) GetExecution() *common.WorkflowExecution { return orZero(x).Execution }

// GetType returns the workflow's type, nil for a nil receiver.
func (x *WorkflowExecutionInfo) GetType() *common.WorkflowType { return orZero(x).Type }

// GetStartTime returns when the run was started.
func (x *WorkflowExecutionInfo) GetStartTime() *Timestamp { return orZero(x).StartTime }

// GetCloseTime returns when the run closed, nil for an open one.
func (x *WorkflowExecutionInfo) GetCloseTime() *Timestamp { return orZero(x).CloseTime }

// GetStatus returns the status.
func (x *WorkflowExecutionInfo) GetStatus() enums.WorkflowExecutionStatus { return orZero(x).Status }

// GetHistoryLength returns the number of events.
func (x *WorkflowExecutionInfo) GetHistoryLength() int64 { return orZero(x).HistoryLength }

// GetParentExecution returns the parent, nil for a run without one.
func (x *WorkflowExecutionInfo) GetParentExecution() *common.WorkflowExecution {
	return orZero(x).ParentExecution
}

// GetExecutionTime returns when the code begins, at the earliest.
func (x *WorkflowExecutionInfo) GetExecutionTime() *Timestamp { return orZero(x).ExecutionTime }

// GetMemo returns the memo, nil for none.
func (x *WorkflowExecutionInfo) GetMemo() *common.Memo { return orZero(x).Memo }

// GetSearchAttributes returns the search attributes, nil for none.
func (x *WorkflowExecutionInfo) GetSearchAttributes() *common.SearchAttributes {
	return orZero(x).SearchAttributes
}

// GetTaskQueue returns the run's task queue.
func (x *WorkflowExecutionInfo) GetTaskQueue() string { return orZero(x).TaskQueue }

// PendingActivityInfo is an activity without an outcome.
type PendingActivityInfo struct {
	ActivityId         string
	ActivityType       *common.ActivityType
	State              enums.PendingActivityState
	HeartbeatDetails   *common.Payloads
	LastHeartbeatTime  *Timestamp
	LastStartedTime    *Timestamp
	Attempt            int32
	ScheduledTime      *Timestamp
	LastFailure        *failure.Failure
	LastWorkerIdentity string
	Paused             bool
}

// GetActivityId returns the activity's ID.
func (x *PendingActivityInfo) GetActivityId() string { return orZero(x).ActivityId }

// GetActivityType returns the activity's type.
func (x *PendingActivityInfo) GetActivityType() *common.ActivityType { return orZero(x).ActivityType }

// GetState returns the state.
func (x *PendingActivityInfo) GetState() enums.PendingActivityState { return orZero(x).State }

// GetAttempt returns the newest attempt that is known to have begun.
func (x *PendingActivityInfo) GetAttempt() int32 { return orZero(x).Attempt }

// GetLastFailure returns how the attempt before ended, nil for none.
func (x *PendingActivityInfo) GetLastFailure() *failure.Failure { return orZero(x).LastFailure }

// GetHeartbeatDetails returns what the last heartbeat said, nil for nothing.
func (x *PendingActivityInfo) GetHeartbeatDetails() *common.Payloads {
	return orZero(x).HeartbeatDetails
}

// GetPaused says whether the activity is paused.
func (x *PendingActivityInfo) GetPaused() bool { return orZero(x).Paused }

// PendingChildExecutionInfo is a child that has not closed.
type PendingChildExecutionInfo struct {
	WorkflowId string
	// RunId is empty until the child has started.
	RunId            string
	WorkflowTypeName string
}

// GetWorkflowId returns the child's workflow ID.
func (x *PendingChildExecutionInfo) GetWorkflowId() string { return orZero(x).WorkflowId }

// GetRunId returns the child's run ID.
func (x *PendingChildExecutionInfo) GetRunId() string { return orZero(x).RunId }

// GetWorkflowTypeName returns the child's type.
func (x *PendingChildExecutionInfo) GetWorkflowTypeName() string { return orZero(x).WorkflowTypeName }

// orZero lets getters be called on nil.
func orZero[T any](x *T) *T {
	if x == nil {
		return new(T)
	}
	return x
}
