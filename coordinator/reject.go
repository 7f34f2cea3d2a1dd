package coordinator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/millrace-dev/millrace/internal/goroutines"
	"github.com/millrace-dev/millrace/streams"
)

// What no run can use becomes a dead letter and is acknowledged after that. Nobody waits for it, and it takes no room from
// what can be used: a flood of it is set aside as fast as the broker delivers it, and put away a few at a time, so that
// the broker and the processor are left to the runs.

const (
	// lettersAtOnce is how many dead letters are on their way at a time: about as much of the broker's time as a few runs
	// take.
	lettersAtOnce = 2
	// maxRejects is how many messages wait at most to become dead letters, for each that the lanes have room for, and
	// maxRejectBytes how large they are together. What comes beyond is handed back.
	maxRejects     = 10
	maxRejectBytes = 16 << 20
	// minRejectDelay is how long what was handed back rests, at least, and maxRejectDelay at most.
	minRejectDelay = time.Second
	maxRejectDelay = 10 * time.Second
)

// letters puts away what cannot be used.
type letters struct {
	backlog goroutines.Backlog
	// said bounds how often that is logged, unsaid counts what was not.
	said   rate.Sometimes
	unsaid atomic.Int64
}

func (r *letters) init(room int) {
	r.backlog = goroutines.Backlog{Width: lettersAtOnce, Jobs: maxRejects * room, Bytes: maxRejectBytes}
	r.said = rate.Sometimes{First: 10, Interval: time.Second}
}

// rejectAll is reject for many items.
func (c *Coordinator) rejectAll(ctx context.Context, items []*item, reason string) {
	for _, it := range items {
		c.reject(ctx, it, reason)
	}
}

// reject sees to it that a delivered item becomes a dead letter and is acknowledged then; if that fails it comes again. For
// everybody else the item has ended: an error that its run meets afterwards must not have it handed back.
func (c *Coordinator) reject(ctx context.Context, it *item, reason string) {
	if it.delivery == nil || it.ended {
		return
	}
	it.ended = true
	it.free()
	if !c.letters.backlog.Add(len(it.delivery.Data), func() { c.putAway(ctx, it, reason) }, func() { it.leave(0) }) {
		delay := growing([]*item{it}, minRejectDelay, maxRejectDelay)
		it.leave(delay + rand.N(delay)) // or all of them would come at once
	}
}

// leave hands a rejected item back.
func (it *item) leave(delay time.Duration) {
	it.keeper.forget(it)
	_ = it.delivery.Nak(delay)
}

func (c *Coordinator) putAway(ctx context.Context, it *item, reason string) {
	letter := streams.DeadLetter{
		ID:     fmt.Sprintf("%v/%d/%d", it.delivery.Lane, it.delivery.Partition, it.delivery.Seq),
		Reason: reason,
		Run:    it.run,
		Data:   it.delivery.Data,
	}
	if err := c.broker.PutDeadLetter(ctx, letter); err != nil {
		c.cfg.Logger.Warn("message could not be put into the dead letters", "run", it.run.String(), "error", err)
		it.leave(unavailableDelay)
		return
	}
	c.letters.unsaid.Add(1)
	c.letters.said.Do(func() {
		c.cfg.Logger.Warn("message put into the dead letters", "run", it.run.String(), "reason", reason, "letters", c.letters.unsaid.Swap(0))
	})
	it.keeper.forget(it)
	_ = it.delivery.Ack(ctx)
}
