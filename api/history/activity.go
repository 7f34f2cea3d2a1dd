package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// ActivityTaskScheduledEventAttributes schedule an activity.
type ActivityTaskScheduledEventAttributes struct {
	ActivityId             string               `json:"activityId"`
	ActivityType           *common.ActivityType `json:"activityType,omitempty"`
	TaskQueue              string               `json:"taskQueue,omitempty"`
	Header                 *common.Header       `json:"header,omitempty"`
	Input                  *common.Payloads     `json:"input,omitempty"`
	ScheduleToCloseTimeout Duration             `json:"scheduleToCloseTimeout,omitzero"`
	ScheduleToStartTimeout Duration             `json:"scheduleToStartTimeout,omitzero"`
	StartToCloseTimeout    Duration             `json:"startToCloseTimeout,omitzero"`
	HeartbeatTimeout       Duration             `json:"heartbeatTimeout,omitzero"`
	RetryPolicy            *RetryPolicy         `json:"retryPolicy,omitempty"`
	Summary                string               `json:"summary,omitempty"`
	// DisableEager keeps the first attempt out of the process that scheduled the activity; Eager says that it is made
	// there. Both are Millrace's own.
	DisableEager bool `json:"disableEager,omitempty"`
	Eager        bool `json:"eager,omitempty"`
	// Build is the build whose workers alone run the activity, empty for all workers of the queue.
	Build    string    `json:"build,omitempty"`
	Priority *Priority `json:"priority,omitempty"`
}

// ActivityAttempt tells of the attempt with which an activity ended. Millrace has no event for the start of an attempt;
// what Temporal says there is here.
type ActivityAttempt struct {
	ScheduledEventId int64     `json:"scheduledEventId"`
	Attempt          int32     `json:"attempt,omitzero"`
	StartedTime      time.Time `json:"startedTime,omitzero"`
	// Identity is the worker that ran it.
	Identity string `json:"identity,omitempty"`
}

// GetScheduledEventId returns the number of the event that scheduled the activity.
func (a *ActivityAttempt) GetScheduledEventId() int64 { return a.ScheduledEventId }

// ActivityTaskQueuedEventAttributes report that an activity whose first attempt ran where it was scheduled, or that was parked,
// goes to its task queue. Temporal has no such event.
type ActivityTaskQueuedEventAttributes struct {
	ScheduledEventId int64     `json:"scheduledEventId"`
	Attempt          int32     `json:"attempt,omitempty"`
	NotBefore        time.Time `json:"notBefore,omitzero"`
	// ResetHeartbeat hides the details of earlier attempts' heartbeats.
	ResetHeartbeat bool `json:"resetHeartbeat,omitempty"`
}

// ActivityTaskCompletedEventAttributes report an activity's result.
type ActivityTaskCompletedEventAttributes struct {
	ActivityAttempt
	Result *common.Payloads `json:"result,omitempty"`
}

// ActivityTaskFailedEventAttributes report an activity that failed for good.
type ActivityTaskFailedEventAttributes struct {
	ActivityAttempt
	Failure    *failure.Failure `json:"failure,omitempty"`
	RetryState enums.RetryState `json:"retryState,omitzero"`
}

// ActivityTaskTimedOutEventAttributes report an activity that timed out for good.
type ActivityTaskTimedOutEventAttributes struct {
	ActivityAttempt
	Failure    *failure.Failure `json:"failure,omitempty"`
	RetryState enums.RetryState `json:"retryState,omitzero"`
}

// ActivityTaskCancelRequestedEventAttributes ask an activity to cancel.
type ActivityTaskCancelRequestedEventAttributes struct {
	ScheduledEventId int64 `json:"scheduledEventId"`
}

// ActivityTaskCanceledEventAttributes report an activity that ended by cancellation.
type ActivityTaskCanceledEventAttributes struct {
	ActivityAttempt
	Details *common.Payloads `json:"details,omitempty"`
}
