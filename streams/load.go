package streams

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// Tail is the last message of a run's lane as the stream's leader has it, or ErrNotFound for an empty lane. It may be
// junk.
func (n *Namespace) Tail(ctx context.Context, run history.Run) (*Record, error) {
	if err := checkRun(run); err != nil {
		return nil, fmt.Errorf("tail of run %s: %w", run, err)
	}
	p := n.at(run.WorkflowID)
	m, err := n.last(ctx, p.history, p.record(run))
	if err != nil {
		return nil, fmt.Errorf("tail of run %s: %w", run, err)
	}
	r := tailOf(run, m.header, m.data)
	if r == nil {
		r = &Record{Run: run, Junk: true, Data: m.data}
	}
	r.Seq, r.Time = m.seq, m.time
	return r, nil
}

// tailOf is recordOf for one that is not going to be replayed: what happened in it is not looked at, which for a large
// record is most of the work.
func tailOf(run history.Run, h nats.Header, data []byte) *Record {
	info, ok := parseRecordHeader(h)
	if !ok {
		return nil
	}
	head, err := history.DecodeTransitionHead(data)
	if !errors.Is(err, history.ErrNewerFormat) &&
		(err != nil || head.RunID != run.RunID || head.Number != info.Number || head.CommitID != info.CommitID) {
		return nil
	}
	return &Record{RecordInfo: info, Run: run, Data: data}
}

// Load reads the records of a run whose number is higher than after. It costs one read per record of the run, however
// many other messages lie between them. An empty lane is no error.
func (n *Namespace) Load(ctx context.Context, run history.Run, after uint64) (*Loaded, error) {
	if err := checkRun(run); err != nil {
		return nil, fmt.Errorf("load run %s: %w", run, err)
	}
	loaded, err := n.load(ctx, run, after)
	if err != nil {
		return nil, fmt.Errorf("load run %s: %w", run, err)
	}
	return loaded, nil
}

// load follows the chain of previous sequences back from the tail. Where the chain is broken, by junk at the tail or
// because the stream was restored with other sequences, it reads the lane from its beginning instead. A lane of which a
// record is missing is a DamagedError: to go on behind the gap would be another history than the one that was acknowledged.
func (n *Namespace) load(ctx context.Context, run history.Run, after uint64) (*Loaded, error) {
	p := n.at(run.WorkflowID)
	tail, err := n.last(ctx, p.history, p.record(run))
	if isNoMessage(err) {
		if err := n.checkAbsent(ctx, p.history, p.record(run)); err != nil {
			return nil, err
		}
		return &Loaded{}, nil
	}
	if err != nil {
		return nil, err
	}
	records, err := n.chain(ctx, p, run, tail, after)
	if err == nil {
		return &Loaded{Records: records, LastSeq: tail.seq}, nil
	}
	if !errors.Is(err, errBrokenChain) {
		return nil, err
	}
	return n.scanLane(ctx, p, run, tail.seq, after)
}

var errBrokenChain = errors.New("the chain of records is broken")

func (n *Namespace) chain(ctx context.Context, p *partition, run history.Run, m *stored, after uint64) ([]Record, error) {
	var records []Record
	for want := uint64(0); ; {
		r := recordOf(run, m.header, m.data)
		if r == nil || want > 0 && r.Number != want || m.subject != p.record(run) {
			return nil, errBrokenChain
		}
		if r.Number <= after {
			return nil, nil
		}
		r.Seq, r.Time = m.seq, m.time
		if n := len(records); n > 0 && !follows(&records[n-1], r) {
			return nil, &DamagedError{Record: r.Number, Last: records[0].Number, Reason: "it is not the one that the next record follows"}
		}
		records = append(records, *r)
		if want = r.Number - 1; want <= after {
			slices.Reverse(records)
			return records, nil
		}
		if r.Previous == 0 || r.Previous >= r.Seq {
			return nil, errBrokenChain
		}
		var err error
		m, err = n.get(ctx, p.history, getRequest{Seq: r.Previous})
		if isNoMessage(err) {
			return nil, errBrokenChain
		}
		if err != nil {
			return nil, err
		}
	}
}

// follows says whether a record names the other one as the one before it, as far as it names any.
func follows(r, before *Record) bool {
	t, err := r.Transition()
	return err != nil || len(t.PreviousHash) == 0 || bytes.Equal(t.PreviousHash, history.HashRecord(before.Data))
}

// recordOf reads a message of a run's lane, nil when it is not a record of the run: headers and body must both be ours
// and agree. A record of a newer format is one, though its body cannot be read here. Seq and Time are left to the
// caller.
func recordOf(run history.Run, h nats.Header, data []byte) *Record {
	info, ok := parseRecordHeader(h)
	if !ok {
		return nil
	}
	r := &Record{RecordInfo: info, Run: run, Data: data}
	t, err := r.Transition()
	switch {
	case errors.Is(err, history.ErrNewerFormat):
		return r
	case err != nil, t.RunID != run.RunID, t.Number != info.Number, t.CommitID != info.CommitID:
		return nil
	}
	return r
}
