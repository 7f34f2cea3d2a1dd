package integration

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// TestAHistoryOfAHundredThousandEventsIsReadAgain starts another worker for a run with a long history: it has to read and
// replay all of it before it can decide anything, while other runs of the queue go on.
func TestAHistoryOfAHundredThousandEventsIsReadAgain(t *testing.T) {
	e := engineOn(t, devtest.Server(t)) // by itself: beside others it would only measure the machine
	const rounds, values = 100, 1000
	workflows := code{"long": func(ctx workflow.Context) (sum int, err error) {
		for range rounds {
			for i := range values {
				var v int
				if err := workflow.SideEffect(ctx, func(workflow.Context) any { return i }).Get(&v); err != nil {
					return 0, err
				}
				sum += v
			}
			if err := workflow.Sleep(ctx, time.Millisecond); err != nil {
				return 0, err
			}
		}
		workflow.GetSignalChannel(ctx, "end").Receive(ctx, nil)
		return sum, nil
	}, "short": func(ctx workflow.Context) (s string, err error) {
		err = workflow.ExecuteActivity(quick(ctx), "work").Get(ctx, &s)
		return s, err
	}}
	activities := code{"work": func() (string, error) { return "well", nil }}
	first := e.serveWith(worker.Options{}, workflows, activities)
	run := e.execute("long", "long")
	events := rounds * (values + 2)
	e.await("long", "the last timer", func(d *client.WorkflowExecutionDescription) bool { return d.HistoryLength >= events })
	alone := shortRuns(e, "before", 40)
	first.Stop()
	e.serveWith(worker.Options{}, workflows, activities)
	begun := time.Now()
	e.signal("long", "end", nil)
	beside := shortRuns(e, "beside", 40)
	if got := result[int](e, run); got != rounds*values*(values-1)/2 {
		t.Errorf("the sum is %d", got)
	}
	took := time.Since(begun)
	if d := e.describe("long"); d.HistoryLength < 100_000 {
		t.Errorf("VOID: the history has %d events", d.HistoryLength)
	}
	t.Logf("%d events were read and replayed in %v; short runs took at most %v before, %v beside", events, took, slices.Max(alone), slices.Max(beside))
	if limit := max(2*slices.Max(alone), time.Second); slices.Max(beside) > limit {
		t.Errorf("a short run beside took %v, more than %v", slices.Max(beside), limit)
	}
}

// shortRuns runs some runs, four at a time, and returns how long each took.
func shortRuns(e *engine, name string, n int) []time.Duration {
	e.Helper()
	took := make([]time.Duration, n)
	var wg sync.WaitGroup
	for c := range 4 {
		wg.Go(func() {
			for i := c; i < n; i += 4 {
				begun := time.Now()
				run, err := e.client.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: fmt.Sprint(name, i), TaskQueue: queue}, "short")
				if err == nil {
					err = run.Get(e.ctx, nil)
				}
				if err != nil {
					e.Errorf("run %s%d: %v", name, i, err)
					return
				}
				took[i] = time.Since(begun)
			}
		})
	}
	wg.Wait()
	return took
}
