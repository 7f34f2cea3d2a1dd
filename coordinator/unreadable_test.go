package coordinator_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// TestAStartThatNobodyCanReadBecomesADeadLetter: somebody publishes junk where starts are. It is put away at once, and
// its workflow ID stays free.
func TestAStartThatNobodyCanReadBecomesADeadLetter(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.serve()
		junk := f.newStart("w", "one")
		if err := f.model.InjectStart(junk.Run, []byte("junk")); err != nil {
			t.Fatal(err)
		}
		f.settle(time.Second)
		letters := f.deadLetters()
		if len(letters) != 1 || letters[0].Run != junk.Run.Run {
			t.Fatalf("dead letters %+v, want one of run %s", letters, junk.Run.Run)
		}
		run := f.start("w", "one")
		f.settle(time.Second)
		f.complete(run, 2, "ok")
		f.settle(time.Second)
		f.wantResult(run, "ok")
	})
}

// TestWhatANewerVersionWroteIsAskedForLessAndLess: it may wait for its process for as long as that takes, and must not
// keep others busy meanwhile.
func TestWhatANewerVersionWroteIsAskedForLessAndLess(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		newer := f.newStart("w", "one")
		if err := f.model.InjectStart(newer.Run, []byte{0x81, 0xa1, 'v', 99}); err != nil {
			t.Fatal(err)
		}
		var naks atomic.Int64
		f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpNak {
				naks.Add(1)
			}
			return streamstest.Proceed
		})
		f.serve()
		f.settle(10 * time.Minute)
		if n := naks.Load(); n == 0 || n > 75 {
			t.Errorf("handed back %d times in ten minutes", n)
		}
		if letters := f.deadLetters(); len(letters) > 0 {
			t.Errorf("dead letters %+v", letters)
		}
	})
}
