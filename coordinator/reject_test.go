package coordinator_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// TestWhatCannotBeUsedKeepsNobodyWaiting: many times as much as a lane has room for, and the dead letters cannot be stored
// for a while. Runs go on meanwhile, and each message becomes a letter in the end.
func TestWhatCannotBeUsedKeepsNobodyWaiting(t *testing.T) {
	inBubble(t, func(f *fixture) {
		const junk = 150
		f.config.MaxConcurrent = 10
		f.deploy("one", one)
		for i := range junk {
			if err := f.model.InjectStart(f.newStart(fmt.Sprint("junk", i), "one").Run, []byte("junk")); err != nil {
				t.Fatal(err)
			}
		}
		stored := make(chan struct{})
		f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpPutDeadLetter {
				<-stored
			}
			return streamstest.Proceed
		})
		defer f.serve()()
		run := f.start("w", "one")
		f.settle(time.Second)
		f.complete(run, 2, "ok")
		f.settle(time.Second)
		f.wantResult(run, "ok")
		if letters := f.deadLetters(); len(letters) > 0 {
			t.Fatalf("%d dead letters are stored", len(letters))
		}
		close(stored)
		f.settle(time.Minute)
		if letters := f.deadLetters(); len(letters) != junk {
			t.Errorf("%d dead letters of %d messages", len(letters), junk)
		}
	})
}

// closed is a run that closed a minute ago.
func (f *fixture) closed() history.Address {
	f.Helper()
	f.deploy("one", one)
	run := f.start("w", "one")
	f.settle(time.Second)
	f.complete(run, 2, "ok")
	f.settle(time.Minute)
	f.wantResult(run, "ok")
	return run
}

// TestWhatReachesAClosedRunIsNotSorted: it is passed on to nobody, so that what waits beside it is not read for each.
func TestWhatReachesAClosedRunIsNotSorted(t *testing.T) {
	inBubble(t, func(f *fixture) {
		defer f.serve()()
		run := f.closed()
		var reads atomic.Int64
		f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpReadInbox {
				reads.Add(1)
			}
			return streamstest.Proceed
		})
		for i := range 3 {
			f.signal(run, "late", fmt.Sprint("s", i))
			f.settle(time.Second)
		}
		if letters := f.deadLetters(); len(letters) != 3 {
			t.Errorf("%d dead letters, want one for each signal", len(letters))
		}
		if n := reads.Load(); n > 0 {
			t.Errorf("the inbox of a closed run was read %d times", n)
		}
	})
}

// TestWhatBecomesADeadLetterIsNotHandedBack, whatever goes wrong with its run before the letter is stored: it would come
// again, and again.
func TestWhatBecomesADeadLetterIsNotHandedBack(t *testing.T) {
	inBubble(t, func(f *fixture) {
		defer f.serve()()
		run := f.closed()
		stored, lost, failed := make(chan struct{}), false, false
		calls := f.record(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			switch {
			case op == streamstest.OpDeliver && !lost:
				lost = true // so that the delivery is not the first: what is noted of the run is cleared after it
				return streamstest.Lost
			case op == streamstest.OpDeleteBeats:
				failed = true
				return streamstest.Lost
			case op == streamstest.OpPutDeadLetter:
				<-stored
			}
			return streamstest.Proceed
		}, streamstest.OpPutDeadLetter, streamstest.OpAck, streamstest.OpNak)
		f.signal(run, "late", "s")
		f.settle(time.Minute)
		if !failed {
			t.Fatal("nothing went wrong: nothing is shown")
		}
		close(stored)
		f.settle(time.Minute)
		calls.want(f, streamstest.OpPutDeadLetter, streamstest.OpAck)
		if letters := f.deadLetters(); len(letters) != 1 {
			t.Errorf("%d dead letters", len(letters))
		}
	})
}
