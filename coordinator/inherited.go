package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// inherited are the signals and requests that reached the run's predecessor after it had closed and that nobody has
// passed on yet: they were sent before others that went to this run directly. Theirs and ours are sequences of one
// stream. Once they are consumed here, what is passed on later finds itself settled.
//
// What was sent before something of own, which was read before, was in one of the two inboxes then. If it was in the
// predecessor's it is there still, or has been passed on since: so the run's own is looked at again.
func (c *Coordinator) inherited(ctx context.Context, e *entry, own []streams.Waiting) ([]*item, error) {
	if e.start.ContinuedRunID == "" {
		return nil, nil
	}
	left, err := c.leftBehind(ctx, e)
	if err != nil {
		return nil, err
	}
	again, err := c.broker.ReadInbox(ctx, e.start.Run, history.SourceSignals, inboxBatch)
	if err != nil {
		return nil, fmt.Errorf("read inbox of run %s: %w", e.run(), err)
	}
	for _, w := range again {
		if slices.ContainsFunc(own, func(o streams.Waiting) bool { return o.Seq == w.Seq }) {
			continue
		}
		if m, err := history.DecodeMessage(w.Data); err == nil && m.Source() == w.Source && m.Forwarded > 0 && m.Update == nil {
			left = append(left, &item{run: e.run(), message: m, seq: w.Seq})
		}
	}
	return left, nil
}

// leftBehind are the signals and requests in the predecessor's inbox that ask for something of the run.
func (c *Coordinator) leftBehind(ctx context.Context, e *entry) ([]*item, error) {
	before := e.start.Run
	before.RunID = e.start.ContinuedRunID
	waiting, err := c.broker.ReadInbox(ctx, before, history.SourceSignals, inboxBatch)
	if err != nil || len(waiting) == 0 {
		return nil, err
	}
	s, err := c.stateOf(ctx, before.Run)
	if errors.Is(err, streams.ErrNotFound) {
		return nil, nil // retention has removed it
	}
	if err != nil {
		return nil, fmt.Errorf("predecessor of run %s: %w", e.run(), err)
	}
	draft := s.Draft(c.cfg.Now())
	var items []*item
	for _, w := range waiting {
		m, err := history.DecodeMessage(w.Data)
		exact := err == nil && m.Update != nil && m.Update.Exact
		if err == nil && !exact && m.Source() == w.Source && draft.Add(m) == history.Leftover {
			items = append(items, &item{run: e.run(), message: m, seq: w.Seq, inherited: true})
		}
	}
	return items, nil
}
