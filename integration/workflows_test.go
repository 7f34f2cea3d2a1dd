package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func greet(ctx workflow.Context, name string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	var out string
	err := workflow.ExecuteActivity(ctx, compose, name).Get(ctx, &out)
	return out, err
}

func compose(_ context.Context, name string) (string, error) { return "Hello, " + name + "!", nil }

func TestAWorkflowOfOneActivity(t *testing.T) {
	e := newEngine(t)
	e.work(worker.Options{}, func(w worker.Worker) {
		w.RegisterWorkflow(greet)
		w.RegisterActivity(compose)
	})
	var out string
	run := e.execute("greeting", greet, "World")
	if err := run.Get(e.ctx, &out); err != nil {
		t.Fatal(err)
	}
	if out != "Hello, World!" {
		t.Fatalf("got %q", out)
	}
}

func TestAnActivityIsRetriedUntilItSucceeds(t *testing.T) {
	e := newEngine(t)
	flaky := func(ctx context.Context) (int32, error) {
		if n := activity.GetInfo(ctx).Attempt; n < 3 {
			return 0, fmt.Errorf("attempt %d fails", n)
		}
		return activity.GetInfo(ctx).Attempt, nil
	}
	wf := func(ctx workflow.Context) (int32, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Second,
			RetryPolicy: &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond}})
		var n int32
		err := workflow.ExecuteActivity(ctx, "flaky").Get(ctx, &n)
		return n, err
	}
	e.work(worker.Options{}, func(w worker.Worker) {
		w.RegisterWorkflowWithOptions(wf, workflow.RegisterOptions{Name: "wf"})
		w.RegisterActivityWithOptions(flaky, activity.RegisterOptions{Name: "flaky"})
	})
	var n int32
	if err := e.execute("retries", "wf").Get(e.ctx, &n); err != nil || n != 3 {
		t.Fatalf("got %d, %v; want 3", n, err)
	}
}

func TestErrorsSurviveTheWire(t *testing.T) {
	e := newEngine(t)
	fail := func(context.Context) error {
		return millrace.NewNonRetryableApplicationError("no luck", "Luck", errors.New("bad dice"), 42)
	}
	wf := func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Second})
		return workflow.ExecuteActivity(ctx, "fail").Get(ctx, nil)
	}
	e.work(worker.Options{}, func(w worker.Worker) {
		w.RegisterWorkflowWithOptions(wf, workflow.RegisterOptions{Name: "wf"})
		w.RegisterActivityWithOptions(fail, activity.RegisterOptions{Name: "fail"})
	})
	err := e.execute("errors", "wf").Get(e.ctx, nil)
	var we *millrace.WorkflowExecutionError
	var ae *millrace.ActivityError
	var app *millrace.ApplicationError
	if !errors.As(err, &we) || !errors.As(err, &ae) || !errors.As(err, &app) {
		t.Fatalf("chain is %v", err)
	}
	var detail int
	if err := app.Details(&detail); err != nil || detail != 42 || app.Type() != "Luck" || !app.NonRetryable() {
		t.Fatalf("application error %v, details %d, %v", app, detail, err)
	}
	if cause := errors.Unwrap(app); cause == nil || !strings.Contains(cause.Error(), "bad dice") {
		t.Fatalf("cause %v", cause)
	}
}

// conversation waits for signals and answers queries about them.
func conversation(ctx workflow.Context, n int) (string, error) {
	var heard []string
	if err := workflow.SetQueryHandler(ctx, "heard", func() ([]string, error) { return heard, nil }); err != nil {
		return "", err
	}
	ch := workflow.GetSignalChannel(ctx, "say")
	for len(heard) < n {
		var s string
		ch.Receive(ctx, &s)
		heard = append(heard, s)
	}
	return strings.Join(heard, " "), nil
}

func TestSignalsAndQueries(t *testing.T) {
	e := newEngine(t)
	e.work(worker.Options{}, func(w worker.Worker) { w.RegisterWorkflow(conversation) })
	run, err := e.client.SignalWithStartWorkflow(e.ctx, "talk", "say", "one",
		client.StartWorkflowOptions{TaskQueue: queue}, conversation, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.client.SignalWorkflow(e.ctx, "talk", "", "say", "two"); err != nil {
		t.Fatal(err)
	}
	for {
		v, err := e.client.QueryWorkflow(e.ctx, "talk", "", "heard")
		if err != nil {
			t.Fatal(err)
		}
		var heard []string
		if err := v.Get(&heard); err != nil {
			t.Fatal(err)
		}
		if strings.Join(heard, " ") == "one two" {
			break
		}
	}
	stack, err := e.client.QueryWorkflow(e.ctx, "talk", "", client.QueryTypeStackTrace)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	if err := stack.Get(&text); err != nil || !strings.Contains(text, "conversation") {
		t.Fatalf("stack trace %q, %v", text, err)
	}
	if _, err := e.client.SignalWithStartWorkflow(e.ctx, "talk", "say", "three",
		client.StartWorkflowOptions{TaskQueue: queue}, conversation, 3); err != nil {
		t.Fatal(err)
	}
	var out string
	if err := run.Get(e.ctx, &out); err != nil || out != "one two three" {
		t.Fatalf("got %q, %v", out, err)
	}
}

func TestCancelReachesARunningActivityAndCleanupRuns(t *testing.T) {
	e := newEngine(t)
	running := make(chan struct{}, 1)
	endless := func(ctx context.Context) error {
		running <- struct{}{}
		for {
			activity.RecordHeartbeat(ctx)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	cleanup := func(context.Context) (string, error) { return "clean", nil }
	wf := func(ctx workflow.Context) (string, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute,
			HeartbeatTimeout: 2 * time.Second, WaitForCancellation: true})
		err := workflow.ExecuteActivity(ctx, "endless").Get(ctx, nil)
		if !millrace.IsCanceledError(err) {
			return "", fmt.Errorf("activity ended with %w", err)
		}
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		var s string
		if err := workflow.ExecuteActivity(ctx, "cleanup").Get(ctx, &s); err != nil {
			return "", err
		}
		return s, nil
	}
	e.work(worker.Options{}, func(w worker.Worker) {
		w.RegisterWorkflowWithOptions(wf, workflow.RegisterOptions{Name: "wf"})
		w.RegisterActivityWithOptions(endless, activity.RegisterOptions{Name: "endless"})
		w.RegisterActivityWithOptions(cleanup, activity.RegisterOptions{Name: "cleanup"})
	})
	run := e.execute("cancel", "wf")
	<-running
	if err := e.client.CancelWorkflow(e.ctx, "cancel", ""); err != nil {
		t.Fatal(err)
	}
	var out string
	if err := run.Get(e.ctx, &out); err != nil || out != "clean" {
		t.Fatalf("got %q, %v", out, err)
	}
}

func TestTerminateClosesAtOnce(t *testing.T) {
	e := newEngine(t)
	e.work(worker.Options{}, func(w worker.Worker) { w.RegisterWorkflow(conversation) })
	run := e.execute("end", conversation, 1)
	if err := e.client.TerminateWorkflow(e.ctx, "end", "", "enough"); err != nil {
		t.Fatal(err)
	}
	var terminated *millrace.TerminatedError
	if err := run.Get(e.ctx, nil); !errors.As(err, &terminated) {
		t.Fatalf("got %v, want a TerminatedError", err)
	}
}

// countdown continues as new until n is 0.
func countdown(ctx workflow.Context, n int) (string, error) {
	if err := workflow.Sleep(ctx, 20*time.Millisecond); err != nil {
		return "", err
	}
	if n == 0 {
		return "lift-off", nil
	}
	return "", workflow.NewContinueAsNewError(ctx, countdown, n-1)
}

func TestContinueAsNewAndChildren(t *testing.T) {
	e := newEngine(t)
	parent := func(ctx workflow.Context) ([]string, error) {
		var futures []workflow.ChildWorkflowFuture
		for i := range 3 {
			cctx := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: fmt.Sprint("child-", i)})
			futures = append(futures, workflow.ExecuteChildWorkflow(cctx, countdown, i))
		}
		var all []string
		for _, f := range futures {
			var s string
			if err := f.Get(ctx, &s); err != nil {
				return nil, err
			}
			all = append(all, s)
		}
		return all, nil
	}
	e.work(worker.Options{}, func(w worker.Worker) {
		w.RegisterWorkflow(countdown)
		w.RegisterWorkflowWithOptions(parent, workflow.RegisterOptions{Name: "parent"})
	})
	var out []string
	if err := e.execute("parent", "parent").Get(e.ctx, &out); err != nil || len(out) != 3 {
		t.Fatalf("got %v, %v", out, err)
	}
}

func TestDescribeAndHistory(t *testing.T) {
	e := newEngine(t)
	e.work(worker.Options{}, func(w worker.Worker) {
		w.RegisterWorkflow(greet)
		w.RegisterActivity(compose)
	})
	run := e.execute("seen", greet, "you")
	var types []string
	it := e.client.GetWorkflowHistory(e.ctx, "seen", run.GetRunID(), true, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		ev, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, ev.EventType.String())
	}
	want := "WorkflowExecutionStarted ActivityTaskScheduled ActivityTaskCompleted WorkflowExecutionCompleted"
	if got := strings.Join(types, " "); got != want {
		t.Fatalf("events %s, want %s", got, want)
	}
	d, err := e.client.DescribeWorkflow(e.ctx, "seen", "")
	if err != nil || d.Status != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED || d.HistoryLength != 4 {
		t.Fatalf("described %+v, %v", d, err)
	}
}
