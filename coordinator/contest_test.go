package coordinator_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// TestTheLoserOfARaceKeepsWhatItWasGiven: a message that was handed back comes again to anyone, and nobody knows any more
// whether others hold it.
func TestTheLoserOfARaceKeepsWhatItWasGiven(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("collect", collect(2))
		f.serve()
		run := f.start("w", "collect")
		f.settle(time.Second)
		var lost, handedBack atomic.Int64
		f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			switch {
			case op == streamstest.OpNak:
				handedBack.Add(1)
			case op == streamstest.OpAppend && lost.Add(1) <= 3:
				return streamstest.InFlight
			}
			return streamstest.Proceed
		})
		f.signal(run, "s", "a")
		f.signal(run, "s", "b")
		f.settle(100 * time.Millisecond)
		f.wantResult(run, "a b ")
		if lost.Load() < 4 || handedBack.Load() > 0 {
			t.Errorf("%d appends, %d messages handed back", lost.Load(), handedBack.Load())
		}
	})
}

// TestWhatOthersWereGivenHidesNothing: messages that the history holds wait in the inbox until those who were given them know. More
// of them than one transition reads must not keep it from what comes after.
func TestWhatOthersWereGivenHidesNothing(t *testing.T) {
	inBubble(t, func(f *fixture) {
		run, want := f.longLane(2500)
		f.config.MaxPayload = 1 << 20
		f.serve()
		f.settle(time.Second) // less than AckWait
		f.wantResult(run, want)
	})
}

// TestAFloodedRunLeavesRoom: what waits for one run, whose code takes its time, keeps no other run's messages waiting.
func TestAFloodedRunLeavesRoom(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.config.MaxConcurrent = 20
		f.deploy("slow", func(env *replay.Env) {
			env.OnSignal(func(*history.WorkflowExecutionSignaled) { time.Sleep(500 * time.Millisecond) })
			env.Block("for ever", func() bool { return false })
		})
		f.deploy("one", one)
		f.serve()
		flooded, other := f.start("flooded", "slow"), f.start("other", "one")
		f.settle(time.Second)
		for i := range 60 {
			f.signal(flooded, "s", fmt.Sprint(i))
		}
		f.complete(other, 2, "done")
		f.settle(20 * time.Millisecond)
		f.wantResult(other, "done")
		f.send(flooded, &history.Message{ID: "end", Terminate: &history.Termination{}})
		f.settle(time.Minute)
	})
}
