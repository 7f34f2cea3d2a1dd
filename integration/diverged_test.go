package integration

import (
	"errors"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// deploy serves "Job" by code that no replay at the end looks at, since it does not fit.
func deploy(e *engine, o worker.Options, job func(workflow.Context) error) worker.Worker {
	e.Helper()
	w := worker.New(e.dial(), queue, o)
	w.RegisterWorkflowWithOptions(job, workflow.RegisterOptions{Name: "Job"})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		return workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: "child"}), "Job").Get(ctx, nil)
	}, workflow.RegisterOptions{Name: "Parent"})
	if err := w.Start(); err != nil {
		e.Fatal(err)
	}
	return w
}

func waitForGo(ctx workflow.Context) error {
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	return nil
}

// Under FailWorkflow a run whose code has changed fails, once there is something new for it, and its parent is told; its retry policy
// does not begin it again.
func TestCodeThatDoesNotFitTheHistoryFailsTheRunWhereThatIsAskedFor(t *testing.T) {
	e := newEngine(t)
	before := deploy(e, worker.Options{}, func(ctx workflow.Context) error {
		return errors.Join(workflow.Sleep(ctx, time.Millisecond), waitForGo(ctx))
	})
	run := e.executeWith(client.StartWorkflowOptions{ID: "job", RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 3}}, "Job")
	parent := e.execute("parent", "Parent")
	for _, id := range []string{"job", "child"} {
		e.await(id, "timer fired", func(d *client.WorkflowExecutionDescription) bool { return d.HistoryLength >= 3 })
	}
	before.Stop()
	after := deploy(e, worker.Options{WorkflowPanicPolicy: worker.FailWorkflow}, waitForGo)
	t.Cleanup(after.Stop)
	e.signal("job", "go", nil)
	e.signal("child", "go", nil)
	for _, err := range []error{e.failure(run), e.failure(parent)} {
		var failed *millrace.ApplicationError
		if !errors.As(err, &failed) || failed.Type() != "NonDeterminismError" || !strings.Contains(failed.Error(), "event 2") {
			t.Errorf("error is %v", err)
		}
	}
	e.awaitStatus("job", enums.WORKFLOW_EXECUTION_STATUS_FAILED)
	if n := e.chain("job"); n != 1 {
		t.Errorf("%d runs, want 1", n)
	}
}
