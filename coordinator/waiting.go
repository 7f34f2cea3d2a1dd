package coordinator

import (
	"context"
	"slices"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// maxLanes bounds how many sources of an inbox are read one by one.
const maxLanes = 16

// readWaiting reads what waits in the run's inbox of one source, or, when source is empty, of all from which the run can
// still use anything that items do not have. last is set when there are more signals and requests, after it.
//
// It asks for each source by its name: the broker finds a subject at once, but goes through all that is stored after the
// run's first message for those that match a wildcard, and there lie the wake-ups of all other runs.
func (c *Coordinator) readWaiting(ctx context.Context, e *entry, items []*item, source history.Source) (waiting []streams.Waiting, last uint64, err error) {
	lanes := []history.Source{source}
	if source == "" {
		lanes = e.awaited(items)
		if lanes[0] != "" {
			// Before a run closes there is mostly nothing, which many runs find out together.
			if empty, err := c.broker.InboxEmpty(ctx, e.start.Run, lanes); err != nil || empty {
				return nil, 0, err
			}
		}
	}
	for i, lane := range lanes {
		w, err := c.broker.ReadInbox(ctx, e.start.Run, lane, inboxBatch)
		if err != nil {
			return nil, 0, err
		}
		if i == 0 && len(w) == inboxBatch {
			return w, w[len(w)-1].Seq, nil
		}
		waiting = append(waiting, w...)
	}
	return waiting, 0, nil
}

// awaited are the sources of signals and of what the run waits for, without those that items come from. When they are
// too many, the answer is the source that stands for all.
func (e *entry) awaited(items []*item) []history.Source {
	s := e.state()
	have := make(map[history.Source]struct{}, len(items))
	for _, it := range items {
		if it.message != nil {
			have[it.message.Source()] = struct{}{}
		}
	}
	if len(s.Activities)+len(s.Children)+len(s.Externals)-len(have) >= maxLanes {
		return []history.Source{""}
	}
	lanes := []history.Source{history.SourceSignals}
	add := func(source history.Source) {
		if _, ok := have[source]; !ok {
			lanes = append(lanes, source)
		}
	}
	for id := range s.Activities {
		add(history.ActivitySource(id))
	}
	for id := range s.Children {
		add(history.ChildSource(id))
	}
	for id := range s.Externals {
		add(history.ExternalSource(id))
	}
	slices.Sort(lanes[1:]) // what is repeated is repeated in the same order
	return lanes
}
