package worker_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// Two workers share 40 activities per second, also after one of them has stopped.
func TestWorkersOfATaskQueueShareItsRate(t *testing.T) {
	c := dial(t)
	var mu sync.Mutex
	var begun []time.Time
	note := func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		begun = append(begun, time.Now())
		return nil
	}
	flows := worker.New(c, taskQueue, worker.Options{})
	all := func(ctx workflow.Context, n int) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: "rated", StartToCloseTimeout: time.Minute})
		var futures []workflow.Future
		for range n {
			futures = append(futures, workflow.ExecuteActivity(ctx, "note"))
		}
		for _, f := range futures {
			if err := f.Get(ctx, nil); err != nil {
				return err
			}
		}
		return nil
	}
	flows.RegisterWorkflowWithOptions(all, workflow.RegisterOptions{Name: "all"})
	startWorker(t, flows)
	const perSecond = 40
	var rated []worker.Worker
	for range 2 {
		w := worker.New(c, "rated", worker.Options{TaskQueueActivitiesPerSecond: perSecond})
		w.RegisterActivityWithOptions(note, activity.RegisterOptions{Name: "note"})
		startWorker(t, w)
		rated = append(rated, w)
	}
	for i, n := range []int{40, 20} {
		run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue}, "all", n)
		if err == nil {
			err = run.Get(t.Context(), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		took := begun[len(begun)-1].Sub(begun[0])
		if len(begun) != n {
			t.Errorf("%d activities began, want %d", len(begun), n)
		}
		begun = nil
		mu.Unlock()
		// Each worker may have taken a turn before there was a task, and is late by up to one with the next.
		if least := time.Duration(n-5) * time.Second / perSecond; took < least {
			t.Errorf("round %d: %d activities began within %v, want at least %v", i, n, took, least)
		}
		rated[0].Stop()
	}
}
