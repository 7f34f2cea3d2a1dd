package streams

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/millrace-dev/millrace/internal/goroutines"
	"github.com/millrace-dev/millrace/log"
)

// Rejects puts away what nobody can use: each message becomes a dead letter and is acknowledged after that. Nobody waits
// for it, and it takes no room from what can be used: a flood of it is taken as fast as the broker delivers it, and put away
// two at a time, about as much of the broker's time as a few runs take. What does not fit into what waits, 16 MiB and so
// many messages as NewRejects was told, is handed back, and rests for longer each time. It is safe for concurrent use.
type Rejects struct {
	put     func(context.Context, DeadLetter) error
	logger  log.Logger
	backlog goroutines.Backlog
	// said bounds how often letters are logged, unsaid counts those that were not.
	said   rate.Sometimes
	unsaid atomic.Int64
}

// Reject is a message that nobody can use.
type Reject struct {
	Letter DeadLetter
	// Acker and Deliveries are those of its delivery.
	Acker      Acker
	Deliveries int
	// Answered, if set, is called once, just before the message is acknowledged or handed back.
	Answered func()
}

// Reject is the delivery as one that nobody can use.
func (d *Delivery) Reject(reason string) Reject {
	return Reject{Acker: d.Acker, Deliveries: d.Deliveries, Letter: DeadLetter{
		ID: fmt.Sprintf("%v/%d/%d", d.Lane, d.Partition, d.Seq), Reason: reason, Run: d.Run.Run, Data: d.Data}}
}

// DefaultRejects is how many messages wait at most to become dead letters, where nothing else bounds what comes.
const DefaultRejects = 10_000

const (
	rejectsAtOnce  = 2
	maxRejectBytes = 16 << 20
	// rejectRetry is how long a message rests whose letter could not be stored.
	rejectRetry = 500 * time.Millisecond
	// minRejectRest is how long a message rests for which there was no room, at least, and maxRejectRest half of how long at
	// most.
	minRejectRest = time.Second
	maxRejectRest = 10 * time.Second
)

// NewRejects makes one that stores letters by put and lets so many messages wait. The logger is told of the first ten, and then
// once a second of how many there were.
func NewRejects(put func(context.Context, DeadLetter) error, waiting int, logger log.Logger) *Rejects {
	return &Rejects{put: put, logger: logger, said: rate.Sometimes{First: 10, Interval: time.Second},
		backlog: goroutines.Backlog{Width: rejectsAtOnce, Jobs: waiting, Bytes: maxRejectBytes}}
}

// Add takes a message over: the caller must neither end it nor keep it alive any more, unless he does so until Answered. One
// whose turn comes later than AckWait is delivered again, and becomes the same letter. ctx bounds the storing.
func (r *Rejects) Add(ctx context.Context, m Reject) {
	if !r.backlog.Add(len(m.Letter.Data), func() { r.putAway(ctx, m) }, func() { m.handBack(0) }) {
		rest := min(minRejectRest<<min(m.Deliveries-1, 10), maxRejectRest)
		m.handBack(rest + rand.N(rest)) // or all of them would come at once
	}
}

func (r *Rejects) putAway(ctx context.Context, m Reject) {
	if err := r.put(ctx, m.Letter); err != nil {
		r.logger.Warn("message could not be put into the dead letters", "letter", m.Letter.ID, "run", m.Letter.Run.String(), "error", err)
		m.handBack(rejectRetry)
		return
	}
	r.unsaid.Add(1)
	r.said.Do(func() {
		r.logger.Warn("message put into the dead letters", "letter", m.Letter.ID, "run", m.Letter.Run.String(), "reason", m.Letter.Reason,
			"letters", r.unsaid.Swap(0))
	})
	m.answered()
	_ = m.Acker.Ack(ctx) // a lost one leads to the same letter again
}

// handBack gives the message back to the broker; where that is lost it comes again after AckWait.
func (m *Reject) handBack(rest time.Duration) {
	m.answered()
	_ = m.Acker.Nak(rest)
}

func (m *Reject) answered() {
	if m.Answered != nil {
		m.Answered()
	}
}

// Close hands back what waits, and waits for what is being put away. What is added later is handed back.
func (r *Rejects) Close() { r.backlog.Close() }
