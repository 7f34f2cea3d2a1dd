package coordinator

import (
	"cmp"
	"context"
	"fmt"

	"github.com/millrace-dev/millrace/streams"
)

// passOn deals with a signal or request that reached a closed run: it goes to the run that took over, under the same
// identity, unless it is an update for this run only; where there is none the sender of an update is told so, a signal becomes a visible dead letter, since its
// sender was told that it is durably queued, and a cancel or terminate request has nothing left to ask for.
func (c *Coordinator) passOn(ctx context.Context, e *entry, it *item) error {
	next := e.state().SuccessorStart()
	if it.isUpdate() && it.message.Update.Exact {
		next = nil
	}
	switch {
	case next != nil:
		// The start comes first: a request to a run that does not exist would have to wait for it.
		if err := c.startSuccessor(ctx, e, next); err != nil {
			return err
		}
		m := *it.message
		m.Forwarded = it.place()
		if err := c.broker.Send(ctx, next.Run, &m); err != nil {
			return fmt.Errorf("forward %s of closed run %s to %s: %w", it.identity(), e.run(), next.Run.RunID, err)
		}
	case it.isUpdate():
		c.tooLate(e, it)
	case it.message.Signal != nil:
		if it.delivery == nil {
			return nil // its own delivery deals with it
		}
		reason := fmt.Sprintf("signal %q reached the run after it had closed as %v", it.message.Signal.Name, e.state().Status)
		if err := c.deadLetter(ctx, it, reason); err != nil {
			return err
		}
	}
	it.ack(ctx)
	return nil
}

// deadLetter keeps a message that could not be used where people can see it.
func (c *Coordinator) deadLetter(ctx context.Context, it *item, reason string) error {
	d := streams.DeadLetter{
		ID:     fmt.Sprintf("%v/%d/%d", it.delivery.Lane, it.delivery.Partition, it.delivery.Seq),
		Reason: reason,
		Run:    it.run,
		Data:   it.delivery.Data,
	}
	if err := c.broker.PutDeadLetter(ctx, d); err != nil {
		return fmt.Errorf("dead letter of run %s: %w", it.run, err)
	}
	return nil
}

// reject makes a dead letter of a delivered item and acknowledges it; if that fails the item comes again.
func (c *Coordinator) reject(ctx context.Context, it *item, reason string) {
	if it.delivery == nil {
		return
	}
	if err := c.deadLetter(ctx, it, reason); err != nil {
		c.cfg.Logger.Warn("message could not be put into the dead letters", "run", it.run.String(), "error", err)
		it.handBack(unavailableDelay)
		return
	}
	c.cfg.Logger.Warn("message put into the dead letters", "run", it.run.String(), "reason", reason)
	it.ack(ctx)
}

// rejectAll is reject for many items, maxSends at a time: what waits behind them is not to wait for one after the other.
func (c *Coordinator) rejectAll(ctx context.Context, items []*item, reason string) {
	if len(items) > 0 {
		c.atOnce(len(items), func(i int) { c.reject(ctx, items[i], cmp.Or(items[i].unusable, reason)) })
	}
}

// rejectStart makes a dead letter of a run's start.
func (c *Coordinator) rejectStart(ctx context.Context, items []*item, reason string) {
	var letters []*item
	for _, it := range items {
		if it.isStart() || it.message != nil && (it.isRequest() || it.isWakeUp()) {
			letters = append(letters, it)
			continue
		}
		it.ack(ctx)
	}
	c.rejectAll(ctx, letters, reason)
}
