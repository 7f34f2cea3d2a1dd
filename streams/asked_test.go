package streams

import (
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

func TestOneMarkStandsForManyRequests(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	p := &f.ns.partitions[0]
	seq := func() uint64 {
		t.Helper()
		m, err := f.ns.last(f.ctx, p.heartbeats, p.markKey())
		f.ok(err)
		return m.seq
	}
	run := history.Run{WorkflowID: "order-7", RunID: "r1"}
	var group sync.WaitGroup
	for activity := range int64(20) {
		group.Go(func() {
			if err := f.ns.RequestCancel(f.ctx, run, 3+activity); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	first := seq()
	if first != 1 {
		t.Errorf("the mark is message %d, want 1: before all that is asked", first)
	}
	for _, forget := range []func(){
		func() { p.marks.began = p.marks.began.Add(-markCovers) },
		func() { p.marks.epoch-- }, // a server that lost the mark may have come between
	} {
		f.ok(f.ns.PutControl(f.ctx, run, 3, 7))
		if seq() != first {
			t.Error("marked again")
		}
		forget()
		f.ok(f.ns.PutControl(f.ctx, run, 3, 8))
		last := seq()
		if last == first {
			t.Error("not marked again")
		}
		first = last
	}
}

func TestTheMarkIsReadOnceForAllWhoAsk(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	k := f.ns.partitions[0].marks
	published := time.Now()
	if !f.ns.NothingAsked(f.ctx, "order-7", published, time.Hour) {
		t.Error("something was asked")
	}
	f.ok(f.ns.RequestCancel(f.ctx, history.Run{WorkflowID: "order-7", RunID: "r1"}, 3))
	if !f.ns.NothingAsked(f.ctx, "order-8", published, time.Hour) {
		t.Error("read again in time")
	}
	k.looked = k.looked.Add(-time.Hour)
	if f.ns.NothingAsked(f.ctx, "order-8", published, time.Hour) {
		t.Error("not read again")
	}
}
