package export

import (
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/history"
)

// control exports what was asked of an activity, and that it is parked; nil for anything else.
func control(attributes history.Attributes) apihistory.EventAttributes {
	switch a := attributes.(type) {
	case *history.ActivityTaskPaused:
		return &apihistory.ActivityTaskPausedEventAttributes{ScheduledEventId: a.Scheduled, Reason: a.Reason, Identity: a.Identity}
	case *history.ActivityTaskUnpaused:
		return &apihistory.ActivityTaskUnpausedEventAttributes{ScheduledEventId: a.Scheduled, ResetAttempts: a.ResetAttempts,
			ResetHeartbeat: a.ResetHeartbeats, NotBefore: a.NotBefore, Reason: a.Reason, Identity: a.Identity}
	case *history.ActivityTaskReset:
		return &apihistory.ActivityTaskResetEventAttributes{ScheduledEventId: a.Scheduled, KeepPaused: a.KeepPaused,
			ResetHeartbeat: a.ResetHeartbeats, NotBefore: a.NotBefore, Reason: a.Reason, Identity: a.Identity}
	case *history.ActivityTaskParked:
		return &apihistory.ActivityTaskParkedEventAttributes{ScheduledEventId: a.Scheduled, Attempt: a.Attempt}
	}
	return nil
}

// storedControl is the inverse of control.
func storedControl(attributes apihistory.EventAttributes) history.Attributes {
	switch a := attributes.(type) {
	case *apihistory.ActivityTaskPausedEventAttributes:
		return &history.ActivityTaskPaused{Scheduled: a.ScheduledEventId, Reason: a.Reason, Identity: a.Identity}
	case *apihistory.ActivityTaskUnpausedEventAttributes:
		return &history.ActivityTaskUnpaused{Scheduled: a.ScheduledEventId, ResetAttempts: a.ResetAttempts,
			ResetHeartbeats: a.ResetHeartbeat, NotBefore: a.NotBefore.UTC(), Reason: a.Reason, Identity: a.Identity}
	case *apihistory.ActivityTaskResetEventAttributes:
		return &history.ActivityTaskReset{Scheduled: a.ScheduledEventId, KeepPaused: a.KeepPaused,
			ResetHeartbeats: a.ResetHeartbeat, NotBefore: a.NotBefore.UTC(), Reason: a.Reason, Identity: a.Identity}
	case *apihistory.ActivityTaskParkedEventAttributes:
		return &history.ActivityTaskParked{Scheduled: a.ScheduledEventId, Attempt: a.Attempt}
	}
	return nil
}
