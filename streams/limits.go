package streams

import (
	"fmt"

	"github.com/millrace-dev/millrace/internal/history"
)

// Limits says how large messages can be. It follows from the broker's largest payload at the time of Open.
func (n *Namespace) Limits() Limits { return n.limits }

// Limits are sizes in bytes. What decides promises messages that are published later, to activities, to other runs and to
// its successor: each part has a share of a message, so that what was decided can always be sent.
type Limits struct {
	// MaxRecord is the largest body of a start, record, task, inbox message or piece of a separate body.
	MaxRecord int
	// MaxPayload is the largest input or result that fits a message together with what else the message says.
	MaxPayload int
	// MaxInline is how much of the arguments or results of one call stays in messages: 512 KiB, or half of MaxPayload. The
	// rest is stored apart.
	MaxInline int
	// MaxAside is how much may come along, which is never stored apart: header, memo, search attributes and texts, together
	// 192 KiB, or a fifth of MaxPayload.
	MaxAside int
	// MaxSingle is how large the result may be that a run passes on to the next one of its schedule.
	MaxSingle int
	// MaxFailure is how large a failure may be beside MaxInline.
	MaxFailure int
}

// CheckAside refuses what comes along with a call and is too large for the messages that follow from it.
func (l Limits) CheckAside(a history.Aside) error {
	if field, n, ok := a.Fits(l.MaxAside); !ok {
		return fmt.Errorf("%s of %d bytes is %w: the limit is %d bytes", field, n, ErrTooLarge, l.MaxAside)
	}
	return nil
}

// Room for what goes around a body (headers, protocol line) and around a payload (names, times, failure details).
const (
	headerRoom   = 16 << 10
	envelopeRoom = 16 << 10
	// continuedRoom is for the failure of the run before: see history.MaxContinuedFailure.
	continuedRoom = 8 << 10
)

// LimitsOf are the limits that follow from the largest payload that the broker accepts.
func LimitsOf(brokerPayload int64) Limits {
	record := max(int(brokerPayload)-headerRoom, 0)
	payload := max(record-envelopeRoom, 0)
	inline, aside := min(512<<10, payload/2), min(192<<10, payload/5)
	return Limits{MaxRecord: record, MaxPayload: payload, MaxInline: inline, MaxAside: aside,
		MaxSingle: max(payload-inline-aside-continuedRoom, 0), MaxFailure: payload - inline}
}
