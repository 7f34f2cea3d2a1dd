package streamstest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// The kinds of subjects of a run's tree in HISTORY.
const (
	kindStart  = "start"
	kindRecord = "history"
	kindBody   = "body"
	kindClaim  = "claim"
)

// startHeaders are what a start's headers hold: the condition that it was stored under, besides the info.
type startHeaders struct {
	streams.StartInfo
	checked  bool
	expected uint64
}

// PublishStart stores a run's start if the last start of its workflow ID has the sequence expected. A start of the same
// run that is stored already is success.
func (m *Model) PublishStart(ctx context.Context, run history.Address, data []byte, info streams.StartInfo, expected uint64) (seq uint64, err error) {
	if err := m.valid(run.Run, run.Queue, len(data)); err != nil {
		return 0, fmt.Errorf("publish start of run %s: %w", run.Run, err)
	}
	err = m.do(ctx, OpPublishStart, run.Run, func(f Fault) error {
		if ours := m.lastStart(func(s *message) bool { return s.run == run.Run }); ours != nil {
			seq = ours.seq
			return nil
		}
		last := uint64(0)
		if s := m.lastStart(func(s *message) bool { return s.run.WorkflowID == run.WorkflowID }); s != nil {
			last = s.seq
		}
		if f == InFlight || last != expected {
			return &streams.ConflictError{What: "start", Expected: expected, Last: last}
		}
		seq = m.addStart(run, data, startHeaders{info, true, expected}).seq
		return nil
	})
	return seq, err
}

func (m *Model) addStart(run history.Address, data []byte, headers startHeaders) *message {
	s := m.history.add(m.now(), startOf(run), data, headers)
	m.starts = append(m.starts, s)
	return s
}

func startOf(run history.Address) subject {
	return subject{kind: kindStart, run: run.Run, queue: run.Queue, build: run.Build}
}

// LastStart is the last start of a workflow ID.
func (m *Model) LastStart(ctx context.Context, workflowID string) (*streams.StoredStart, error) {
	return m.findStart(ctx, OpLastStart, history.Run{WorkflowID: workflowID}, func(s *message) bool {
		return s.run.WorkflowID == workflowID
	})
}

// FindStart is the start of one run.
func (m *Model) FindStart(ctx context.Context, run history.Run) (*streams.StoredStart, error) {
	return m.findStart(ctx, OpFindStart, run, func(s *message) bool { return s.run == run })
}

// StartAt is the start of a workflow ID at a sequence.
func (m *Model) StartAt(ctx context.Context, workflowID string, seq uint64) (*streams.StoredStart, error) {
	return m.findStart(ctx, OpStartAt, history.Run{WorkflowID: workflowID}, func(s *message) bool {
		return s.run.WorkflowID == workflowID && s.seq == seq
	})
}

func (m *Model) findStart(ctx context.Context, op Op, run history.Run, match func(*message) bool) (found *streams.StoredStart, err error) {
	err = m.do(ctx, op, run, func(f Fault) error {
		s := m.lastStart(match)
		if s != nil && f == Stale {
			newest := s.seq
			s = m.lastStart(func(s *message) bool { return s.seq < newest && match(s) })
		}
		if s == nil {
			return streams.ErrNotFound
		}
		found = storedStart(s)
		return nil
	})
	return found, err
}

func (m *Model) lastStart(match func(*message) bool) *message {
	for _, s := range slices.Backward(m.starts) {
		if match(s) {
			return s
		}
	}
	return nil
}

func storedStart(s *message) *streams.StoredStart {
	h := s.headers.(startHeaders)
	return &streams.StoredStart{
		Run:       history.Address{Run: s.run, Queue: s.queue, Build: s.build},
		StartInfo: h.StartInfo,
		Seq:       s.seq,
		Checked:   h.checked,
		Expected:  h.expected,
		Data:      slices.Clone(s.data),
		Time:      s.at,
	}
}

// ListStarts yields the starts that the filter selects, the newest first.
func (m *Model) ListStarts(ctx context.Context, filter streams.StartFilter) iter.Seq2[*streams.StoredStart, error] {
	return func(yield func(*streams.StoredStart, error) bool) {
		var starts []*streams.StoredStart
		err := m.do(ctx, OpListStarts, history.Run{}, func(f Fault) error {
			starts = nil
			for _, s := range slices.Backward(m.starts) {
				if selects(filter, s) {
					starts = append(starts, storedStart(s))
				}
			}
			if f == Stale && len(starts) > 0 {
				starts = starts[1:]
			}
			return nil
		})
		if err != nil {
			yield(nil, err)
			return
		}
		for _, s := range starts {
			if !yield(s, nil) {
				return
			}
		}
	}
}

func selects(f streams.StartFilter, s *message) bool {
	return (f.WorkflowID == "" || f.WorkflowID == s.run.WorkflowID && (!f.Checked || s.headers.(startHeaders).checked)) && (f.Queue == "" || f.Queue == s.queue)
}

func recordsOf(run history.Run) subject { return subject{kind: kindRecord, run: run} }

// Append stores a record if the last message of the run's lane has the sequence expected. A record that is stored
// already, by its commit ID, is success.
func (m *Model) Append(ctx context.Context, run history.Run, data []byte, info streams.RecordInfo, expected uint64) (seq uint64, err error) {
	if err := m.fits(len(data)); err != nil {
		return 0, fmt.Errorf("append record %d of run %s: %w", info.Number, run, err)
	}
	waiter, stored := info.Waiter, false
	info.Waiter = ""
	err = m.do(ctx, OpAppend, run, func(f Fault) error {
		last := uint64(0)
		for _, s := range m.history.bySubject[recordsOf(run)] {
			if stored, ok := s.headers.(streams.RecordInfo); ok && stored.CommitID == info.CommitID {
				seq = s.seq
				return nil
			}
			last = s.seq
		}
		if f == InFlight || last != expected {
			return &streams.ConflictError{What: "record", Expected: expected, Last: last}
		}
		seq, stored = m.history.add(m.now(), recordsOf(run), data, info).seq, true
		return nil
	})
	if stored && waiter != "" && streams.CheckWaiter(waiter) == nil {
		m.tell(waiter, run.RunID, data) // also when the appender is not told, as of a promise
	}
	return seq, err
}

// lane is a run's lane as a read sees it.
func (m *Model) lane(run history.Run, f Fault) []*message {
	all := m.history.bySubject[recordsOf(run)]
	if f == Stale && len(all) > 0 {
		all = all[:len(all)-1]
	}
	return all
}

func record(s *message) streams.Record {
	info, ok := s.headers.(streams.RecordInfo)
	return streams.Record{RecordInfo: info, Run: s.run, Seq: s.seq, Data: slices.Clone(s.data), Time: s.at, Junk: !ok}
}

// Tail is the last message of a run's lane, junk or not.
func (m *Model) Tail(ctx context.Context, run history.Run) (tail *streams.Record, err error) {
	err = m.do(ctx, OpTail, run, func(f Fault) error {
		all := m.lane(run, f)
		if len(all) == 0 {
			return streams.ErrNotFound
		}
		last := record(all[len(all)-1])
		tail = &last
		return nil
	})
	return tail, err
}

// Load reads the records of a run with a number above after, the oldest first.
func (m *Model) Load(ctx context.Context, run history.Run, after uint64) (loaded *streams.Loaded, err error) {
	err = m.do(ctx, OpLoad, run, func(f Fault) error {
		loaded = &streams.Loaded{}
		lane := m.lane(run, f)
		for i, s := range lane {
			loaded.LastSeq = s.seq
			info, ok := s.headers.(streams.RecordInfo)
			switch {
			case !ok:
				loaded.Skipped++
			case info.Number > after:
				if loaded.Records == nil {
					loaded.Records = make([]streams.Record, 0, len(lane)-i)
				}
				loaded.Records = append(loaded.Records, record(s))
			}
		}
		return nil
	})
	return loaded, err
}

// PutBody stores the body of an oversized record and returns the reference to it.
func (m *Model) PutBody(ctx context.Context, run history.Run, commitID string, data []byte) (ref *history.BodyRef, err error) {
	err = m.do(ctx, OpPutBody, run, func(Fault) error {
		m.history.add(m.now(), subject{kind: kindBody, run: run, part: commitID}, data, nil)
		sum := sha256.Sum256(data)
		ref = &history.BodyRef{CommitID: commitID, Pieces: 1, Hash: sum[:]}
		return nil
	})
	return ref, err
}

// GetBody reads the body that a reference names.
func (m *Model) GetBody(ctx context.Context, run history.Run, ref *history.BodyRef) (data []byte, err error) {
	err = m.do(ctx, OpGetBody, run, func(f Fault) error {
		body := m.history.lastOn(subject{kind: kindBody, run: run, part: ref.CommitID})
		if body == nil || f == Stale {
			return streams.ErrNotFound
		}
		if sum := sha256.Sum256(body.data); !bytes.Equal(sum[:], ref.Hash) {
			return streams.ErrNotFound
		}
		data = slices.Clone(body.data)
		return nil
	})
	return data, err
}

// Claim claims an activity for claimer and returns who holds it: claimer, or whoever came first.
func (m *Model) Claim(ctx context.Context, run history.Run, activity int64, claimer string) (holder string, err error) {
	if err := validActivity(activity, 1); err != nil {
		return "", fmt.Errorf("claim activity of run %s: %w", run, err)
	}
	err = m.do(ctx, OpClaim, run, func(Fault) error {
		on := subject{kind: kindClaim, run: run, part: strconv.FormatInt(activity, 10)}
		claim := m.history.lastOn(on)
		if claim == nil {
			claim = m.history.add(m.now(), on, []byte(claimer), nil)
		}
		holder = string(claim.data)
		return nil
	})
	return holder, err
}
