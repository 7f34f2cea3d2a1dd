package history

import "time"

// Transition is one record of a run's history: what was consumed, and what was decided.
type Transition struct {
	Version int    `msgpack:"v"`
	RunID   string `msgpack:"r"`
	// Number is k, counting from 1.
	Number uint64 `msgpack:"k"`
	// CommitID is the random identity of this attempt to write transition k: it answers "was it mine?".
	CommitID string `msgpack:"c"`
	// Previous is the stream sequence of the record before this one (0 for the first), PreviousHash the first 8
	// bytes of the SHA-256 of its bytes. Sequences do not survive mirrors and restores: they are a hint.
	Previous     uint64 `msgpack:"p,omitempty"`
	PreviousHash []byte `msgpack:"ph,omitempty"`
	// Cover is the identity of the message that stays unacknowledged until this record's effects are sent.
	Cover string `msgpack:"cv"`
	// Time is when the transition was decided; it never goes back within a run.
	Time time.Time `msgpack:"ti"`
	// Consumed are the identities of the messages that this record consumed, in order.
	Consumed []string `msgpack:"co,omitempty"`
	Events   []Event  `msgpack:"ev,omitempty"`
	// HistorySize is how many bytes the run's start and the records before this one have.
	HistorySize int64 `msgpack:"hs,omitempty"`
	// Body refers to the separately stored events of an oversized transition; Events is then empty.
	Body *BodyRef `msgpack:"bo,omitempty"`
	// TargetChanged says that new runs of the task queue went to another build than the one that this run is bound to.
	TargetChanged bool `msgpack:"tc,omitempty"`
}

// TransitionHead is what identifies a transition.
type TransitionHead struct {
	Version  int    `msgpack:"v"`
	RunID    string `msgpack:"r"`
	Number   uint64 `msgpack:"k"`
	CommitID string `msgpack:"c"`
}

// BodyRef names the stored pieces of an oversized transition's events, which are published before the record.
type BodyRef struct {
	CommitID string `msgpack:"c"`
	Pieces   int    `msgpack:"n"`
	// Hash is the SHA-256 of the joined pieces.
	Hash []byte `msgpack:"h"`
	// Size is how many bytes the joined pieces have.
	Size int64 `msgpack:"s,omitempty"`
}

// FirstEvent is the number of the first event, 0 for a transition without events.
func (t *Transition) FirstEvent() int64 {
	if len(t.Events) == 0 {
		return 0
	}
	return t.Events[0].ID
}

// Split returns the events that messages and the clock brought, and those that workflow code decided.
func (t *Transition) Split() (inputs, decided []Event) {
	for i := range t.Events {
		if !t.Events[i].IsInput() {
			return t.Events[:i], t.Events[i:]
		}
	}
	return t.Events, nil
}
