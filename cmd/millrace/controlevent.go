package main

import (
	"fmt"

	apihistory "github.com/millrace-dev/millrace/api/history"
)

// controlDetail tells what was asked of an activity, and that it is parked.
func (t *teller) controlDetail(e *apihistory.HistoryEvent) (string, bool) {
	switch a := e.Attributes.(type) {
	case *apihistory.ActivityTaskPausedEventAttributes:
		return words(t.name(a.ScheduledEventId, "activity"), labeled("reason", a.Reason), labeled("by", a.Identity)), true
	case *apihistory.ActivityTaskUnpausedEventAttributes:
		return words(t.name(a.ScheduledEventId, "activity"), sayIf(a.ResetAttempts, "attempts reset"), sayIf(a.ResetHeartbeat, "heartbeats reset"),
			t.after(e, a.NotBefore), labeled("reason", a.Reason), labeled("by", a.Identity)), true
	case *apihistory.ActivityTaskResetEventAttributes:
		return words(t.name(a.ScheduledEventId, "activity"), sayIf(a.KeepPaused, "stays paused"), sayIf(a.ResetHeartbeat, "heartbeats reset"),
			t.after(e, a.NotBefore), labeled("reason", a.Reason), labeled("by", a.Identity)), true
	case *apihistory.ActivityTaskParkedEventAttributes:
		return words(t.name(a.ScheduledEventId, "activity"), fmt.Sprintf("before attempt %d", a.Attempt)), true
	}
	return "", false
}

func sayIf(yes bool, what string) string {
	if yes {
		return what
	}
	return ""
}
