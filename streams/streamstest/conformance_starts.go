package streamstest

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

func startChecks() []check {
	return []check{
		{"start/stored and found", startStored},
		{"start/refused", startRefused},
		{"start/repeated", startRepeated},
		{"start/absent", startAbsent},
		{"start/eight starters", startCompetition},
		{"start/listed", startListed},
		{"start/arguments", startArguments},
		{"start/delivered", startDelivered},
		{"start/unchecked", startUnchecked},
	}
}

func startStored(f *fixture) {
	first := f.newRun()
	first.Build = "v1.2"
	before := time.Now().Add(-time.Minute)
	seq1 := f.start(first, 0)
	second := f.runOf(first.WorkflowID)
	seq2 := f.start(second, seq1)
	if seq2 <= seq1 || seq1 == 0 {
		f.Fatalf("sequences %d and %d do not rise from 1", seq1, seq2)
	}

	last, err := f.LastStart(f.ctx, first.WorkflowID)
	f.noError("last start", err)
	equal(f, "last run", last.Run, second)
	equal(f, "last sequence", last.Seq, seq2)
	equal(f, "last checked", last.Checked, true)
	equal(f, "last expected", last.Expected, seq1)

	for _, find := range []func() (*streams.StoredStart, error){
		func() (*streams.StoredStart, error) { return f.FindStart(f.ctx, first.Run) },
		func() (*streams.StoredStart, error) { return f.StartAt(f.ctx, first.WorkflowID, seq1) },
	} {
		s, err := find()
		f.noError("find first start", err)
		equal(f, "first run", s.Run, first)
		equal(f, "first sequence", s.Seq, seq1)
		equal(f, "first checked", s.Checked, true)
		equal(f, "first expected", s.Expected, 0)
		equal(f, "first type", s.Type, "Order")
		equal(f, "first data", bytes.Equal(s.Data, startData(f, first)), true)
		if s.Time.Before(before) || s.Time.After(time.Now().Add(time.Minute)) {
			f.Errorf("stored at %v, which is not about now", s.Time)
		}
	}
}

func startRefused(f *fixture) {
	first := f.newRun()
	seq := f.start(first, 0)
	for _, expected := range []uint64{0, seq + 1000} {
		_, err := f.PublishStart(f.ctx, f.runOf(first.WorkflowID), []byte("x"), streams.StartInfo{}, expected)
		f.wantError("start that expects another", err, streams.ErrConflict)
	}
	absent := f.newRun()
	_, err := f.PublishStart(f.ctx, absent, []byte("x"), streams.StartInfo{}, seq)
	f.wantError("start that expects what another workflow has", err, streams.ErrConflict)
	_, err = f.LastStart(f.ctx, absent.WorkflowID)
	f.wantError("start that was refused", err, streams.ErrNotFound)
	last, err := f.LastStart(f.ctx, first.WorkflowID)
	f.noError("last start", err)
	equal(f, "last sequence", last.Seq, seq)
}

func startRepeated(f *fixture) {
	run := f.newRun()
	seq := f.start(run, 0)
	equal(f, "sequence of the repetition", f.start(run, 0), seq)
	next := f.runOf(run.WorkflowID)
	seq2 := f.start(next, seq)
	equal(f, "sequence of the late repetition", f.start(run, 0), seq)
	last, err := f.LastStart(f.ctx, run.WorkflowID)
	f.noError("last start", err)
	equal(f, "last sequence", last.Seq, seq2)
}

func startAbsent(f *fixture) {
	known, other := f.newRun(), f.newRun()
	seq := f.start(known, 0)
	_, err := f.LastStart(f.ctx, other.WorkflowID)
	f.wantError("last start of an unknown workflow", err, streams.ErrNotFound)
	_, err = f.FindStart(f.ctx, f.runOf(known.WorkflowID).Run)
	f.wantError("start of an unknown run", err, streams.ErrNotFound)
	_, err = f.StartAt(f.ctx, other.WorkflowID, seq)
	f.wantError("start of another workflow", err, streams.ErrNotFound)
	_, err = f.StartAt(f.ctx, known.WorkflowID, seq+100000)
	f.wantError("start at no message", err, streams.ErrNotFound)
}

func startCompetition(f *fixture) {
	workflowID, expected := f.newRun().WorkflowID, uint64(0)
	for round := range 5 {
		var won, refused, seq atomic.Uint64
		var winner atomic.Value
		race(8, func(int) {
			run := f.runOf(workflowID)
			got, err := f.PublishStart(f.ctx, run, []byte(run.RunID), streams.StartInfo{}, expected)
			switch {
			case err == nil:
				won.Add(1)
				seq.Store(got)
				winner.Store(run)
			case errors.Is(err, streams.ErrConflict):
				refused.Add(1)
			default:
				f.Errorf("start: %v", err)
			}
		})
		if won.Load() != 1 || refused.Load() != 7 {
			f.Fatalf("round %d: %d of 8 starts were stored and %d refused, want 1 and 7", round, won.Load(), refused.Load())
		}
		last, err := f.LastStart(f.ctx, workflowID)
		f.noError("last start", err)
		equal(f, "last run", last.Run, winner.Load().(history.Address))
		equal(f, "last sequence", last.Seq, seq.Load())
		expected = seq.Load()
	}
}

func startListed(f *fixture) {
	a, b := f.newRun(), f.newRun()
	seq := f.start(a, 0)
	f.start(b, 0)
	again := f.runOf(a.WorkflowID)
	f.start(again, seq)

	list := func(filter streams.StartFilter, stop int) (runs []history.Address) {
		for s, err := range f.ListStarts(f.ctx, filter) {
			f.noError("list starts", err)
			if runs = append(runs, s.Run); len(runs) == stop {
				break
			}
		}
		return runs
	}
	wantRuns(f, "starts of the queue", list(streams.StartFilter{Queue: f.queue}, 0), again, b, a)
	wantRuns(f, "starts of the workflow", list(streams.StartFilter{WorkflowID: a.WorkflowID}, 0), again, a)
	wantRuns(f, "newest start of the queue", list(streams.StartFilter{Queue: f.queue}, 1), again)
	wantRuns(f, "starts of no queue", list(streams.StartFilter{Queue: f.queue + "x"}, 0))
}

func wantRuns(f *fixture, what string, got []history.Address, want ...history.Address) {
	f.Helper()
	equal(f, "number of "+what, len(got), len(want))
	for i := range want {
		equal(f, what, got[i], want[i])
	}
}

func startArguments(f *fixture) {
	publish := func(run history.Address, data []byte) error {
		_, err := f.PublishStart(f.ctx, run, data, streams.StartInfo{}, 0)
		return err
	}
	long := f.runOf(strings.Repeat("*", 1001))
	f.wantError("workflow ID of 1001 bytes", publish(long, nil), streams.ErrInvalid)
	f.wantError("empty workflow ID", publish(f.runOf(""), nil), streams.ErrInvalid)
	nowhere := f.newRun()
	nowhere.Queue = ""
	f.wantError("empty queue", publish(nowhere, nil), streams.ErrInvalid)
	nowhere.Queue = strings.Repeat("q", 201)
	f.wantError("queue of 201 bytes", publish(nowhere, nil), streams.ErrInvalid)
	f.wantError("too large a start", publish(f.newRun(), make([]byte, f.Limits().MaxRecord+1)), streams.ErrTooLarge)

	longest := f.runOf(uuid.NewString() + strings.Repeat("*", 1000-36))
	seq := f.start(longest, 0)
	found, err := f.FindStart(f.ctx, longest.Run)
	f.noError("find the longest workflow ID", err)
	equal(f, "sequence", found.Seq, seq)
	equal(f, "run", found.Run, longest)
	f.noError("largest start", publish(f.newRun(), make([]byte, f.Limits().MaxRecord)))
}

func startDelivered(f *fixture) {
	c := f.consume(streams.LaneStarts)
	run := f.newRun()
	seq := f.start(run, 0)
	d := f.pullOne(c)
	equal(f, "lane", d.Lane, streams.LaneStarts)
	equal(f, "run", d.Run, run)
	equal(f, "sequence", d.Seq, seq)
	equal(f, "deliveries", d.Deliveries, 1)
	equal(f, "checked", d.Checked, true)
	equal(f, "expected", d.Expected, 0)
	equal(f, "partition", d.Partition, f.Partition(run.WorkflowID))
	equal(f, "data", bytes.Equal(d.Data, startData(f, run)), true)
	f.noError("ack", d.AckSync(f.ctx))
	f.nothing(c, ackWait+silence)
	_, err := f.FindStart(f.ctx, run.Run)
	f.noError("find the acknowledged start", err)

	next := f.runOf(run.WorkflowID)
	f.start(next, seq)
	d = f.pullOne(c)
	equal(f, "next run", d.Run, next)
	equal(f, "next expected", d.Expected, seq)
}

func startUnchecked(f *fixture) {
	run := f.newRun()
	f.noError("inject start", f.InjectStart(run, startData(f, run)))
	d := f.pullOne(f.consume(streams.LaneStarts))
	equal(f, "delivered run", d.Run, run)
	equal(f, "delivered as checked", d.Checked, false)
	s, err := f.LastStart(f.ctx, run.WorkflowID)
	f.noError("last start", err)
	equal(f, "stored as checked", s.Checked, false)
}
