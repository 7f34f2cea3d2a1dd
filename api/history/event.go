package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/enums"
)

// History is a run's events in order, from the first.
type History struct {
	Events []*HistoryEvent `json:"events"`
}

// GetEvents returns the events, nil for a nil history.
func (h *History) GetEvents() []*HistoryEvent {
	if h == nil {
		return nil
	}
	return h.Events
}

// HistoryEvent is one thing that happened to a run or that its code decided. It must not be changed while others read
// it.
type HistoryEvent struct {
	// EventId numbers the events of a run from 1.
	EventId int64
	// EventTime is when the transition that the event belongs to was decided, in UTC.
	EventTime time.Time
	EventType enums.EventType
	// TransitionNumber is the number of that transition. Event 1 is the start itself and belongs to transition 0.
	TransitionNumber uint64
	// HistorySize is how many bytes the history had before that transition, 0 for unknown.
	HistorySize int64
	// TargetChanged says that new runs went to another build than this one's at that transition.
	TargetChanged bool
	// EmptyTransitions are the transitions between this event and the next, in which code ran and nothing was decided.
	// A replay needs to know when that was.
	EmptyTransitions []EmptyTransition
	// Attributes is a pointer to the attributes struct that belongs to EventType.
	Attributes EventAttributes
}

// EmptyTransition is a transition without events.
type EmptyTransition struct {
	Number        uint64    `json:"number"`
	Time          time.Time `json:"time"`
	HistorySize   int64     `json:"historySize,omitempty"`
	TargetChanged bool      `json:"targetWorkerDeploymentVersionChanged,omitempty"`
}

// EventAttributes are the facts of one type of event: a pointer to one of this package's structs whose name ends in
// EventAttributes.
type EventAttributes interface {
	// EventType is the type of event that the attributes belong to.
	EventType() enums.EventType
}

// GetEventId returns the number, 0 for a nil event.
func (e *HistoryEvent) GetEventId() int64 {
	if e == nil {
		return 0
	}
	return e.EventId
}

// GetEventTime returns the time, the zero time for a nil event.
func (e *HistoryEvent) GetEventTime() time.Time {
	if e == nil {
		return time.Time{}
	}
	return e.EventTime
}

// GetEventType returns the type, unspecified for a nil event.
func (e *HistoryEvent) GetEventType() enums.EventType {
	if e == nil {
		return enums.EVENT_TYPE_UNSPECIFIED
	}
	return e.EventType
}

// GetAttributes returns the attributes, nil for a nil event.
func (e *HistoryEvent) GetAttributes() EventAttributes {
	if e == nil {
		return nil
	}
	return e.Attributes
}

// attributes returns e's attributes if they are a *T, else nil.
func attributes[T any](e *HistoryEvent) *T {
	if e == nil {
		return nil
	}
	a, _ := any(e.Attributes).(*T)
	return a
}
