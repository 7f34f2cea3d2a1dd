package coordinator

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// archive is the second level of the cache: the records of open runs that are live no more, as they are stored, up to a
// fixed number of bytes. A run that it holds is replayed without asking the broker. It is a prefix, as a live run is:
// maybe behind, never wrong while the connection lasts.
type archive struct {
	limit int
	// mu guards the rest. The order is by when runs were put in, newest first.
	mu      sync.Mutex
	size    int
	order   *list.List
	entries map[history.Run]*list.Element
}

// archived is what an entry is made of anew.
type archived struct {
	found    *streams.StoredStart
	records  [][]byte
	lastSeq  uint64
	epoch    uint64
	armed    time.Time
	verified bool
	troubled bool
	size     int
}

func newArchive(limit int) *archive {
	return &archive{limit: limit, order: list.New(), entries: map[history.Run]*list.Element{}}
}

// archivedOverhead is about what a run takes beside its start and records.
const archivedOverhead = 600

// put adds a run, and gives up the oldest ones beyond the limit.
func (a *archive) put(e *entry) {
	if a.limit <= 0 || e.past.lost || e.state().Transitions == 0 || e.codeErr != nil {
		return
	}
	x := &archived{found: e.found, records: e.past.records, lastSeq: e.lastSeq, epoch: e.epoch, armed: e.armed,
		verified: e.verified, troubled: e.troubled, size: archivedOverhead + len(e.found.Data) + e.past.size}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.removeLocked(e.run())
	a.entries[e.run()] = a.order.PushFront(x)
	for a.size += x.size; a.size > a.limit; {
		a.removeLocked(a.order.Back().Value.(*archived).found.Run.Run)
	}
}

// take removes and returns a run, nil when it is not there.
func (a *archive) take(run history.Run) *archived {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.removeLocked(run)
}

func (a *archive) removeLocked(run history.Run) *archived {
	el, ok := a.entries[run]
	if !ok {
		return nil
	}
	delete(a.entries, run)
	x := a.order.Remove(el).(*archived)
	a.size -= x.size
	return x
}

// start is a run's start, nil when the run is not there or was put in before this epoch.
func (a *archive) start(run history.Run, epoch uint64) *streams.StoredStart {
	a.mu.Lock()
	defer a.mu.Unlock()
	if el, ok := a.entries[run]; ok && el.Value.(*archived).epoch == epoch {
		return el.Value.(*archived).found
	}
	return nil
}

// knownStart is a start, and an epoch of the broker in which it was stored.
type knownStart struct {
	*streams.StoredStart
	epoch uint64
}

// findStart finds a run's start in the archive or at the broker.
func (c *Coordinator) findStart(ctx context.Context, run history.Run) (knownStart, error) {
	known := knownStart{epoch: c.broker.Epoch()} // BEFORE it is read
	if known.StoredStart = c.archive.start(run, known.epoch); known.StoredStart != nil {
		return known, nil
	}
	var err error
	known.StoredStart, err = c.broker.FindStart(ctx, run)
	return known, err
}

// revive replays a new entry from the archive and says whether it could.
func (c *Coordinator) revive(ctx context.Context, e *entry) (bool, error) {
	x := c.archive.take(e.run())
	if x == nil || x.epoch != e.epoch {
		return false, nil
	}
	transitions := make([]*history.Transition, len(x.records))
	for i, data := range x.records {
		var err error
		if transitions[i], err = streams.TransitionOf(ctx, c.broker, &streams.Record{Run: e.run(), Data: data}); err != nil {
			return false, err
		}
	}
	if err := c.replay(ctx, e, transitions); err != nil {
		return false, err
	}
	for _, data := range x.records {
		e.past.add(data)
	}
	e.lastSeq = x.lastSeq
	e.note(x.records[len(x.records)-1], transitions[len(transitions)-1])
	e.armed, e.verified, e.troubled = x.armed, x.verified, x.troubled
	return true, nil
}

// maxPast bounds the records that a live run keeps for the archive, in bytes: longer ones are read from the broker.
const maxPast = 32 << 10

// past are the records of a live run as they are stored.
type past struct {
	records [][]byte
	size    int
	// lost is set when they are not all here.
	lost bool
}

func (p *past) add(data []byte) {
	if p.size += len(data); p.lost || p.size > maxPast {
		*p = past{lost: true}
		return
	}
	p.records = append(p.records, slices.Clip(data))
}
