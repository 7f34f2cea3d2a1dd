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
		after := uint64(0)
		if lane == history.SourceSignals {
			after = e.lane.after(e.state(), items)
		}
		w, err := c.broker.ReadInboxAfter(ctx, e.start.Run, lane, after, inboxBatch)
		if err != nil {
			return nil, 0, err
		}
		if lane == history.SourceSignals {
			e.lane.note(w)
		}
		if i == 0 && len(w) == inboxBatch {
			return w, w[len(w)-1].Seq, nil
		}
		waiting = append(waiting, w...)
	}
	return waiting, 0, nil
}

// manyWaiting is from how many signals and requests on an inbox is worth remembering.
const manyWaiting = 64

// lane is how far the history accounts for the signals and requests in a run's inbox. Those that others were given stay
// there until they have found that out: of many, a process that goes on with the run would read nothing else.
type lane struct {
	// settled is a sequence up to which all are consumed, whatever still waits, 0 for unknown.
	settled uint64
	// read are those that were read last: all that there were after settled, as far as they go.
	read []streams.Waiting
}

// note remembers what was read after settled.
func (l *lane) note(read []streams.Waiting) {
	if l.read = nil; len(read) >= manyWaiting {
		l.read = read
	}
}

// after is where to go on reading. Items that are below it and were not consumed say that the stream is not the one that
// was read: then it is read from its beginning.
func (l *lane) after(s *history.State, items []*item) uint64 {
	for i := range l.read {
		m, err := history.DecodeMessage(l.read[i].Data)
		if err != nil || !s.Seen(m.Identity()) {
			break
		}
		l.settled = l.read[i].Seq
	}
	l.read = nil
	if l.settled == 0 {
		return 0
	}
	if slices.ContainsFunc(items, func(it *item) bool {
		return it.isRequest() && it.delivery != nil && it.seq <= l.settled && !s.Seen(it.identity())
	}) {
		l.settled = 0
	}
	return l.settled
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
