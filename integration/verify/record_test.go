package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

const taskQueue = "verify"

// The workflows of the recording.
const (
	wfSteps  = "Steps"
	wfEars   = "Ears"
	wfWide   = "Wide"
	wfParent = "Parent"
	wfUpdate = "Update"
	wfWait   = "Wait"
	wfLarge  = "Large"
)

// steps runs activities one after the other.
func steps(ctx workflow.Context, n int) (int, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 5 * time.Second})
	sum := 0
	for i := range n {
		if err := workflow.ExecuteActivity(ctx, "Add", sum, i).Get(ctx, &sum); err != nil {
			return 0, err
		}
	}
	return sum, nil
}

// ears counts signals, and goes on as a new run once.
func ears(ctx workflow.Context, want, heard int) (int, error) {
	first, hear := heard == 0, workflow.GetSignalChannel(ctx, "hear")
	var mark string
	for ; heard < want && (!first || heard < want/2); heard++ {
		hear.Receive(ctx, &mark)
	}
	for hear.ReceiveAsync(&mark) {
		heard++
	}
	if first {
		return 0, workflow.NewContinueAsNewError(ctx, wfEars, want, heard)
	}
	return heard, nil
}

// wide decides more at once than one message holds.
func wide(ctx workflow.Context) (int, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 5 * time.Second,
		RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 1}})
	var all []workflow.Future
	for i := range 24 {
		all = append(all, workflow.ExecuteActivity(ctx, "Length", strings.Repeat(fmt.Sprint(i%10), 60<<10)))
	}
	sum := 0
	for _, f := range all {
		var n int
		if err := f.Get(ctx, &n); err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func parent(ctx workflow.Context) (int, error) {
	var sum int
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: "child-of-parent"})
	err := workflow.ExecuteChildWorkflow(ctx, wfSteps, 2).Get(ctx, &sum)
	return sum, err
}

// update waits for an update that is not negative.
func update(ctx workflow.Context) (int, error) {
	got := -1
	err := workflow.SetUpdateHandlerWithOptions(ctx, "set", func(_ workflow.Context, n int) (int, error) {
		got = n
		return 2 * n, nil
	}, workflow.UpdateHandlerOptions{Validator: func(_ workflow.Context, n int) error {
		if n < 0 {
			return errors.New("negative")
		}
		return nil
	}})
	if err != nil {
		return 0, err
	}
	return got, workflow.Await(ctx, func() bool { return got >= 0 })
}

// wait waits to be canceled.
func wait(ctx workflow.Context) error {
	return workflow.Sleep(ctx, time.Hour)
}

// large measures what is too long to be in its history.
func large(ctx workflow.Context, text string) (int, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 5 * time.Second})
	var n int
	err := workflow.ExecuteActivity(ctx, "Length", text).Get(ctx, &n)
	return n, err
}

func registerWorkflows(r interface {
	RegisterWorkflowWithOptions(w interface{}, options workflow.RegisterOptions)
}) {
	for name, fn := range map[string]any{wfSteps: steps, wfEars: ears, wfWide: wide, wfParent: parent, wfUpdate: update, wfWait: wait, wfLarge: large} {
		r.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: name})
	}
}

// recorder does what a harness does, without its faults.
type recorder struct {
	*testing.T
	ctx    context.Context
	dir    string
	client client.Client
	ops    *Operations
	expect *Expectations
	ledger *Executions
	last   int
}

// record runs a small load on a real server and returns the evidence.
func record(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	nc, err := nats.Connect(devtest.Server(t).ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	r := &recorder{T: t, ctx: ctx, dir: t.TempDir()}
	plan, err := streams.PlanNamespace(ctx, nc, client.DefaultNamespace, streams.CreateOptions{})
	r.must(err)
	r.must(plan.Apply(ctx))
	r.ops, err = OpenOperations(r.dir, "client", WriteOptions{})
	r.must(err)
	r.expect, err = OpenExpectations(r.dir, "client", WriteOptions{})
	r.must(err)
	r.ledger, err = OpenExecutions(r.dir, "worker-1", WriteOptions{Sync: true})
	r.must(err)
	r.client, err = client.Dial(client.Options{HostPort: nc.ConnectedUrl()})
	r.must(err)
	defer r.client.Close()
	r.work()
	r.await(nc)
	r.must(Dump(ctx, nc, client.DefaultNamespace, r.dir))
	r.must(errors.Join(r.ops.Close(), r.expect.Close(), r.ledger.Close()))
	r.must(WritePlan(r.dir, Plan{Name: "recording", Seed: 7, Profile: "development", Baseline: time.Minute, Grace: time.Second,
		Operations: map[OperationKind]int{OperationStart: 8, OperationSignal: 6}, Faults: map[FaultKind]int{"kill-worker": 1}}))
	return r.dir
}

func (r *recorder) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *recorder) work() {
	w := worker.New(r.client, taskQueue, worker.Options{})
	registerWorkflows(w)
	register := func(name string, fn any) { w.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name}) }
	register("Add", func(ctx context.Context, a, b int) (int, error) { return a + b, r.executed(ctx, false) })
	register("Length", func(ctx context.Context, text string) (int, error) { return len(text), r.executed(ctx, false) })
	r.must(w.Start())
	defer w.Stop()
	r.load()
}

func (r *recorder) executed(ctx context.Context, fail bool) error {
	info := activity.GetInfo(ctx)
	end, err := r.ledger.Begin(Execution{WorkflowID: info.WorkflowExecution.ID, RunID: info.WorkflowExecution.RunID,
		ActivityID: info.ActivityID, Attempt: info.Attempt})
	if err != nil {
		return err
	}
	return end(nil)
}

// do logs an operation before and after it.
func (r *recorder) do(op Operation, request func(op *Operation) error) {
	r.Helper()
	r.last++
	op.ID, op.Begun = fmt.Sprint(r.last), Now()
	r.must(r.ops.Append(op))
	err := request(&op)
	op.Ended, op.Outcome = Now(), Acknowledged
	if err != nil {
		op.Outcome, op.Error = Refused, err.Error()
	}
	r.must(r.ops.Append(op))
}

func (r *recorder) start(id, workflowType, class string, args ...any) client.WorkflowRun {
	r.Helper()
	var run client.WorkflowRun
	r.do(Operation{Kind: OperationStart, WorkflowID: id, Class: class}, func(op *Operation) (err error) {
		run, err = r.client.ExecuteWorkflow(r.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: taskQueue,
			WorkflowExecutionErrorWhenAlreadyStarted: true}, workflowType, args...)
		if err == nil {
			op.RunID = run.GetRunID()
		}
		return err
	})
	return run
}

// end waits for a run's end and expects it.
func (r *recorder) end(id, class string, run client.WorkflowRun, want int) {
	r.Helper()
	result := fmt.Sprint(want)
	r.must(r.expect.Append(Expectation{WorkflowID: id, Status: "Completed", Result: &result}))
	r.do(Operation{Kind: OperationCompletion, WorkflowID: id, RunID: run.GetRunID(), Class: class}, func(op *Operation) error {
		var got int
		if err := run.Get(r.ctx, &got); err != nil {
			r.Fatal(err)
		}
		op.Seen = &Seen{Status: "Completed", Result: fmt.Sprint(got)}
		return nil
	})
}

func (r *recorder) signal(id, mark string) {
	r.Helper()
	r.do(Operation{Kind: OperationSignal, WorkflowID: id, Message: mark}, func(*Operation) error {
		return r.client.SignalWorkflow(r.ctx, id, "", "hear", mark)
	})
}

func (r *recorder) describe(id string) {
	r.Helper()
	r.do(Operation{Kind: OperationDescribe, WorkflowID: id}, func(op *Operation) error {
		d, err := r.client.DescribeWorkflow(r.ctx, id, "")
		if err == nil {
			op.Seen = &Seen{RunID: d.WorkflowExecution.RunID, Status: d.Status.String(), LastEvent: int64(d.HistoryLength)}
		}
		return err
	})
}

func (r *recorder) update(id, updateID string, arg int) {
	r.Helper()
	r.do(Operation{Kind: OperationUpdate, WorkflowID: id, Message: updateID}, func(op *Operation) error {
		h, err := r.client.UpdateWorkflow(r.ctx, client.UpdateWorkflowOptions{WorkflowID: id, UpdateID: updateID, UpdateName: "set",
			Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageCompleted})
		if err != nil {
			return err
		}
		var got int
		if err := h.Get(r.ctx, &got); err != nil {
			return err
		}
		op.Seen = &Seen{Result: fmt.Sprint(got)}
		return nil
	})
}

func (r *recorder) load() {
	for i := range 3 {
		id := fmt.Sprint("steps-", i)
		r.end(id, ClassHealthy, r.start(id, wfSteps, ClassHealthy, 4), 6)
	}
	again := r.start("steps-0", wfSteps, "", 1)
	r.end("steps-0", "", again, 0)

	run := r.start("ears", wfEars, "", 6, 0)
	r.start("ears", wfEars, "", 1, 0) // refused
	for i := range 6 {
		r.signal("ears", fmt.Sprint("mark-", i))
	}
	r.describe("ears")
	r.end("ears", "", run, 6)
	r.describe("ears")
	r.signal("ears", "too late") // refused

	run = r.start("wide", wfWide, "")
	r.end("wide", "", run, 24*60<<10)
	run = r.start("large", wfLarge, "", strings.Repeat("large", 60<<10))
	r.end("large", "", run, 300<<10)
	run = r.start("parent", wfParent, "")
	r.end("parent", "", run, 1)

	run = r.start("update", wfUpdate, "")
	r.update("update", "bad", -1)
	r.update("update", "good", 21)
	r.end("update", "", run, 21)

	run = r.start("wait", wfWait, "")
	r.do(Operation{Kind: OperationCancel, WorkflowID: "wait"}, func(*Operation) error { return r.client.CancelWorkflow(r.ctx, "wait", "") })
	r.must(r.expect.Append(Expectation{WorkflowID: "wait", Status: "Canceled"}))
	if err := run.Get(r.ctx, nil); err == nil {
		r.Fatal("the canceled run completed")
	}
	f, err := OpenFaults(r.dir, "harness", WriteOptions{})
	r.must(err)
	f0 := Fault{ID: "1", Kind: "kill-worker", Target: "worker-1", Begun: Now()}
	r.do(Operation{Kind: OperationDescribe, WorkflowID: "wait"}, func(op *Operation) error {
		f0.Begun = Now()
		op.Seen = &Seen{Status: "Canceled"}
		return f.Append(f0)
	})
	f0.Ended, f0.Recovered = Now(), Now()
	r.must(errors.Join(f.Append(f0), f.Close()))
}

// await waits until nothing waits.
func (r *recorder) await(nc *nats.Conn) {
	r.Helper()
	for {
		d, err := Waiting(r.ctx, nc, client.DefaultNamespace)
		r.must(err)
		if d.Left() == 0 {
			return
		}
	}
}
