package streams

import (
	"context"

	"github.com/millrace-dev/millrace/internal/history"
)

// A chain of records is followed from its end to its beginning, one answer after the other, which for the thousands of
// records of a run that was sent many signals takes seconds. Where the records that were read first lie close together, those
// before them are read by few requests instead, in the order of the lane. They count only where the chain leads to them.

const (
	// aheadFrom is how many records are followed one by one first.
	aheadFrom = 32
	// aheadSparse is how many sequences a record may take, on the average, for reading on the lane to be cheaper: the broker
	// goes through all of them.
	aheadSparse = 64
	// aheadBytes bounds what is read ahead at a time, by the size of the records that were read before.
	aheadBytes = 4 << 20
	// aheadOff is how many times more than were expected are read before that is given up.
	aheadOff = 4
)

// laneAhead holds records of a lane that a chain is about to reach.
type laneAhead struct {
	namespace *Namespace
	partition *partition
	run       history.Run
	// newest is the sequence of the chain's end; read and bytes are what of it was read, until now.
	newest uint64
	read   int
	bytes  int
	held   map[uint64]*stored
}

// get returns the message at the sequence that the record names as the one before it. left is how many are still to come.
func (a *laneAhead) get(ctx context.Context, r *Record, left uint64) (*stored, error) {
	a.read++
	a.bytes += len(r.Data)
	if a.held[r.Previous] == nil && a.worthwhile(r, left) {
		a.readBefore(ctx, r, left)
	}
	if m := a.held[r.Previous]; m != nil {
		delete(a.held, r.Previous)
		return m, nil
	}
	return a.namespace.get(ctx, a.partition.history, getRequest{Seq: r.Previous})
}

func (a *laneAhead) worthwhile(r *Record, left uint64) bool {
	return a.read >= aheadFrom && left > 1 && a.namespace.readsBatches() && (a.newest-r.Previous)/uint64(a.read) <= aheadSparse
}

// readBefore reads records that lie before r. An error costs nothing: what was not read is got by itself.
func (a *laneAhead) readBefore(ctx context.Context, r *Record, left uint64) {
	want := min(left, scanBatch, uint64(max(1, aheadBytes*a.read/(a.bytes+1))))
	span := want * (a.newest - r.Previous) / uint64(a.read)
	from := uint64(1)
	if span < r.Previous {
		from = r.Previous - span
	}
	a.held = make(map[uint64]*stored, want)
	_ = a.namespace.scan(ctx, a.partition.history, a.partition.record(a.run), from, int(want), func(m *stored) bool {
		if m.seq <= r.Previous {
			a.held[m.seq] = m
		}
		return m.seq < r.Previous && len(a.held) < aheadOff*int(want)
	})
	if a.held[r.Previous] == nil { // they lie closer together than was thought
		a.newest, a.read, a.bytes, a.held = r.Previous, 0, 0, nil
	}
}
