package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
)

// envelope is the JSON form of what all events have in common. The attributes stand beside it, in a member named after
// the type of event, as in Temporal's exports.
type envelope struct {
	EventId          int64             `json:"eventId"`
	EventTime        time.Time         `json:"eventTime"`
	EventType        string            `json:"eventType"`
	TransitionNumber uint64            `json:"transitionNumber"`
	HistorySize      int64             `json:"historySize,omitempty"`
	TargetChanged    bool              `json:"targetWorkerDeploymentVersionChanged,omitempty"`
	EmptyTransitions []EmptyTransition `json:"emptyTransitions,omitempty"`
}

// member is the name of the JSON member that holds the attributes of events of type t.
func member(t enums.EventType) string {
	name := t.String()
	return strings.ToLower(name[:1]) + name[1:] + "EventAttributes"
}

// MarshalJSON writes the event with its type by name and its attributes in a member of their own, such as
// "timerFiredEventAttributes".
func (e *HistoryEvent) MarshalJSON() ([]byte, error) {
	if e.Attributes == nil || e.Attributes.EventType() != e.EventType {
		return nil, fmt.Errorf("event %d of type %v has attributes of type %T", e.EventId, e.EventType, e.Attributes)
	}
	head, err := json.Marshal(envelope{e.EventId, e.EventTime, e.EventType.String(), e.TransitionNumber, e.HistorySize, e.TargetChanged, e.EmptyTransitions})
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", e.EventId, err)
	}
	body, err := json.Marshal(e.Attributes)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", e.EventId, err)
	}
	out := append(head[:len(head)-1], `,"`+member(e.EventType)+`":`...)
	return append(append(out, body...), '}'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote. It fails for types of events that this version does not know.
func (e *HistoryEvent) UnmarshalJSON(data []byte) error {
	var head envelope
	if err := json.Unmarshal(data, &head); err != nil {
		return fmt.Errorf("history event: %w", err)
	}
	kind, ok := eventTypeNamed(head.EventType)
	if !ok {
		return fmt.Errorf("event %d: type %q is not known to this version", head.EventId, head.EventType)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return fmt.Errorf("event %d: %w", head.EventId, err)
	}
	a := newAttributes(kind)
	if body, ok := members[member(kind)]; ok && !bytes.Equal(body, []byte("null")) {
		if err := json.Unmarshal(body, a); err != nil {
			return fmt.Errorf("event %d: %s: %w", head.EventId, member(kind), err)
		}
	}
	*e = HistoryEvent{
		EventId: head.EventId, EventTime: head.EventTime, EventType: kind,
		TransitionNumber: head.TransitionNumber, HistorySize: head.HistorySize, TargetChanged: head.TargetChanged,
		EmptyTransitions: head.EmptyTransitions, Attributes: a,
	}
	return nil
}

// eventTypeNamed finds a type by its name: "TimerFired", or "EVENT_TYPE_TIMER_FIRED" as Temporal's exports have it.
func eventTypeNamed(name string) (enums.EventType, bool) {
	plain := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "EVENT_TYPE_"), "_", ""))
	for t := range constructors() {
		if strings.ToLower(t.String()) == plain {
			return t, true
		}
	}
	return 0, false
}
