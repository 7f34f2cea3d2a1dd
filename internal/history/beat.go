package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
)

// Beat is what the heartbeat bucket keeps of an activity between its attempts: how far it came and why it failed.
type Beat struct {
	Version int `msgpack:"v"`
	// Attempt is the newest attempt that began, Identity the worker that ran it, Started when it began.
	Attempt  int32     `msgpack:"at"`
	Identity string    `msgpack:"i,omitempty"`
	Started  time.Time `msgpack:"st,omitempty"`
	// Details are the last heartbeat's, at Time.
	Details *common.Payloads `msgpack:"d,omitempty"`
	Time    time.Time        `msgpack:"ti,omitempty"`
	// Ended is when Attempt ended by its worker's word, zero while it runs: one that neither runs nor ended was lost.
	Ended time.Time `msgpack:"en,omitempty"`
	// Failure ended the last attempt that failed, nil when none did.
	Failure *failure.Failure `msgpack:"f,omitempty"`
	// Free counts the deliveries that used no attempt: hand-backs by workers that stopped or lacked the activity.
	Free int32 `msgpack:"fr,omitempty"`
	// Pending is set when the attempt will be completed from outside the worker, until the time-out Expires.
	Pending bool      `msgpack:"p,omitempty"`
	Expires time.Time `msgpack:"ex,omitempty"`
	// Lost counts the attempts in a row that were lost, and Killed those of them that began with nothing else in their
	// process, as Attempt did when Alone is set.
	Lost   int32 `msgpack:"lo,omitempty"`
	Killed int32 `msgpack:"ki,omitempty"`
	Alone  bool  `msgpack:"al,omitempty"`
	// Generation is that of the task whose attempt it was. A coordinator that recalls a task leaves the number of the
	// request instead, which is between the task's generation and that of the next.
	Generation int64 `msgpack:"g,omitempty"`
}

// Outdates says whether the attempt whose record is own, as it is to be stored, has no say any more because b is: b is of a
// later attempt or generation, or of another that has the same number, or somebody else has ended the attempt.
func (b *Beat) Outdates(own *Beat) bool {
	switch {
	case b.Generation != own.Generation:
		return b.Generation > own.Generation
	case b.Attempt != own.Attempt:
		return b.Attempt > own.Attempt
	case b.Started.IsZero():
		return false // a heartbeat from outside, before the attempt itself left anything
	case !b.Started.Equal(own.Started) || b.Identity != own.Identity:
		return true
	}
	return !b.Ended.IsZero() && !b.Ended.Equal(own.Ended)
}

func (b *Beat) version() *int { return &b.Version }
func (*Beat) name() string    { return "heartbeat" }

// DecodeBeat reads an activity's heartbeat record.
func DecodeBeat(data []byte) (*Beat, error) { return decode(data, &Beat{}) }
