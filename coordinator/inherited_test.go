package coordinator_test

import (
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// TestSignalOrderHoldsWhileTheRunChanges: a sender's signals go to the run that continued as new and then to its
// successor, or are passed on, just while the successor's inbox and its predecessor's are read one after the other.
func TestSignalOrderHoldsWhileTheRunChanges(t *testing.T) {
	for _, test := range []struct {
		name, want string
		arrive     func(f *fixture, old, run history.Address)
	}{
		{"one to each", "s1 s2 s3 ", func(f *fixture, old, run history.Address) {
			f.signal(old, "s", "s2")
			f.signal(run, "s", "s3")
		}},
		{"passed on", "s0 s1 s3 ", func(f *fixture, _, run history.Address) {
			early := signal("s", "s0")
			early.Forwarded = 1 // it was stored before s1, which is not the first message of the stream
			f.send(run, early)
			f.signal(run, "s", "s3")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.deploy("collect", collect(3))
				f.deploy("chain", func(env *replay.Env) {
					signaled := false
					env.OnSignal(func(*history.WorkflowExecutionSignaled) { signaled = true })
					env.Block("signal", func() bool { return signaled })
					env.ContinueAsNew(&history.Successor{Type: "collect"})
				})
				stop := f.serve()
				old := f.start("w", "chain")
				f.signal(old, "s", "go")
				f.settle(2 * time.Second)
				last, err := f.model.LastStart(f.ctx, "w")
				if err != nil {
					t.Fatal(err)
				}
				stop()
				f.signal(last.Run, "s", "s1")
				reads := 0
				f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
					if op != streamstest.OpReadInbox {
						return streamstest.Proceed
					}
					if reads++; reads == 2 {
						test.arrive(f, old, last.Run)
					}
					return streamstest.Proceed
				})
				f.serve()
				f.settle(10 * time.Second)
				f.wantResult(last.Run, test.want)
			})
		})
	}
}
