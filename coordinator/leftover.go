package coordinator

import (
	"context"
	"fmt"
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
		c.reject(ctx, it, fmt.Sprintf("signal %q reached the run after it had closed as %v", it.message.Signal.Name, e.state().Status))
		return nil
	}
	it.ack(ctx)
	return nil
}

// rejectStart makes a dead letter of a run's start.
func (c *Coordinator) rejectStart(ctx context.Context, items []*item, reason string) {
	for _, it := range items {
		if it.isStart() || it.message != nil && (it.isRequest() || it.isWakeUp()) {
			c.reject(ctx, it, reason)
			continue
		}
		it.ack(ctx)
	}
}
