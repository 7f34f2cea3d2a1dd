package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/enums"
)

// Temporal has none of these events: what is asked of its activities leaves no trace in their histories.

// ActivityTaskPausedEventAttributes say that no attempt of an activity begins until it is unpaused.
type ActivityTaskPausedEventAttributes struct {
	ScheduledEventId int64  `json:"scheduledEventId"`
	Reason           string `json:"reason,omitempty"`
	Identity         string `json:"identity,omitempty"`
}

// ActivityTaskUnpausedEventAttributes end a pause.
type ActivityTaskUnpausedEventAttributes struct {
	ScheduledEventId int64 `json:"scheduledEventId"`
	ResetAttempts    bool  `json:"resetAttempts,omitempty"`
	ResetHeartbeat   bool  `json:"resetHeartbeat,omitempty"`
	// NotBefore is when the next attempt may begin, zero for at once.
	NotBefore time.Time `json:"notBefore,omitzero"`
	Reason    string    `json:"reason,omitempty"`
	Identity  string    `json:"identity,omitempty"`
}

// ActivityTaskResetEventAttributes make the next attempt of an activity the first.
type ActivityTaskResetEventAttributes struct {
	ScheduledEventId int64 `json:"scheduledEventId"`
	KeepPaused       bool  `json:"keepPaused,omitempty"`
	ResetHeartbeat   bool  `json:"resetHeartbeat,omitempty"`
	// NotBefore is when the next attempt may begin, zero for at once.
	NotBefore time.Time `json:"notBefore,omitzero"`
	Reason    string    `json:"reason,omitempty"`
	Identity  string    `json:"identity,omitempty"`
}

// ActivityTaskParkedEventAttributes say that an activity has neither a task nor an attempt, because of what was asked of it.
// Attempt is the number of the one that comes next.
type ActivityTaskParkedEventAttributes struct {
	ScheduledEventId int64 `json:"scheduledEventId"`
	Attempt          int32 `json:"attempt,omitempty"`
}

// EventType is ACTIVITY_TASK_PAUSED.
func (*ActivityTaskPausedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_PAUSED
}

// GetActivityTaskPausedEventAttributes returns the attributes of a ActivityTaskPaused event, nil for any other.
func (e *HistoryEvent) GetActivityTaskPausedEventAttributes() *ActivityTaskPausedEventAttributes {
	return attributes[ActivityTaskPausedEventAttributes](e)
}

// EventType is ACTIVITY_TASK_UNPAUSED.
func (*ActivityTaskUnpausedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_UNPAUSED
}

// GetActivityTaskUnpausedEventAttributes returns the attributes of a ActivityTaskUnpaused event, nil for any other.
func (e *HistoryEvent) GetActivityTaskUnpausedEventAttributes() *ActivityTaskUnpausedEventAttributes {
	return attributes[ActivityTaskUnpausedEventAttributes](e)
}

// EventType is ACTIVITY_TASK_RESET.
func (*ActivityTaskResetEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_RESET
}

// GetActivityTaskResetEventAttributes returns the attributes of a ActivityTaskReset event, nil for any other.
func (e *HistoryEvent) GetActivityTaskResetEventAttributes() *ActivityTaskResetEventAttributes {
	return attributes[ActivityTaskResetEventAttributes](e)
}

// EventType is ACTIVITY_TASK_PARKED.
func (*ActivityTaskParkedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_PARKED
}

// GetActivityTaskParkedEventAttributes returns the attributes of a ActivityTaskParked event, nil for any other.
func (e *HistoryEvent) GetActivityTaskParkedEventAttributes() *ActivityTaskParkedEventAttributes {
	return attributes[ActivityTaskParkedEventAttributes](e)
}
