package streams

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// Whoever looks for a run, or reads one, behind a thousand messages that are none goes past them once.
func TestDecoysAreReadOnce(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("order")
	data, err := history.Encode(&history.Start{Run: run, Type: "Order", Time: time.Now()})
	f.ok(err)
	_, err = f.ns.PublishStart(f.ctx, run, data, StartInfo{Type: "Order"}, 0)
	f.ok(err)
	const decoys = 1000
	p := f.ns.at(run.WorkflowID)
	put := func(from int) {
		t.Helper()
		for i := range decoys {
			other := history.Run{WorkflowID: run.WorkflowID, RunID: fmt.Sprint("decoy-", from+i)}
			for _, subject := range []string{p.start(history.Address{Run: other, Queue: run.Queue}), p.record(run.Run)} {
				f.ok(f.ns.nc.PublishMsg(&nats.Msg{Subject: subject, Data: []byte("junk")}))
			}
		}
		// Stored after all of them.
		_, err := f.ns.putRetried(f.ctx, &nats.Msg{Subject: p.record(run.Run), Data: []byte("junk")})
		f.ok(err)
	}
	// read finds the run and its records, and returns how many messages that took.
	read := func(records int) uint64 {
		t.Helper()
		before := f.ns.nc.Stats().InMsgs
		found, newest, err := LastRun(f.ctx, f.ns, run.WorkflowID, 0)
		if err != nil || found.Run != run || newest <= found.Seq {
			t.Fatalf("found %+v, newest %d, %v", found, newest, err)
		}
		loaded, err := f.ns.Load(f.ctx, run.Run, 0)
		if err != nil || len(loaded.Records) != records {
			t.Fatalf("%+v, %v", loaded, err)
		}
		for i, r := range loaded.Records {
			if r.Number != uint64(i+1) || r.Junk {
				t.Errorf("record %d is %+v", i, r)
			}
		}
		tail, err := f.ns.Load(f.ctx, run.Run, uint64(records-1))
		if err != nil || len(tail.Records) != 1 || tail.Records[0].CommitID != loaded.Records[records-1].CommitID || tail.LastSeq != loaded.LastSeq {
			t.Errorf("the last record is %+v, %v", tail, err)
		}
		return f.ns.nc.Stats().InMsgs - before
	}
	last := f.append(run.Run, 1, 0)
	put(0)
	if n := read(1); n < 2*decoys {
		t.Errorf("%d decoys were found with %d messages", 2*decoys, n)
	}
	if n := read(1); n > 50 {
		t.Errorf("%d messages were read to pass what had been passed before", n)
	}
	loaded, err := f.ns.Load(f.ctx, run.Run, 0)
	f.ok(err)
	second, info := f.transition(run.Run, 2, last)
	_, err = f.ns.Append(f.ctx, run.Run, second, info, loaded.LastSeq)
	f.ok(err)
	put(decoys)
	read(2)
	if n := read(2); n > 50 {
		t.Errorf("%d messages were read to pass what had been passed before", n)
	}
	f.ok(f.ns.purge(f.ctx, p.history, p.start(run)))
	if found, _, err := LastRun(f.ctx, f.ns, run.WorkflowID, 0); err == nil {
		t.Errorf("found %+v, which is deleted", found)
	}
}
