package coordinator_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
)

// The waiter is told of each run of its chain, of nothing but the close, and not before the record is stored. A child of
// the run has no waiter.
func TestTheWaiterIsToldOfTheClose(t *testing.T) {
	inBubble(t, func(f *fixture) {
		var mu sync.Mutex // guards told
		var told []string
		stop, err := f.model.ListenClosed("me", func(runID string, record []byte) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, runID)
			tail, err := f.model.Tail(f.ctx, history.Run{WorkflowID: "w", RunID: runID})
			if err != nil || !slices.Equal(tail.Data, record) {
				t.Errorf("told of a record of run %s that is not its last: %v", runID, err)
			}
		}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		f.deploy("child", func(env *replay.Env) { env.Complete(nil) })
		f.deploy("parent", func(env *replay.Env) {
			closed := false
			if _, err := env.StartChild(&history.StartChildWorkflowExecutionInitiated{WorkflowID: "child", Type: "child"},
				func(string, enums.StartChildWorkflowExecutionFailedCause) {}, func(replay.Outcome) { closed = true }); err != nil {
				panic(err)
			}
			env.Block("child close", func() bool { return closed })
			if env.Start().ContinuedRunID == "" {
				env.ContinueAsNew(&history.Successor{Type: "parent"})
				return
			}
			env.Complete(nil)
		})
		f.serve()
		start := f.newStart("w", "parent")
		start.Waiter = "me"
		first := f.startWith(start)
		f.settle(5 * time.Second)
		second, err := f.model.LastStart(f.ctx, "w")
		if err != nil {
			t.Fatal(err)
		}
		f.wantStatus(second.Run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		if want := []string{first.RunID, second.Run.RunID}; !slices.Equal(told, want) {
			t.Errorf("told of %v, want %v", told, want)
		}
	})
}

// A start that names no proper waiter, which nobody of ours publishes, runs as if it named none.
func TestABadWaiterIsIgnored(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) { env.Complete(nil) })
		f.serve()
		start := f.newStart("w", "w")
		start.Waiter = "live.order-7.>"
		data, err := history.Encode(start)
		if err == nil {
			_, err = f.model.PublishStart(f.ctx, start.Run, data, streams.StartInfo{Type: "w"}, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.settle(time.Second)
		f.wantStatus(start.Run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
}
