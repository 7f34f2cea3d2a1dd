package worker

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/log"
)

// rateSlice is how long the turns last at most that a worker books at a time: what is lost when it dies.
const rateSlice = 250 * time.Millisecond

// rateSlack is how late a turn may be taken that is shorter.
const rateSlack = 25 * time.Millisecond

// queueRate bounds how many activities of a task queue begin per second on all its workers together. They book turns, one
// after the other, in an entry at the broker; nobody else counts. Its user is one goroutine.
type queueRate struct {
	book   func(ctx context.Context, turns int, length time.Duration) (first time.Time, err error)
	length time.Duration // of a turn
	logger log.Logger

	next time.Time // turn of those that are booked
	left int
}

// newQueueRate is nil for no bound.
func newQueueRate(perSecond float64, book func(ctx context.Context, turns int, length time.Duration) (time.Time, error), logger log.Logger) *queueRate {
	if perSecond == 0 {
		return nil
	}
	return &queueRate{book: book, length: time.Duration(float64(time.Second) / perSecond), logger: logger}
}

// wait returns at the next turn, or with ctx's error when that ends before. Turns that were missed are lost: made up for, they
// would come on top of those of others.
func (r *queueRate) wait(ctx context.Context) error {
	for {
		for r.left > 0 && time.Since(r.next) > max(r.length, rateSlack) {
			r.take()
		}
		if r.left > 0 {
			return r.sleep(ctx, time.Until(r.take()))
		}
		turns := max(int(rateSlice/max(r.length, 1)), 1)
		first, err := r.book(ctx, turns, r.length)
		if err == nil {
			r.next, r.left = first, turns
			continue
		}
		if ctx.Err() == nil {
			r.logger.Warn("no activities begin: the rate of the task queue is not to be had", "error", err)
		}
		if err := r.sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// take uses up a turn.
func (r *queueRate) take() time.Time {
	turn := r.next
	r.next = turn.Add(r.length)
	r.left--
	return turn
}

func (r *queueRate) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
