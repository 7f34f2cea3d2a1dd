package millrace

import (
	"fmt"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// ActivityError is what a workflow gets from an activity that did not succeed. It wraps the reason.
type ActivityError struct {
	wireForm
	info  failure.ActivityFailureInfo
	cause error
}

// NewActivityError returns an *ActivityError for the activity that info names; cause is why it did not succeed.
func NewActivityError(info failure.ActivityFailureInfo, cause error) error {
	return &ActivityError{info: info, cause: cause}
}

// Error returns which activity it was, and the cause.
func (e *ActivityError) Error() string {
	return withCause(fmt.Sprintf("activity error (type: %s, scheduledEventID: %d, startedEventID: %d, identity: %s)",
		e.info.ActivityType.GetName(), e.info.ScheduledEventId, e.info.StartedEventId, e.info.Identity), e.cause)
}

// ScheduledEventID returns the number of the event that scheduled the activity.
func (e *ActivityError) ScheduledEventID() int64 { return e.info.ScheduledEventId }

// StartedEventID returns the number of the event that recorded its start, 0 where none is recorded.
func (e *ActivityError) StartedEventID() int64 { return e.info.StartedEventId }

// Identity returns the worker of the last attempt, empty when there was none.
func (e *ActivityError) Identity() string { return e.info.Identity }

// ActivityType returns the registered name of the activity function.
func (e *ActivityError) ActivityType() *common.ActivityType { return e.info.ActivityType }

// ActivityID returns the activity's ID within its run.
func (e *ActivityError) ActivityID() string { return e.info.ActivityId }

// RetryState returns why there was no further attempt.
func (e *ActivityError) RetryState() enums.RetryState { return e.info.RetryState }

// Unwrap returns the reason.
func (e *ActivityError) Unwrap() error { return e.cause }
