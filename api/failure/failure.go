// Package failure holds the form that an error takes on the wire and in a history: a message with a stack trace,
// one kind-specific part, and the failure that caused it. Names and fields are those of Temporal's API.
package failure

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
)

// Failure is one error in a chain. At most one of the Info parts is set; a failure with none is an error of a
// kind that this version does not know, of which only the message is kept.
type Failure struct {
	Message    string `msgpack:"m,omitempty" json:"message,omitempty"`
	Source     string `msgpack:"s,omitempty" json:"source,omitempty"`
	StackTrace string `msgpack:"st,omitempty" json:"stackTrace,omitempty"`
	// EncodedAttributes holds message and stack trace when a failure converter encodes them.
	EncodedAttributes *common.Payload `msgpack:"ea,omitempty" json:"encodedAttributes,omitempty"`
	Cause             *Failure        `msgpack:"c,omitempty" json:"cause,omitempty"`

	ApplicationFailureInfo            *ApplicationFailureInfo            `msgpack:"app,omitempty" json:"applicationFailureInfo,omitempty"`
	TimeoutFailureInfo                *TimeoutFailureInfo                `msgpack:"to,omitempty" json:"timeoutFailureInfo,omitempty"`
	CanceledFailureInfo               *CanceledFailureInfo               `msgpack:"can,omitempty" json:"canceledFailureInfo,omitempty"`
	TerminatedFailureInfo             *TerminatedFailureInfo             `msgpack:"ter,omitempty" json:"terminatedFailureInfo,omitempty"`
	ServerFailureInfo                 *ServerFailureInfo                 `msgpack:"srv,omitempty" json:"serverFailureInfo,omitempty"`
	ActivityFailureInfo               *ActivityFailureInfo               `msgpack:"act,omitempty" json:"activityFailureInfo,omitempty"`
	ChildWorkflowExecutionFailureInfo *ChildWorkflowExecutionFailureInfo `msgpack:"chi,omitempty" json:"childWorkflowExecutionFailureInfo,omitempty"`
}

// ApplicationFailureInfo is the part of an error that user code returned (or panicked with).
type ApplicationFailureInfo struct {
	Type         string           `msgpack:"t,omitempty" json:"type,omitempty"`
	NonRetryable bool             `msgpack:"nr,omitempty" json:"nonRetryable,omitempty"`
	Details      *common.Payloads `msgpack:"d,omitempty" json:"details,omitempty"`
	// NextRetryDelayMillis replaces the retry policy's next interval; 0 leaves it.
	NextRetryDelayMillis int64                          `msgpack:"nd,omitempty" json:"nextRetryDelayMillis,omitempty"`
	Category             enums.ApplicationErrorCategory `msgpack:"ca,omitempty" json:"category,omitempty"`
}

// NextRetryDelay is the delay that the error asks for before the next attempt, 0 for none.
func (a *ApplicationFailureInfo) NextRetryDelay() time.Duration {
	if a == nil {
		return 0
	}
	return time.Duration(a.NextRetryDelayMillis) * time.Millisecond
}

// TimeoutFailureInfo says which time-out expired.
type TimeoutFailureInfo struct {
	TimeoutType          enums.TimeoutType `msgpack:"t" json:"timeoutType"`
	LastHeartbeatDetails *common.Payloads  `msgpack:"d,omitempty" json:"lastHeartbeatDetails,omitempty"`
}

// CanceledFailureInfo marks a cancellation, with the details that the canceled code returned.
type CanceledFailureInfo struct {
	Details *common.Payloads `msgpack:"d,omitempty" json:"details,omitempty"`
}

// TerminatedFailureInfo marks a termination.
type TerminatedFailureInfo struct {
	Identity string `msgpack:"i,omitempty" json:"identity,omitempty"`
}

// ServerFailureInfo marks a failure of the engine rather than of user code.
type ServerFailureInfo struct {
	NonRetryable bool `msgpack:"nr,omitempty" json:"nonRetryable,omitempty"`
}

// ActivityFailureInfo names the activity that failed; the Cause says why.
type ActivityFailureInfo struct {
	ScheduledEventId int64                `msgpack:"se" json:"scheduledEventId"`
	StartedEventId   int64                `msgpack:"ste,omitempty" json:"startedEventId,omitempty"`
	Identity         string               `msgpack:"i,omitempty" json:"identity,omitempty"`
	ActivityType     *common.ActivityType `msgpack:"t,omitempty" json:"activityType,omitempty"`
	ActivityId       string               `msgpack:"id,omitempty" json:"activityId,omitempty"`
	RetryState       enums.RetryState     `msgpack:"rs,omitempty" json:"retryState,omitempty"`
}

// ChildWorkflowExecutionFailureInfo names the child that failed; the Cause says why.
type ChildWorkflowExecutionFailureInfo struct {
	Namespace         string                    `msgpack:"n,omitempty" json:"namespace,omitempty"`
	WorkflowExecution *common.WorkflowExecution `msgpack:"x,omitempty" json:"workflowExecution,omitempty"`
	WorkflowType      *common.WorkflowType      `msgpack:"t,omitempty" json:"workflowType,omitempty"`
	InitiatedEventId  int64                     `msgpack:"ie" json:"initiatedEventId"`
	StartedEventId    int64                     `msgpack:"ste,omitempty" json:"startedEventId,omitempty"`
	RetryState        enums.RetryState          `msgpack:"rs,omitempty" json:"retryState,omitempty"`
}
