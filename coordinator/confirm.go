package coordinator

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/streams"
)

// A server that was killed, or lost power without having synced, may come back without the end of a stream. What this
// process knows of a run from the time before may then be more than is stored: its start, its last record, or both may be
// gone, and what stands at their sequences may be something else. The connection is lost in any such case, which the epoch
// tells. An append repeated over that loss is accepted where its expectation fits by accident.

// confirm makes sure that what the entry goes on from is stored, if the connection has been lost since that was known.
// Otherwise the entry is errStale. It is asked before an append, and again before anything follows from one.
func (c *Coordinator) confirm(ctx context.Context, e *entry) error {
	epoch := c.broker.Epoch()
	if e.epoch == epoch {
		return nil
	}
	if err := c.confirmStart(ctx, e); err != nil {
		return err
	}
	if s := e.state(); s.Transitions > 0 {
		loaded, err := c.broker.Load(ctx, e.run(), s.Transitions-1)
		if err != nil {
			return fmt.Errorf("confirm run %s: %w", e.run(), err)
		}
		if len(loaded.Records) == 0 || loaded.Records[0].CommitID != s.LastCommit {
			return fmt.Errorf("confirm run %s: %w: transition %d is not the one known here", e.run(), errStale, s.Transitions)
		}
	}
	e.epoch, e.sent = epoch, ""
	return nil
}

// confirmStart makes sure that the run's start is stored.
func (c *Coordinator) confirmStart(ctx context.Context, e *entry) error {
	found, err := c.broker.FindStart(ctx, e.run())
	switch {
	case errors.Is(err, streams.ErrNotFound):
		return fmt.Errorf("confirm run %s: %w: its start is gone", e.run(), errStale)
	case err != nil:
		return fmt.Errorf("confirm run %s: %w", e.run(), err)
	case found.Seq != e.found.Seq:
		return fmt.Errorf("confirm run %s: %w: its start is another one", e.run(), errStale)
	}
	return nil
}
