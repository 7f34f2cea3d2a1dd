package coordinator_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

// code is a workflow that ends after a second while another of its coroutines still waits. It counts how often its code
// has begun, and how often what it held was let go.
type code struct{ begun, released atomic.Int64 }

func (c *code) body(env *replay.Env) {
	c.begun.Add(1)
	env.OnQuery(func(string, *common.Payloads) (*common.Payloads, error) { return text("answer"), nil })
	env.Go("other", func() {
		defer c.released.Add(1)
		env.Block("for ever", func() bool { return false })
	})
	sleep(env, time.Second)
	env.Complete(text("done"))
}

// closeOne serves a run of c until it has closed.
func (f *fixture) closeOne(c *code) history.Address {
	f.Helper()
	f.deploy("w", c.body)
	f.serve()
	run := f.start("w", "w")
	f.settle(time.Second)
	f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	return run
}

func TestAClosedRunGivesItsCodeBack(t *testing.T) {
	inBubble(t, func(f *fixture) {
		var c code
		f.closeOne(&c)
		if n := c.released.Load(); n != 1 {
			t.Errorf("%d coroutines were let go, want 1", n)
		}
	})
}

func TestWhatComesForAClosedRunNeedsNoCode(t *testing.T) {
	inBubble(t, func(f *fixture) {
		var c code
		run := f.closeOne(&c)
		f.settle(time.Minute)
		f.signal(run, "s", "late") // by now nothing of the run is left in memory
		f.settle(time.Minute)
		if letters := f.deadLetters(); len(letters) != 1 || len(f.waiting(run)) != 0 {
			t.Errorf("dead letters %v, waiting %v: want the signal among the dead letters", letters, f.waiting(run))
		}
		if n := c.begun.Load(); n != 1 {
			t.Errorf("the code ran %d times, want once", n)
		}
	})
}

func TestAClosedRunAnswersQueries(t *testing.T) {
	inBubble(t, func(f *fixture) {
		var c code
		run := f.closeOne(&c)
		for range 2 {
			if got := f.query(run, "q"); got != "answer" {
				t.Errorf("answered %q", got)
			}
		}
		if n := c.begun.Load(); n != 2 {
			t.Errorf("the code ran %d times, want once for the run and once for all queries", n)
		}
	})
}

// query asks a run a query that is answered.
func (f *fixture) query(run history.Address, name string) string {
	f.Helper()
	r := f.ask(run, name)
	if r.Failure != nil {
		f.Fatalf("query of run %s: %s", run.Run, r.Failure.Message)
	}
	return string(r.Result.Payloads[0].Data)
}

func (f *fixture) ask(run history.Address, name string) *history.QueryResult {
	f.Helper()
	data, err := history.Encode(&history.Query{Run: run.Run, Type: name})
	if err != nil {
		f.Fatal(err)
	}
	answer, err := f.model.Query(f.ctx, queue, "", data)
	if err != nil {
		f.Fatal(err)
	}
	r, err := history.DecodeQueryResult(answer)
	if err != nil {
		f.Fatal(err)
	}
	return r
}
