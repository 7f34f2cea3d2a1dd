package streams

import (
	"errors"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// Eight starters race for one workflow ID. The stored starts form a chain: each names the one before it.
func TestCompetingStarters(t *testing.T) {
	t.Parallel()
	const starters, rounds = 8, 30
	f := setup(t, 3)
	var mu sync.Mutex
	accepted := map[uint64]history.Address{}
	var group sync.WaitGroup
	for range starters {
		ns := f.open(f.nc, "test")
		group.Go(func() {
			for range rounds {
				var expected uint64
				if last, err := ns.LastStart(f.ctx, "order 1"); err == nil {
					expected = last.Seq
				} else if !errors.Is(err, ErrNotFound) {
					t.Error(err)
					return
				}
				run := newRun("order 1")
				seq, err := f.start(run, expected)
				if err == nil {
					mu.Lock()
					accepted[seq] = run
					mu.Unlock()
				} else if !errors.Is(err, ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	var newer *StoredStart
	count := 0
	for s, err := range f.ns.ListStarts(f.ctx, StartFilter{WorkflowID: "order 1"}) {
		f.ok(err)
		count++
		if newer != nil && newer.Expected != s.Seq {
			t.Errorf("start %d expected %d before it, which is %d", newer.Seq, newer.Expected, s.Seq)
		}
		if !s.Checked || accepted[s.Seq] != s.Run {
			t.Errorf("start %d of run %s: checked %v, but %s was told that it won", s.Seq, s.Run.Run, s.Checked, accepted[s.Seq].Run)
		}
		newer = s
	}
	if count != len(accepted) || count < rounds {
		t.Errorf("%d starts are stored, %d were accepted", count, len(accepted))
	}
}

// The acknowledgement of a stored start is lost; before the second attempt the run may even be followed by another.
func TestStartWithLostAcknowledgement(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	stream := f.ns.partitions[0].history
	for _, another := range []bool{false, true} {
		id := map[bool]string{false: "alone", true: "followed"}[another]
		run := newRun(id)
		data, err := history.Encode(&history.Start{Run: run, Type: "Order"})
		f.ok(err)
		var seq uint64
		err = losingAnswer(f, stream, func(ns *Namespace) (err error) {
			seq, err = ns.PublishStart(f.ctx, run, data, StartInfo{Type: "Order"}, 0)
			return err
		}, func() {
			if another {
				last, err := f.ns.LastStart(f.ctx, id)
				f.ok(err)
				_, err = f.start(newRun(id), last.Seq)
				f.ok(err)
			}
		})
		f.ok(err)
		ours, err := f.ns.FindStart(f.ctx, run.Run)
		f.ok(err)
		if ours.Seq != seq {
			t.Errorf("%s: the call returned %d, the start is at %d", id, seq, ours.Seq)
		}
	}
}

func TestStartsAreFound(t *testing.T) {
	t.Parallel()
	f := setup(t, 2)
	first, second := newRun("w 1"), newRun("w 1")
	second.Queue, second.Build = "a.b", "v1"
	seq1, err := f.start(first, 0)
	f.ok(err)
	_, err = f.start(second, 0)
	f.is(err, ErrConflict)
	seq2, err := f.start(second, seq1)
	f.ok(err)
	again, err := f.start(first, 0) // stored long ago: still ours
	f.ok(err)
	if again != seq1 {
		t.Errorf("the first start again: sequence %d, want %d", again, seq1)
	}
	last, err := f.ns.LastStart(f.ctx, "w 1")
	f.ok(err)
	if last.Run != second || last.Seq != seq2 || last.Expected != seq1 || !last.Checked || last.Type != "Order" {
		t.Errorf("last start: %+v", last)
	}
	at, err := f.ns.StartAt(f.ctx, "w 1", seq1)
	f.ok(err)
	if at.Run != first {
		t.Errorf("start at %d: %+v", seq1, at)
	}
	_, err = f.ns.StartAt(f.ctx, "w 2", seq1)
	f.is(err, ErrNotFound)
	_, err = f.ns.FindStart(f.ctx, newRun("w 1").Run)
	f.is(err, ErrNotFound)
	_, err = f.ns.LastStart(f.ctx, "w")
	f.is(err, ErrNotFound)
}

// A start that somebody published without the check that all starters share says so.
func TestUncheckedStartIsMarked(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w")
	p := f.ns.at("w")
	for name, h := range map[string]nats.Header{
		"no header":     {},
		"other subject": {headerExpected: {"0"}, headerExpectedSubject: {p.startOf(run.Run)}},
		"own subject":   {headerExpected: {"0"}},
	} {
		run := newRun("w")
		_, err := f.ns.putRetried(f.ctx, &nats.Msg{Subject: p.start(run), Header: h, Data: []byte("x")})
		f.ok(err)
		s, err := f.ns.FindStart(f.ctx, run.Run)
		f.ok(err)
		if s.Checked {
			t.Errorf("%s: passes as checked", name)
		}
	}
}
