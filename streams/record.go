package streams

import (
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

// RecordInfo is what a record's headers repeat of its body: enough to follow a history and to see a run's status
// without decoding.
type RecordInfo struct {
	// Number is the transition's number k, from 1.
	Number   uint64
	CommitID string
	// Previous is the sequence of the record before this one, 0 for the first.
	Previous uint64
	// Type is the workflow type and Status the run's status after the record, both as people read them.
	Type   string
	Status string
	// LastEvent is the number of the last event in the run so far.
	LastEvent int64
	// Search are the run's search attributes after the record, as a JSON object in ASCII; empty when there are none, or more
	// than a header should hold.
	Search string
	// Waiter is who is told by a notice that the record closed its run, as NotifyClosed tells; empty, and where it is no
	// proper waiter, nobody. It is not stored.
	Waiter string
}

// Record is one message in the history lane of a run.
type Record struct {
	RecordInfo
	Run history.Run
	// Seq is its sequence in the partition's HISTORY stream.
	Seq  uint64
	Data []byte
	// Time is when the broker stored it.
	Time time.Time
	// Junk says that it is not a record of this run: something else that was published to the lane. Only Tail
	// returns such messages; their other fields are not to be used, except Seq.
	Junk bool

	transition *history.Transition
}

// Transition is the decoded record. The value is shared: it must not be changed. It fails with
// history.ErrNewerFormat for a record that a newer version wrote. It is not safe for concurrent use.
func (r *Record) Transition() (*history.Transition, error) {
	if r.transition != nil {
		return r.transition, nil
	}
	t, err := history.DecodeTransition(r.Data)
	if err != nil {
		return nil, err
	}
	r.transition = t
	return t, nil
}

// Loaded is a run's history, or the end of it.
type Loaded struct {
	// Records are those with a higher number than was asked for, oldest first.
	Records []Record
	// LastSeq is the sequence of the last message of the lane, record or junk: what the next Append expects. It is 0
	// for an empty lane.
	LastSeq uint64
	// Skipped counts the messages of the lane that were met and are not records of the run.
	Skipped int
}
