package streams

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/millrace-dev/millrace/internal/history"
)

// Anyone who may publish to HISTORY can put there what is never used: starts without the check, messages in a run's lane
// that are no records. They stay, and whoever looks for what counts has to go past them. What has been passed once is
// remembered here, or ten thousand of them would be read again for each message to their workflow.

const (
	// maxPassed bounds the workflow IDs, and the lanes, of which that is remembered: it is forgotten for all when there are more.
	maxPassed = 1000
	// manyDecoys is how many decoys are worth remembering, maxRemembered how many records of a lane are.
	manyDecoys    = 16
	maxRemembered = 10_000
)

// passed remembers what was passed, as long as the connection lasts: a server may come back without the end of a stream.
type passed[K comparable, V any] struct {
	mu    sync.Mutex // guards the rest
	epoch uint64
	known map[K]V
}

func (p *passed[K, V]) get(epoch uint64, key K) (v V, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoch == epoch {
		v, ok = p.known[key]
	}
	return v, ok
}

func (p *passed[K, V]) put(epoch uint64, key K, v V) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || p.epoch != epoch || len(p.known) >= maxPassed {
		p.epoch, p.known = epoch, make(map[K]V)
	}
	p.known[key] = v
}

func (p *passed[K, V]) forget(key K) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, key)
}

// passedStarts says that the starts of a workflow ID after sequence below, up to sequence upTo, never run. The one at below
// may, 0 for none.
type passedStarts struct{ below, upTo uint64 }

// checkedStarts lists the starts of a workflow ID that were published under the check, newest first.
func (n *Namespace) checkedStarts(ctx context.Context, workflowID string) iter.Seq2[*StoredStart, error] {
	p := n.at(workflowID)
	return func(yield func(*StoredStart, error) bool) {
		first, err := n.lastChecked(ctx, p, workflowID)
		if err != nil {
			yield(nil, fmt.Errorf("list starts: %w", err))
			return
		}
		if first == nil || !yield(first, nil) {
			return
		}
		for s, err := range n.partitionStarts(ctx, p, p.startsOf(workflowID), StartFilter{}) {
			if (err != nil || s.Checked && s.Seq < first.Seq) && !yield(s, err) {
				return
			}
		}
	}
}

// lastChecked is the newest start under the check, nil when there is none.
func (n *Namespace) lastChecked(ctx context.Context, p *partition, workflowID string) (*StoredStart, error) {
	epoch := n.Epoch()
	newest, err := n.last(ctx, p.history, p.startsOf(workflowID))
	if isNoMessage(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if s := startOf(p, newest); s != nil && s.Checked {
		return s, nil
	}
	known, ok := n.passedStarts.get(epoch, workflowID)
	if known.upTo > newest.seq {
		known, ok = passedStarts{}, false // what was newest is deleted
	}
	found, err := n.checkedAfter(ctx, p, workflowID, newest, known.upTo)
	if err != nil {
		return nil, err
	}
	if found == nil && known.below > 0 {
		if found, err = n.StartAt(ctx, workflowID, known.below); errors.Is(err, ErrNotFound) {
			n.passedStarts.forget(workflowID)
			return n.lastChecked(ctx, p, workflowID)
		} else if err != nil {
			return nil, err
		}
	}
	if now := (passedStarts{upTo: newest.seq}); !ok || known.upTo != now.upTo {
		if found != nil {
			now.below = found.Seq
		}
		n.passedStarts.put(epoch, workflowID, now)
	}
	return found, nil
}

// checkedAfter is the newest start under the check after a sequence, nil when there is none.
func (n *Namespace) checkedAfter(ctx context.Context, p *partition, workflowID string, newest *stored, after uint64) (found *StoredStart, err error) {
	if after > 0 { // few have come since, which is not worth a consumer
		err = n.scan(ctx, p.history, p.startsOf(workflowID), after+1, scanBatch, func(m *stored) bool {
			if s := startOf(p, m); m.seq <= newest.seq && s != nil && s.Checked {
				found = s
			}
			return m.seq < newest.seq
		})
		return found, err
	}
	for s, err := range n.startsAfter(ctx, p, p.startsOf(workflowID), newest, 0) {
		if err != nil || s.Checked {
			return s, err
		}
	}
	return nil, nil
}

// passedLane says that of a run's lane up to sequence upTo these are the records, in order, and all else is none.
type passedLane struct {
	upTo    uint64
	records []uint64
}

// laneScan reads a lane from its beginning, and takes as record k the first that claims to be it: appends are conditional,
// so a later one cannot be genuine.
type laneScan struct {
	run     history.Run
	after   uint64
	want    uint64
	loaded  *Loaded
	records []uint64
	before  *Record
	damaged *DamagedError
}

func (s *laneScan) add(m *stored) {
	r := recordOf(s.run, m.header, m.data)
	switch {
	case r == nil || r.Number < s.want:
		s.loaded.Skipped++
		return
	case s.damaged != nil:
		s.damaged.Last = max(s.damaged.Last, r.Number)
		return
	case r.Number > s.want:
		s.damaged = &DamagedError{Record: s.want, Last: r.Number, Reason: "it is missing, and later ones are there"}
		return
	case s.before != nil && !follows(r, s.before):
		s.damaged = &DamagedError{Record: s.before.Number, Last: r.Number, Reason: "it is not the one that the next record follows"}
		return
	}
	s.before = r
	s.records = append(s.records, m.seq)
	if s.want++; r.Number > s.after {
		r.Seq, r.Time = m.seq, m.time
		s.loaded.Records = append(s.loaded.Records, *r)
	}
}

// recall adds the records that are known, those that are needed. It says whether they are all as they were.
func (n *Namespace) recall(ctx context.Context, p *partition, s *laneScan, known passedLane) (bool, error) {
	count := uint64(len(known.records))
	from := min(s.after, max(count, 1)-1) // the last one of those not asked for is what the next has to follow
	s.want, s.records = from+1, append([]uint64(nil), known.records[:min(from, count)]...)
	for _, seq := range known.records[min(from, count):] {
		m, err := n.get(ctx, p.history, getRequest{Seq: seq})
		if isNoMessage(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if m.subject != p.record(s.run) {
			return false, nil
		}
		s.add(m)
	}
	return s.damaged == nil && s.loaded.Skipped == 0 && s.want == count+1, nil
}

// scanLane reads the lane from its first message to the one at sequence last.
func (n *Namespace) scanLane(ctx context.Context, p *partition, run history.Run, last, after uint64) (*Loaded, error) {
	epoch := n.Epoch()
	begin := func() *laneScan {
		return &laneScan{run: run, after: after, want: 1, loaded: &Loaded{LastSeq: last}}
	}
	s := begin()
	known, ok := n.passedLanes.get(epoch, run)
	if ok = ok && known.upTo <= last; ok {
		var err error
		if ok, err = n.recall(ctx, p, s, known); err != nil {
			return nil, err
		}
	}
	if !ok {
		known, s = passedLane{}, begin()
	}
	err := n.scan(ctx, p.history, p.record(run), known.upTo+1, scanBatch, func(m *stored) bool {
		if m.seq <= last {
			s.add(m)
		}
		return m.seq < last
	})
	if err != nil {
		return nil, err
	}
	if s.damaged != nil {
		return nil, s.damaged
	}
	if len(s.records) <= maxRemembered && (ok && known.upTo < last || s.loaded.Skipped >= manyDecoys) {
		n.passedLanes.put(epoch, run, passedLane{upTo: last, records: s.records})
	}
	return s.loaded, nil
}
