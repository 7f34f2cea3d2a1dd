// Package export turns stored histories into the events of api/history and back. Nothing that a replay needs is lost on
// the way: see Transitions.
package export

import (
	"fmt"
	"time"

	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/history"
)

// Exporter makes events of one run's transitions as they come. It is not safe for concurrent use.
type Exporter struct {
	last *apihistory.HistoryEvent
	// children names the children by the event that initiated them.
	children map[int64]*history.StartChildWorkflowExecutionInitiated
}

// NewExporter begins a run's events with event 1, its start.
func NewExporter(start *history.Start) (*Exporter, *apihistory.HistoryEvent) {
	x := &Exporter{children: map[int64]*history.StartChildWorkflowExecutionInitiated{}}
	x.last = newEvent(1, start.Time, 0, startAttributes(start))
	return x, x.last
}

// Add makes events of the run's next transition. One without events is noted in the last event that was returned.
func (x *Exporter) Add(t *history.Transition) []*apihistory.HistoryEvent {
	if len(t.Events) == 0 {
		x.last.EmptyTransitions = append(x.last.EmptyTransitions, apihistory.EmptyTransition{Number: t.Number, Time: t.Time, HistorySize: t.HistorySize, TargetChanged: t.TargetChanged})
		return nil
	}
	events := make([]*apihistory.HistoryEvent, 0, len(t.Events))
	for i := range t.Events {
		e := &t.Events[i]
		if a, ok := e.Attributes.(*history.StartChildWorkflowExecutionInitiated); ok {
			x.children[e.ID] = a
		}
		a := x.attributes(e)
		if a == nil {
			continue // no such event is stored in a transition
		}
		x.last = newEvent(e.ID, t.Time, t.Number, a)
		x.last.HistorySize, x.last.TargetChanged = t.HistorySize, t.TargetChanged
		events = append(events, x.last)
	}
	return events
}

func newEvent(id int64, at time.Time, transition uint64, a apihistory.EventAttributes) *apihistory.HistoryEvent {
	return &apihistory.HistoryEvent{EventId: id, EventTime: at, EventType: a.EventType(), TransitionNumber: transition, Attributes: a}
}

// Events are all events of a run, of which ts are the transitions so far, in order and with their bodies read in.
func Events(start *history.Start, ts []*history.Transition) []*apihistory.HistoryEvent {
	x, first := NewExporter(start)
	events := []*apihistory.HistoryEvent{first}
	for _, t := range ts {
		events = append(events, x.Add(t)...)
	}
	return events
}

// Transitions is the inverse of Events: the start and the transitions that a replay is to run through. What only the
// broker's side of a run needs (commit IDs, covers, consumed messages, links between records) is not part of events
// and empty. It fails for events that are not one run's whole history.
func Transitions(events []*apihistory.HistoryEvent) (*history.Start, []*history.Transition, error) {
	if len(events) == 0 {
		return nil, nil, fmt.Errorf("read history: no events")
	}
	first, ok := events[0].GetAttributes().(*apihistory.WorkflowExecutionStartedEventAttributes)
	if !ok || events[0].EventId != 1 {
		return nil, nil, fmt.Errorf("read history: the first event is %d %v, must be 1 WorkflowExecutionStarted",
			events[0].GetEventId(), events[0].GetEventType())
	}
	start := startOf(first, events[0].EventTime)
	b := &builder{runID: start.Run.RunID}
	for i, e := range events {
		if err := b.add(e, int64(i+1)); err != nil {
			return nil, nil, fmt.Errorf("read history of run %s: %w", start.Run.Run, err)
		}
	}
	return start, b.transitions, nil
}

// builder groups events by transition.
type builder struct {
	runID       string
	transitions []*history.Transition
}

func (b *builder) add(e *apihistory.HistoryEvent, id int64) error {
	if e.GetEventId() != id {
		return fmt.Errorf("event %d stands where event %d is expected", e.GetEventId(), id)
	}
	if id > 1 {
		if err := b.addEvent(e); err != nil {
			return err
		}
	}
	for _, empty := range e.EmptyTransitions {
		if err := b.open(empty.Number, empty.Time, empty.HistorySize, empty.TargetChanged); err != nil {
			return fmt.Errorf("empty transition after event %d: %w", id, err)
		}
	}
	return nil
}

func (b *builder) addEvent(e *apihistory.HistoryEvent) error {
	if len(b.transitions) == 0 || b.current().Number != e.TransitionNumber {
		if err := b.open(e.TransitionNumber, e.EventTime, e.HistorySize, e.TargetChanged); err != nil {
			return fmt.Errorf("event %d: %w", e.EventId, err)
		}
	}
	t := b.current()
	if !e.EventTime.Equal(t.Time) {
		return fmt.Errorf("event %d has time %v, others of transition %d have %v", e.EventId, e.EventTime, t.Number, t.Time)
	}
	a := attributesOf(e)
	if a == nil {
		return fmt.Errorf("event %d: attributes of type %T are not possible there", e.EventId, e.Attributes)
	}
	t.Events = append(t.Events, history.NewEvent(e.EventId, a))
	return nil
}

func (b *builder) current() *history.Transition { return b.transitions[len(b.transitions)-1] }

func (b *builder) open(number uint64, at time.Time, size int64, targetChanged bool) error {
	if want := uint64(len(b.transitions) + 1); number != want {
		return fmt.Errorf("transition %d where transition %d is expected (is it a history that Millrace exported?)", number, want)
	}
	b.transitions = append(b.transitions, &history.Transition{
		Version: history.FormatVersion, RunID: b.runID, Number: number, Time: at.UTC(), HistorySize: size,
		TargetChanged: targetChanged,
	})
	return nil
}
