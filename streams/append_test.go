package streams

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// Eight writers append to one run, each on what it last saw. Every record number is won by exactly one of them, and
// whoever was told that it won finds its commit ID in the history.
func TestCompetingAppenders(t *testing.T) {
	t.Parallel()
	const writers, records = 8, 60
	f := setup(t, 1)
	run := newRun("w").Run
	var mu sync.Mutex
	won := map[uint64][]string{}
	var group sync.WaitGroup
	for range writers {
		ns := f.open(f.nc, "test")
		group.Go(func() {
			for {
				loaded, err := ns.Load(f.ctx, run, 0)
				if err != nil || len(loaded.Records) >= records {
					if err != nil {
						t.Error(err)
					}
					return
				}
				k := uint64(len(loaded.Records)) + 1
				data, info := f.transition(run, k, loaded.LastSeq)
				_, err = ns.Append(f.ctx, run, data, info, loaded.LastSeq)
				if err == nil {
					mu.Lock()
					won[k] = append(won[k], info.CommitID)
					mu.Unlock()
				} else if !errors.Is(err, ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	loaded, err := f.ns.Load(f.ctx, run, 0)
	f.ok(err)
	if len(loaded.Records) < records || loaded.Skipped != 0 {
		t.Fatalf("%d records, %d skipped", len(loaded.Records), loaded.Skipped)
	}
	for i, r := range loaded.Records {
		if k := uint64(i) + 1; r.Number != k || len(won[k]) != 1 || won[k][0] != r.CommitID {
			t.Errorf("record %d has commit %s; winners were told %v", r.Number, r.CommitID, won[k])
		}
	}
}

// The acknowledgement of a stored record is lost: the second attempt is refused, and our own record is found.
func TestAppendWithLostAcknowledgement(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	stream := f.ns.partitions[0].history
	for _, c := range []struct {
		name      string
		meanwhile func(run history.Run, last uint64)
	}{
		{"nothing else happens", func(history.Run, uint64) {}},
		{"somebody appends the next record", func(run history.Run, last uint64) { f.append(run, 3, last) }},
		{"junk arrives in the lane", func(run history.Run, last uint64) { f.junk(run) }},
		{"both", func(run history.Run, last uint64) { f.junk(run); f.append(run, 3, last+1) }},
	} {
		run := newRun(c.name).Run
		last := f.append(run, 1, 0)
		data, info := f.transition(run, 2, last)
		var seq uint64
		err := losingAnswer(f, stream, func(ns *Namespace) (err error) {
			seq, err = ns.Append(f.ctx, run, data, info, last)
			return err
		}, func() { c.meanwhile(run, last+1) })
		if err != nil || seq != last+1 {
			t.Errorf("%s: sequence %d, %v, want %d", c.name, seq, err, last+1)
		}
		loaded, err := f.ns.Load(f.ctx, run, 1)
		f.ok(err)
		if loaded.Records[0].CommitID != info.CommitID {
			t.Errorf("%s: record 2 is not ours", c.name)
		}
	}
}

// junk publishes something to a run's lane that is no record.
func (f *fixture) junk(run history.Run) uint64 {
	f.Helper()
	m := &nats.Msg{Subject: f.ns.at(run.WorkflowID).record(run), Data: []byte("+OK")}
	seq, err := f.ns.putRetried(f.ctx, m)
	f.ok(err)
	return seq
}

func TestAppendIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w").Run
	first := f.append(run, 1, 0)
	for name, expected := range map[string]uint64{"an empty lane": 0, "a sequence to come": first + 5} {
		data, info := f.transition(run, 2, first)
		_, err := f.ns.Append(f.ctx, run, data, info, expected)
		var conflict *ConflictError
		if !errors.As(err, &conflict) || !errors.Is(err, ErrConflict) || conflict.Expected != expected || conflict.Last != first {
			t.Errorf("expecting %s: %v", name, err)
		}
	}
	data, info := f.transition(run, 2, first)
	junk := f.junk(run)
	_, err := f.ns.Append(f.ctx, run, data, info, first)
	f.is(err, ErrConflict)
	_, err = f.ns.Append(f.ctx, run, data, info, junk)
	f.ok(err)

	_, err = f.ns.Append(f.ctx, run, make([]byte, f.ns.Limits().MaxRecord+1), info, first)
	f.is(err, ErrTooLarge)
}

// A leader that was deposed answers with what it knew. What it does not know is no proof.
func TestStaleReadIsNotBelieved(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w").Run
	last := f.appendAll(run, 3)
	data, info := f.transition(run, 3, last-1)
	m := &nats.Msg{Subject: f.ns.at(run.WorkflowID).record(run), Header: recordHeader(info), Data: data}
	expect(m.Header, "", last-1)
	reads := []uint64{last - 2, last - 1, last} // as a deposed leader, twice, and then the real one answers
	looked := 0
	_, err := f.ns.putRetried(f.ctx, m)
	if !isRefused(err) {
		t.Fatalf("the publish ended with %v", err)
	}
	_, err = f.ns.settle(f.ctx, "record", m, last-1, err, func(_ context.Context) (uint64, uint64, error) {
		looked++
		return 0, reads[looked-1], nil
	})
	f.is(err, ErrConflict)
	if looked != len(reads) {
		t.Errorf("read %d times, want %d", looked, len(reads))
	}
}

// Publishing is pipelined: many calls are under way at one time on one connection.
func BenchmarkAppendConcurrently(b *testing.B) {
	f := setup(b, 1)
	b.ReportAllocs()
	b.SetParallelism(32)
	var mu sync.Mutex
	workers := 0
	b.RunParallel(func(pb *testing.PB) {
		mu.Lock()
		workers++
		run := newRun(fmt.Sprintf("w%d", workers)).Run
		mu.Unlock()
		var last uint64
		for k := uint64(1); pb.Next(); k++ {
			last = f.append(run, k, last)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	f := setup(b, 1)
	run := newRun("w").Run
	b.ReportAllocs()
	b.ResetTimer()
	var last uint64
	for k := range b.N {
		last = f.append(run, uint64(k)+1, last)
	}
}
