package millrace

import (
	"fmt"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/converter"
)

// TimeoutError says that an activity or a run took longer than one of its time-outs allows, or that its worker was
// lost.
type TimeoutError struct {
	wireForm
	message              string
	timeoutType          enums.TimeoutType
	lastHeartbeatDetails converter.EncodedValues
	cause                error
}

// NewTimeoutError returns a *TimeoutError; lastErr is the failure of the last attempt, nil for none, and details are
// those of the last heartbeat. Programs need it in tests only, to stand in for an activity.
func NewTimeoutError(timeoutType enums.TimeoutType, lastErr error, details ...interface{}) error {
	return &TimeoutError{
		message:              timeoutType.String() + " timeout",
		timeoutType:          timeoutType,
		lastHeartbeatDetails: detailsOf(details),
		cause:                lastErr,
	}
}

// NewHeartbeatTimeoutError returns a *TimeoutError of type heartbeat. Programs need it in tests only.
func NewHeartbeatTimeoutError(details ...interface{}) error {
	return &TimeoutError{
		message:              "heartbeat timeout",
		timeoutType:          enums.TIMEOUT_TYPE_HEARTBEAT,
		lastHeartbeatDetails: detailsOf(details),
	}
}

// Error returns message, type and cause.
func (e *TimeoutError) Error() string {
	return withCause(fmt.Sprintf("%s (type: %v)", e.message, e.timeoutType), e.cause)
}

// Message returns the message alone.
func (e *TimeoutError) Message() string { return e.message }

// TimeoutType returns which time-out it was.
func (e *TimeoutError) TimeoutType() enums.TimeoutType { return e.timeoutType }

// HasLastHeartbeatDetails reports whether a heartbeat with details came before the time-out.
func (e *TimeoutError) HasLastHeartbeatDetails() bool { return hasDetails(e.lastHeartbeatDetails) }

// LastHeartbeatDetails decodes the details of the last heartbeat into what the arguments point to, in order. It
// returns ErrNoData when there are none.
func (e *TimeoutError) LastHeartbeatDetails(d ...interface{}) error {
	return getDetails(e.lastHeartbeatDetails, d)
}

// Unwrap returns the failure of the last attempt, nil for none.
func (e *TimeoutError) Unwrap() error { return e.cause }
