package streams

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

func numbers(loaded *Loaded) []uint64 {
	var all []uint64
	for _, r := range loaded.Records {
		all = append(all, r.Number)
	}
	return all
}

// wantRecords demands records first to last, in order.
func (f *fixture) wantRecords(name string, loaded *Loaded, first, last uint64) {
	f.Helper()
	got := numbers(loaded)
	ok := uint64(len(got)) == last-first+1
	for i := 0; ok && i < len(got); i++ {
		ok = got[i] == first+uint64(i)
	}
	if !ok {
		f.Errorf("%s: records %v, want %d to %d", name, got, first, last)
	}
}

// Junk anywhere in a lane is skipped, and counted where it is met; the expectation is the last message, junk or not.
func TestJunkInLane(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	for _, c := range []struct {
		name    string
		before  int // records before the junk
		after   int // records after it
		skipped int
		spoil   func(run history.Run, m *nats.Msg)
	}{
		{"reply subject at the end", 3, 0, 1, func(_ history.Run, m *nats.Msg) { m.Data, m.Header = []byte("+OK"), nil }},
		{"reply subject alone", 0, 0, 1, func(_ history.Run, m *nats.Msg) { m.Data, m.Header = []byte("+OK"), nil }},
		{"in the middle", 2, 2, 0, func(_ history.Run, m *nats.Msg) { m.Data, m.Header = []byte("+OK"), nil }},
		{"looks like the broker's word that there is nothing", 3, 0, 1, func(_ history.Run, m *nats.Msg) {
			m.Data, m.Header = nil, nats.Header{headerNATSStatus: {statusNotFound}}
		}},
		{"undecodable body", 3, 0, 1, func(_ history.Run, m *nats.Msg) { m.Data = []byte{0xc1} }},
		{"another run's record", 3, 0, 1, func(_ history.Run, m *nats.Msg) {
			data, info := f.transition(newRun("x").Run, 4, 3)
			m.Data, m.Header = data, recordHeader(info)
		}},
		{"another number in the header", 3, 0, 1, func(_ history.Run, m *nats.Msg) { m.Header[headerNumber] = []string{"9"} }},
		{"a number that was taken", 3, 0, 1, func(run history.Run, m *nats.Msg) {
			data, info := f.transition(run, 2, 1)
			m.Data, m.Header = data, recordHeader(info)
		}},
	} {
		run := newRun(c.name).Run
		last := f.appendAll(run, c.before)
		data, info := f.transition(run, uint64(c.before)+1, last)
		m := &nats.Msg{Subject: f.ns.at(run.WorkflowID).record(run), Data: data, Header: recordHeader(info)}
		c.spoil(run, m)
		junk, err := f.ns.putRetried(f.ctx, m)
		f.ok(err)
		if c.name != "a number that was taken" {
			tail, err := f.ns.Tail(f.ctx, run)
			f.ok(err)
			if !tail.Junk || tail.Seq != junk {
				t.Errorf("%s: tail %+v", c.name, tail)
			}
		}
		expected := junk
		for k := range c.after {
			// The chain names the record before, not the junk between.
			data, info := f.transition(run, uint64(c.before+k)+1, last)
			seq, err := f.ns.Append(f.ctx, run, data, info, expected)
			f.ok(err)
			expected, last = seq, seq
		}
		loaded, err := f.ns.Load(f.ctx, run, 0)
		f.ok(err)
		f.wantRecords(c.name, loaded, 1, uint64(c.before+c.after))
		if loaded.Skipped != c.skipped || loaded.LastSeq != expected {
			t.Errorf("%s: skipped %d, last %d, want %d, %d", c.name, loaded.Skipped, loaded.LastSeq, c.skipped, expected)
		}
		f.append(run, uint64(c.before+c.after)+1, expected)
	}
}

// Sequences do not survive a restore: where the chain leads nowhere, the lane is read from its beginning.
func TestBrokenChain(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	for name, previous := range map[string]uint64{"nothing": 0, "itself and beyond": 1 << 40, "another subject": 1} {
		_, err := f.start(newRun("other "+name), 0) // another subject at sequence 1, and holes
		f.ok(err)
		run := newRun("w " + name).Run
		var expected uint64
		for k := uint64(1); k <= 4; k++ {
			data, info := f.transition(run, k, previous)
			expected, err = f.ns.Append(f.ctx, run, data, info, expected)
			f.ok(err)
		}
		for after := range uint64(5) {
			loaded, err := f.ns.Load(f.ctx, run, after)
			f.ok(err)
			f.wantRecords(fmt.Sprintf("previous is %s, after %d", name, after), loaded, after+1, 4)
			if loaded.LastSeq != expected {
				t.Errorf("last %d, want %d", loaded.LastSeq, expected)
			}
		}
	}
}

func TestLoadOfNothing(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	loaded, err := f.ns.Load(f.ctx, newRun("w").Run, 0)
	f.ok(err)
	if len(loaded.Records) != 0 || loaded.LastSeq != 0 || loaded.Skipped != 0 {
		t.Errorf("an empty lane: %+v", loaded)
	}
	_, err = f.ns.Tail(f.ctx, newRun("w").Run)
	f.is(err, ErrNotFound)
	_, err = f.ns.Load(f.ctx, history.Run{WorkflowID: "w"}, 0)
	f.is(err, ErrInvalid)
}

// A run that slept while others wrote loads in a time that depends on its own length only.
func BenchmarkLoadSleptRun(b *testing.B) {
	const records = 10
	for _, foreign := range []int{0, 20_000, 200_000} {
		b.Run(fmt.Sprintf("%d-foreign-messages", foreign), func(b *testing.B) {
			f := setup(b, 1)
			run := newRun("slept").Run
			var last uint64
			for k := range records {
				last = f.append(run, uint64(k)+1, last)
				f.writeForeign(foreign / (records - 1))
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				loaded, err := f.ns.Load(f.ctx, run, 0)
				f.ok(err)
				if len(loaded.Records) != records {
					b.Fatalf("%d records", len(loaded.Records))
				}
			}
		})
	}
}

// writeForeign appends n records to other runs, ten to each.
func (f *fixture) writeForeign(n int) {
	f.Helper()
	var group sync.WaitGroup
	work := make(chan int)
	for range 64 {
		group.Go(func() {
			for size := range work {
				f.appendAll(newRun("foreign").Run, size)
			}
		})
	}
	for ; n > 0; n -= 10 {
		work <- min(10, n)
	}
	close(work)
	group.Wait()
}

// TestAGapInALaneIsDamage: the broker has lost the record before the last. To leave out what follows it would make another
// history of the run.
func TestAGapInALaneIsDamage(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	for name, lost := range map[string]uint64{"first": 1, "middle": 2, "last but one": 3} {
		run := newRun(name).Run
		var last uint64
		for k := uint64(1); k <= 4; k++ {
			if k == lost {
				last += 1 << 40 // where record k is not
				continue
			}
			data, info := f.transition(run, k, last)
			var expected uint64
			if k > 1 && lost != 1 || k > 2 {
				tail, err := f.ns.Tail(f.ctx, run)
				f.ok(err)
				expected = tail.Seq
			}
			var err error
			last, err = f.ns.Append(f.ctx, run, data, info, expected)
			f.ok(err)
		}
		_, err := f.ns.Load(f.ctx, run, 0)
		var damaged *DamagedError
		if !errors.As(err, &damaged) || damaged.Record != lost || damaged.Last != 4 {
			t.Errorf("%s: %v, want record %d of 4 to be missing", name, err, lost)
		}
	}
}

// TestARecordThatAnotherOneDoesNotFollowIsDamage: its number is right, its bytes are not those that were acknowledged.
func TestARecordThatAnotherOneDoesNotFollowIsDamage(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	for _, chained := range []bool{true, false} { // found by the chain of sequences, or by reading the lane
		run := newRun(fmt.Sprint(chained)).Run
		first, info := f.transition(run, 1, 0)
		seq, err := f.ns.Append(f.ctx, run, first, info, 0)
		f.ok(err)
		other := history.Transition{RunID: run.RunID, Number: 2, CommitID: "c2", Time: time.Now(), Previous: seq,
			PreviousHash: history.HashRecord([]byte("something else"))}
		if !chained {
			other.Previous = 1 << 40
		}
		data, err := history.Encode(&other)
		f.ok(err)
		_, err = f.ns.Append(f.ctx, run, data, RecordInfo{Number: 2, CommitID: "c2", Previous: other.Previous}, seq)
		f.ok(err)
		_, err = f.ns.Load(f.ctx, run, 0)
		var damaged *DamagedError
		if !errors.As(err, &damaged) || damaged.Record != 1 || damaged.Last != 2 {
			t.Errorf("%v, want record 1 of 2 to be damaged", err)
		}
	}
}
