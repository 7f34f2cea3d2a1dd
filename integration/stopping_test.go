package integration

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// TestAWorkerThatStopsKeepsNothingFromOthers: while it waits for what it has begun, all else goes to the other worker.
func TestAWorkerThatStopsKeepsNothingFromOthers(t *testing.T) {
	e := newEngine(t)
	begun, finish := make(chan struct{}, 1), make(chan struct{})
	workflows := code{
		"short": func(workflow.Context) error { return nil },
		"works": func(ctx workflow.Context) error {
			// Short enough for the worker that decides to run it itself.
			ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 9 * time.Second})
			return workflow.ExecuteActivity(ctx, "work").Get(ctx, nil)
		},
	}
	activities := code{"work": func(context.Context) error {
		begun <- struct{}{}
		<-finish
		return nil
	}}
	stopping := e.serveWith(worker.Options{}, workflows, activities)
	works := e.execute("works", "works")
	receive(e, begun, "the activity")
	e.serveWith(worker.Options{}, workflows, code{"work": func(context.Context) error { return nil }})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stopping.Stop()
	}()
	ctx, cancel := context.WithTimeout(e.ctx, 6*time.Second)
	defer cancel()
	for i := range 100 {
		if err := e.execute(fmt.Sprint("short-", i), "short").Get(ctx, nil); err != nil {
			t.Errorf("run %d beside a worker that stops: %v", i, err)
			break
		}
	}
	select {
	case <-stopped:
		t.Error("the worker had stopped before: nothing was shown")
	default:
	}
	close(finish)
	receive(e, stopped, "the stop")
	if err := works.Get(e.ctx, nil); err != nil {
		t.Errorf("the run with the activity: %v", err)
	}
}
