package integration

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// fanOut runs n activities "a" at once.
func fanOut(ctx workflow.Context, n int) error {
	ctx = quick(ctx)
	var all []workflow.Future
	for i := range n {
		all = append(all, workflow.ExecuteActivity(ctx, "a", i))
	}
	for _, f := range all {
		if err := f.Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

func TestAWorkerRunsNoMoreActivitiesThanAllowed(t *testing.T) {
	e := newEngine(t)
	const limit = 3
	var now, most atomic.Int32
	full := make(chan struct{})
	e.serveWith(worker.Options{MaxConcurrentActivityExecutionSize: limit}, code{"wf": fanOut}, code{"a": func(ctx context.Context, _ int) error {
		defer now.Add(-1)
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
			if n == limit {
				close(full)
			}
		}
		select { // the first ones wait for each other
		case <-full:
		case <-ctx.Done():
		}
		return nil
	}})
	if err := e.execute("limited", "wf", 20).Get(e.ctx, nil); err != nil {
		t.Fatal(err)
	}
	if most.Load() != limit {
		t.Errorf("%d activities ran at once, the limit is %d", most.Load(), limit)
	}
}

func TestAWorkerBeginsActivitiesAtItsRate(t *testing.T) {
	e := newEngine(t)
	var mu sync.Mutex
	var begun []time.Time
	e.serveWith(worker.Options{WorkerActivitiesPerSecond: 20}, code{"wf": fanOut}, code{"a": func(int) error {
		mu.Lock()
		defer mu.Unlock()
		begun = append(begun, time.Now())
		return nil
	}})
	const n = 40
	if err := e.execute("rated", "wf", n).Get(e.ctx, nil); err != nil {
		t.Fatal(err)
	}
	// A bucket that is full in the beginning may let a second's worth pass at once.
	if took := begun[n-1].Sub(begun[0]); took < 900*time.Millisecond || took > 6*time.Second {
		t.Errorf("%d activities began within %v, at 20 a second", n, took)
	}
}

// TestAStoppingWorkerHandsItsActivitiesBack stops a worker in the middle of an activity: another one runs it, and no
// attempt is used up.
func TestAStoppingWorkerHandsItsActivitiesBack(t *testing.T) {
	e := newEngine(t)
	begun, stopping := make(chan string, 2), make(chan struct{})
	endless := func(ctx context.Context) (string, error) {
		begun <- "endless"
		<-activity.GetWorkerStopChannel(ctx)
		close(stopping)
		<-ctx.Done()
		return "", context.Cause(ctx)
	}
	brief := func(ctx context.Context) (string, error) {
		begun <- "brief"
		<-stopping
		return fmt.Sprint("attempt ", activity.GetInfo(ctx).Attempt), nil
	}
	wf := func(ctx workflow.Context) ([]string, error) {
		ctx = quick(ctx)
		brief, endless := workflow.ExecuteActivity(ctx, "brief"), workflow.ExecuteActivity(ctx, "endless")
		all := make([]string, 2)
		for i, f := range []workflow.Future{brief, endless} {
			if err := f.Get(ctx, &all[i]); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	first := e.serveWith(worker.Options{WorkerStopTimeout: 300 * time.Millisecond, Identity: "first"}, code{"wf": wf}, code{"endless": endless, "brief": brief})
	run := e.execute("handed over", "wf")
	receive(e, begun, "an activity")
	receive(e, begun, "the other activity")
	first.Stop()
	e.serveWith(worker.Options{Identity: "second"}, code{"wf": wf}, code{"brief": brief, "endless": func(ctx context.Context) (string, error) {
		return fmt.Sprint("attempt ", activity.GetInfo(ctx).Attempt), nil
	}})
	got := result[[]string](e, run)
	if got[0] != "attempt 1" || got[1] != "attempt 1" {
		t.Errorf("got %q", got)
	}
	workers := make(map[string]bool)
	for _, ev := range e.history("handed over") {
		if a := ev.GetActivityTaskCompletedEventAttributes(); a != nil {
			workers[a.Identity] = true
		}
	}
	if !workers["first"] || !workers["second"] {
		t.Errorf("the history names the workers %v", workers)
	}
}

// TestManyWorkersShareAQueue runs many workflows on several workers that come and go.
func TestManyWorkersShareAQueue(t *testing.T) {
	e := newEngine(t)
	var byWorker sync.Map
	start := func(i int) worker.Worker {
		return e.serveWith(worker.Options{WorkerStopTimeout: time.Second}, code{"wf": fanOut}, code{"a": func(int) error {
			byWorker.Store(i, true)
			return nil
		}})
	}
	workers := []worker.Worker{start(0), start(1), start(2)}
	var runs []client.WorkflowRun
	for i := range 60 {
		runs = append(runs, e.execute(fmt.Sprint("run-", i), "wf", 3))
		if i%20 == 19 {
			workers[i/20].Stop()
			start(3 + i/20)
		}
	}
	for _, run := range runs {
		if err := run.Get(e.ctx, nil); err != nil {
			t.Errorf("run %s: %v", run.GetID(), err)
		}
	}
	n := 0
	byWorker.Range(func(any, any) bool { n++; return true })
	if n < 3 {
		t.Errorf("only %d workers ran activities", n)
	}
}

// TestASmallCacheOnlyCostsReplays keeps two runs live while ten go on in turns.
func TestASmallCacheOnlyCostsReplays(t *testing.T) {
	e := newEngine(t)
	e.serveWith(worker.Options{WorkflowCacheSize: 2}, code{"conversation": conversation}, nil)
	var runs []client.WorkflowRun
	for i := range 10 {
		runs = append(runs, e.execute(fmt.Sprint("talk-", i), "conversation", 5))
	}
	for i := range 5 {
		for _, run := range runs {
			e.signal(run.GetID(), "say", fmt.Sprint(i))
		}
	}
	for _, run := range runs {
		if got := result[string](e, run); got != "0 1 2 3 4" {
			t.Errorf("run %s heard %q", run.GetID(), got)
		}
	}
}
