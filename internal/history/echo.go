package history

import (
	"strconv"
	"strings"
	"time"
)

// Echo is a message with the given identity and nothing in it, to be sent to a run that has consumed the message of that
// identity: whoever is given it finds it settled, and sends what the first one covers and is still outstanding. It returns
// nil for an identity that no message in an inbox has, such as StartIdentity. State.Settles says whether it may be sent.
func Echo(identity string) *Message {
	source, id, found := strings.Cut(identity, ":")
	if !found || source == "" {
		return nil
	}
	m := &Message{ID: id}
	event, err := strconv.ParseInt(source[1:], 10, 64)
	switch {
	case Source(source) == SourceSignals:
		m.Signal = &Signal{ID: id}
	case Source(source) == SourceWakeUp:
		millis, ok := wakeUpMillis(identity)
		if !ok {
			return nil
		}
		m.WakeUp = &WakeUp{Due: time.UnixMilli(millis).UTC()}
	case err != nil:
		return nil
	case Source(source) == ActivitySource(event) && strings.HasPrefix(id, parkedPrefix):
		generation, err := strconv.ParseInt(id[len(parkedPrefix):], 10, 64)
		if err != nil {
			return nil
		}
		m.Parked = &ActivityParked{Scheduled: event, Generation: generation}
	case Source(source) == ActivitySource(event):
		m.Activity = &ActivityResult{Scheduled: event}
	case Source(source) == ChildSource(event):
		m.Child = &ChildOutcome{Initiated: event}
	case Source(source) == ExternalSource(event):
		m.External = &ExternalResult{Initiated: event}
	default:
		return nil
	}
	return m
}

// Settles says whether a run in this state has nothing to do with a message but to acknowledge it.
func (s *State) Settles(m *Message) bool { return s.Draft(s.Time).Add(m) == Settled }
