package coordinator_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// reads counts how often a start or records are read.
func (f *fixture) reads() *atomic.Int64 {
	var n atomic.Int64
	f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
		if op == streamstest.OpFindStart || op == streamstest.OpLoad {
			n.Add(1)
		}
		return streamstest.Proceed
	})
	return &n
}

// evict starts a run of three signals, consumes one, and lets another run take its place in the cache.
func (f *fixture) evict() history.Address {
	f.Helper()
	f.deploy("collect", collect(3))
	f.config.CacheSize = 1
	f.serve()
	run := f.start("w1", "collect")
	f.signal(run, "s", "s1")
	f.settle(time.Second)
	f.start("w2", "collect")
	f.settle(time.Second)
	return run
}

func TestARunThatLeftTheCacheIsRevivedWithoutReading(t *testing.T) {
	inBubble(t, func(f *fixture) {
		run := f.evict()
		reads := f.reads()
		f.signal(run, "s", "s2")
		f.settle(time.Second)
		f.signal(run, "s", "s3")
		f.settle(time.Second)
		if n := reads.Load(); n != 0 {
			t.Errorf("%d reads of what was known", n)
		}
		f.wantResult(run, "s1 s2 s3 ")
	})
}

// TestARevivedRunThatIsBehindCatchesUp: another process has gone on with the run in the meantime.
func TestARevivedRunThatIsBehindCatchesUp(t *testing.T) {
	inBubble(t, func(f *fixture) {
		run := f.evict()
		f.appendElsewhere(run, signal("s", "s2"))
		f.signal(run, "s", "s3")
		f.settle(10 * time.Second)
		f.wantResult(run, "s1 s2 s3 ")
	})
}

func TestTheArchiveIsBounded(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.config.ArchiveSize = 1500 // one such run, not two
		run := f.evict()
		f.start("w3", "collect")
		f.settle(time.Second)
		reads := f.reads()
		f.signal(run, "s", "s2")
		f.settle(time.Second)
		if reads.Load() == 0 {
			t.Error("the first run is still in the archive")
		}
		f.signal(run, "s", "s3")
		f.settle(time.Second)
		f.wantResult(run, "s1 s2 s3 ")
	})
}

// TestARunIsNotRevivedAcrossALoss: the broker has lost a record that the archive holds, and given its sequence to another.
func TestARunIsNotRevivedAcrossALoss(t *testing.T) {
	inBubble(t, func(f *fixture) {
		run := f.evict()
		f.signal(run, "s", "s2")
		f.settle(time.Second)
		other, err := f.model.LastStart(f.ctx, "w2")
		if err != nil {
			t.Fatal(err)
		}
		f.ask(other.Run, "q") // loads it, in the place of the first
		f.model.LoseTail()
		f.appendElsewhere(run, signal("s", "s3"))
		f.signal(run, "s", "s4")
		f.settle(10 * time.Second)
		f.wantResult(run, "s1 s3 s4 ")
	})
}
