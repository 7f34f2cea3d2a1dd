package coordinator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// flood sends a run the signals from one number to before another, one every 2 ms.
func (f *fixture) flood(run history.Address, from, to int) {
	f.Helper()
	for i := from; i < to; i++ {
		f.signal(run, "s", fmt.Sprint(i))
		f.settle(2 * time.Millisecond)
	}
}

// collector starts a run that collects so many signals and is served by so many processes.
func (f *fixture) collector(signals, processes int) history.Address {
	f.Helper()
	f.deploy("collect", collect(signals))
	for range processes {
		f.serve()
	}
	run := f.start("w", "collect")
	f.settle(time.Second)
	return run
}

// wantUnpaced fails the test unless each of 20 more signals, from the 500th on, has a transition of its own.
func (f *fixture) wantUnpaced(run history.Address) {
	f.Helper()
	calls := f.record(nil, streamstest.OpAppend)
	f.flood(run, 500, 520)
	if n := calls.count(streamstest.OpAppend); n < 20 {
		f.Errorf("%d transitions for 20 signals after a rest, want one for each", n)
	}
}

// TestAFloodedRunIsPaced: beyond a burst its transitions are spaced, and none of the signals is lost or waits for long.
func TestAFloodedRunIsPaced(t *testing.T) {
	inBubble(t, func(f *fixture) {
		run := f.collector(1000, 1)
		calls := f.record(nil, streamstest.OpAppend)
		f.flood(run, 0, 500) // for a second
		f.settle(10 * time.Millisecond)
		if n := calls.count(streamstest.OpAppend); n > 140 {
			t.Errorf("%d transitions for 500 signals, want at most 140", n)
		}
		if n := len(f.waiting(run)); n > 0 {
			t.Errorf("%d signals wait", n)
		}
		f.settle(time.Minute)
		f.wantUnpaced(run)
	})
}

// TestNothingButSignalsWaitsForThePace: what others wait for is served at once.
func TestNothingButSignalsWaitsForThePace(t *testing.T) {
	inBubble(t, func(f *fixture) {
		run := f.collector(1000, 1)
		f.flood(run, 0, 203)
		if len(f.waiting(run)) == 0 {
			t.Fatal("the run is not paced: nothing is shown")
		}
		f.send(run, &history.Message{ID: "end", Terminate: &history.Termination{}})
		f.settle(time.Millisecond)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
	})
}

// TestAPaceIsForgottenAfterARest, also that of a run whose transitions were not spaced because of what came with the signals.
func TestAPaceIsForgottenAfterARest(t *testing.T) {
	inBubble(t, func(f *fixture) {
		run := f.collector(10_000, 1)
		calls := f.record(nil, streamstest.OpAppend)
		for i := range 500 {
			f.signal(run, "s", fmt.Sprint(i))
			f.settle(time.Millisecond)
			f.complete(run, int64(i+1), "nothing asks for it")
			f.settle(time.Millisecond)
		}
		if n := calls.count(streamstest.OpAppend); n < 400 {
			t.Fatalf("%d transitions: they were spaced, and nothing is shown", n)
		}
		f.settle(2 * time.Second)
		f.wantUnpaced(run)
	})
}

// TestAFloodThatSeveralServeIsPaced: the pace is that of each, which is 32 and 120 in the time of the flood, and nothing is lost
// between them.
func TestAFloodThatSeveralServeIsPaced(t *testing.T) {
	inBubble(t, func(f *fixture) {
		run := f.collector(600, 3)
		calls := f.record(nil, streamstest.OpAppend)
		var want string
		for i := range 600 {
			want += fmt.Sprint(i) + " "
		}
		f.flood(run, 0, 600)
		f.settle(time.Second)
		f.wantResult(run, want)
		if n := calls.count(streamstest.OpAppend); n > 460 {
			t.Errorf("%d transitions were tried, want at most 460", n)
		}
	})
}
