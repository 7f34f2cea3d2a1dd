package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// grace is how long a "no such run" or "its predecessor is open" must last before it is believed: a deposed leader
// answers stale for about ten seconds, a failover takes up to twenty-five.
const grace = 60 * time.Second

// believed is how many deliveries must have met the same answer: a message may have waited for longer than grace before
// anyone looked.
const believed = 8

// delayedError is returned when the run's first transition is not due yet.
type delayedError struct{ left time.Duration }

func (e *delayedError) Error() string { return fmt.Sprintf("start is delayed for another %v", e.left) }

// unverifiedError is returned for a start that no starter of ours can have published.
type unverifiedError struct {
	reason string
	// final is set when no later look can change the answer.
	final bool
}

func (e *unverifiedError) Error() string { return e.reason }

var errUnchecked = &unverifiedError{final: true,
	reason: "start was published without the check that keeps one open run for each workflow ID"}

// admit checks, before a run's first transition, that its start was published under the check that keeps one open run
// for each workflow ID, and that the start delay is over.
//
// Being terminated needs no waiting for the end of a delay.
func (c *Coordinator) admit(ctx context.Context, e *entry, items []*item) error {
	if e.verified || e.state().Transitions > 0 {
		return nil
	}
	if err := c.verify(ctx, e.found); err != nil {
		return err
	}
	e.verified = true
	if slices.ContainsFunc(items, (*item).isTerminate) {
		return nil
	}
	if left := e.start.Time.Add(e.start.Delay.Duration()).Sub(c.cfg.Now()); e.start.Delay > 0 && left > 0 {
		e.verified = false
		return &delayedError{left: left}
	}
	return nil
}

func (c *Coordinator) verify(ctx context.Context, start *streams.StoredStart) error {
	if !start.Checked {
		return errUnchecked
	}
	if start.Expected == 0 {
		return nil
	}
	before, err := c.broker.StartAt(ctx, start.Run.WorkflowID, start.Expected)
	if err == nil && !before.Checked {
		// It never runs, and must not hide a run before it.
		before, _, err = streams.LastRun(ctx, c.broker, start.Run.WorkflowID, start.Expected)
	}
	if errors.Is(err, streams.ErrNotFound) {
		return nil // retention removes closed runs only
	}
	if err != nil {
		return fmt.Errorf("find predecessor of run %s: %w", start.Run.Run, err)
	}
	closed, err := streams.RunClosed(ctx, c.broker, before.Run.Run)
	if err != nil {
		return fmt.Errorf("read predecessor of run %s: %w", start.Run.Run, err)
	}
	if closed == nil {
		return &unverifiedError{reason: fmt.Sprintf("start follows run %s, which is open", before.Run.RunID)}
	}
	return nil
}

// unopened ends the items of a run that could not be loaded.
func (c *Coordinator) unopened(ctx context.Context, run history.Run, items []*item, err error) {
	if !errors.Is(err, errNoRun) {
		c.unserved(ctx, nil, items, err)
		return
	}
	for _, it := range items {
		switch {
		case it.call != nil:
			it.handBack(time.Second)
		case it.delivery == nil:
		case c.cfg.Now().Sub(it.delivery.Published) < grace || it.deliveries() < believed:
			it.handBack(growing([]*item{it}, time.Second, 10*time.Second))
		case it.message != nil && (it.message.Cancel != nil || it.message.Terminate != nil):
			it.ack(ctx) // it asks for an end, as a parent does that closes before its child has started
		default:
			c.reject(ctx, it, fmt.Sprintf("there is no run %s", run))
		}
	}
}
