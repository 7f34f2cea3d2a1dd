package integration

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// TestEverythingGoesOnAfterARestartOfTheServer restarts the server while clients wait for a result and for events, an
// activity runs, and a timer comes due.
func TestEverythingGoesOnAfterARestartOfTheServer(t *testing.T) {
	e := newEngine(t)
	begun, finish := make(chan struct{}, 2), make(chan struct{})
	e.serveWith(worker.Options{WorkerLossTimeout: 2 * time.Second}, code{
		"conversation": conversation,
		"sleeps":       func(ctx workflow.Context) error { return workflow.Sleep(ctx, 300*time.Millisecond) },
		"works": func(ctx workflow.Context) (s string, err error) {
			err = workflow.ExecuteActivity(quick(ctx), "work").Get(ctx, &s)
			return s, err
		},
	}, code{"work": func(context.Context) (string, error) {
		begun <- struct{}{}
		<-finish
		return "worked", nil
	}})
	talk, sleeps, works := e.execute("talk", "conversation", 2), e.execute("sleeps", "sleeps"), e.execute("works", "works")
	e.signal("talk", "say", "before")
	got := make(chan error, 1)
	go func() {
		var s string
		err := talk.Get(e.ctx, &s)
		if err == nil && s != "before after" {
			err = fmt.Errorf("heard %q", s)
		}
		got <- err
	}()
	followed := make(chan int, 1)
	go func() {
		n := 0
		for it := e.client.GetWorkflowHistory(e.ctx, "talk", "", true, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); n++ {
			if _, err := it.Next(); err != nil {
				t.Errorf("follow: %v", err)
				break
			}
		}
		followed <- n
	}()
	receive(e, begun, "the activity")
	e.await("talk", "the first signal", func(d *client.WorkflowExecutionDescription) bool { return d.HistoryLength == 2 })
	e.restart()
	close(finish)
	e.signal("talk", "say", "after")
	if err := receive(e, got, "the result"); err != nil {
		t.Errorf("result: %v", err)
	}
	if n := receive(e, followed, "the last event"); n != 4 {
		t.Errorf("followed %d events, want 4", n)
	}
	if err := sleeps.Get(e.ctx, nil); err != nil {
		t.Errorf("the run that slept: %v", err)
	}
	if s := result[string](e, works); s != "worked" {
		t.Errorf("the run with an activity gives %q", s)
	}
	if len(begun) > 0 {
		t.Error("the activity was run again although its worker lived")
	}
	if s := result[string](e, e.execute("new", "conversation", 0)); s != "" {
		t.Errorf("a new run gives %q", s)
	}
}

// TestCallsDuringARestartAreDefinite calls the client while the server is away for a moment.
func TestCallsDuringARestartAreDefinite(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"conversation": conversation}, nil)
	const n = 200
	talk := e.execute("talk", "conversation", n)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range n {
			if err := e.client.SignalWorkflow(e.ctx, "talk", "", "say", fmt.Sprint(i)); err != nil {
				t.Errorf("signal %d: %v", i, err)
			}
			if run, err := e.client.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: fmt.Sprint("start-", i%20), TaskQueue: queue}, "conversation", 0); err != nil {
				t.Errorf("start %d: %v", i, err)
			} else if i%10 == 0 {
				if err := run.Get(e.ctx, nil); err != nil {
					t.Errorf("result %d: %v", i, err)
				}
			}
		}
	}()
	for range 3 {
		e.await("talk", "some signals", func(d *client.WorkflowExecutionDescription) bool { return d.HistoryLength > 5 })
		e.restart()
	}
	<-done
	if e.Failed() {
		return
	}
	want := ""
	for i := range n {
		want += fmt.Sprint(i, " ")
	}
	if got := result[string](e, talk) + " "; got != want {
		t.Errorf("heard %s", got)
	}
}

// TestAClusterLosesAServer stops one of three servers, the leader of a stream, while runs are under way.
func TestAClusterLosesAServer(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers take seconds to elect leaders")
	}
	t.Parallel()
	servers := devtest.Cluster(t, 3)
	e := engineOn(t, servers...)
	e.serve(code{"wf": func(ctx workflow.Context) (n int, err error) {
		ctx = quick(ctx)
		for i := range 10 {
			var got int
			if err := workflow.ExecuteActivity(ctx, "a", i).Get(ctx, &got); err != nil {
				return 0, err
			}
			n += got
		}
		return n, nil
	}}, code{"a": func(i int) (int, error) { return i, nil }})
	var runs []client.WorkflowRun
	for i := range 30 {
		runs = append(runs, e.execute(fmt.Sprint("run-", i), "wf"))
	}
	e.await("run-5", "some events", func(d *client.WorkflowExecutionDescription) bool { return d.HistoryLength > 6 })
	stopped := false
	for _, s := range servers {
		if s.IsStreamLeader("MILLRACE_default_0_HISTORY") {
			s.Shutdown()
			stopped = true
			break
		}
	}
	if !stopped {
		t.Fatal("no server leads the stream of histories")
	}
	for i := range 10 {
		runs = append(runs, e.execute(fmt.Sprint("late-", i), "wf"))
	}
	for _, run := range runs {
		if n := result[int](e, run); n != 45 {
			t.Errorf("run %s gives %d", run.GetID(), n)
		}
	}
}
