package workflow_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

func Day(ctx workflow.Context, day string) (string, error) { return day, nil }

// parent starts one child and reports when it has started and how it ended.
func parent(wait bool) func(ctx workflow.Context) ([]string, error) {
	return func(ctx workflow.Context) ([]string, error) {
		var log []string
		ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: "day-1", WaitForCancellation: wait})
		child := workflow.ExecuteChildWorkflow(ctx, Day, "monday")
		var e workflow.Execution
		err := child.GetChildWorkflowExecution().Get(ctx, &e)
		log = append(log, fmt.Sprintf("start %s %v %v", e.ID, e.RunID != "", err))
		var result string
		err = child.Get(ctx, &result)
		return append(log, fmt.Sprintf("end %q %v", result, err)), nil
	}
}

func TestChildStartsThenCloses(t *testing.T) {
	t.Parallel()
	h := begin(t, parent(false))
	h.step(h.childStarted())
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
	h.step(h.childCompleted("done"))
	wantResult(h, []string{"start day-1 true <nil>", `end "done" <nil>`})
	h.wantTrace("StartChildWorkflowExecutionInitiated", "ChildWorkflowExecutionStarted",
		"ChildWorkflowExecutionCompleted WorkflowExecutionCompleted")
}

func TestChildCloseOvertakesItsStart(t *testing.T) {
	t.Parallel()
	h := begin(t, parent(false))
	h.step(h.childCompleted("done"))
	wantResult(h, []string{"start day-1 true <nil>", `end "done" <nil>`})
}

func TestChildOptionsReachTheEvent(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			Namespace: "default", WorkflowID: "day-1", TaskQueue: "days",
			WorkflowExecutionTimeout: time.Hour, WorkflowRunTimeout: time.Minute, WorkflowTaskTimeout: time.Second,
			WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			RetryPolicy:           &millrace.RetryPolicy{MaximumAttempts: 2},
			Memo:                  map[string]interface{}{"day": "monday"},
			ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
			StaticSummary:         "a day", StaticDetails: "a day in detail",
		})
		return workflow.ExecuteChildWorkflow(ctx, "Day", "monday").Get(ctx, nil)
	})
	_, got := last[*history.StartChildWorkflowExecutionInitiated](h)
	want := &history.StartChildWorkflowExecutionInitiated{
		WorkflowID: "day-1", RunID: got.RunID, Type: "Day", Queue: "days", Input: payloads(t, "monday"),
		Memo:             &common.Memo{Fields: map[string]*common.Payload{"day": payloads(t, "monday").Payloads[0]}},
		ExecutionTimeout: 3_600_000, RunTimeout: 60_000, TaskTimeout: 1000,
		RetryPolicy: &history.RetryPolicy{MaximumAttempts: 2},
		ParentClose: enums.PARENT_CLOSE_POLICY_ABANDON, Reuse: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		StaticSummary: "a day", StaticDetails: "a day in detail",
	}
	if d := cmp.Diff(want, got); d != "" || got.RunID == "" {
		t.Errorf("run ID %q, child differs: %s", got.RunID, d)
	}
}

func TestChildInheritsWithoutOptions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) error {
		return workflow.ExecuteChildWorkflow(ctx, Day, "d").Get(ctx, nil)
	}, nil, func(h *harness, _ *workflow.DefinitionOptions) { h.start.RunTimeout, h.start.TaskTimeout = 5000, 50 })
	h.step()
	_, got := last[*history.StartChildWorkflowExecutionInitiated](h)
	if got.RunTimeout != 5000 || got.TaskTimeout != 50 || got.Queue != "orders" || got.WorkflowID != h.start.Run.RunID+"_2" {
		t.Errorf("child %+v", got)
	}
}

func TestChildErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		outcome history.ChildOutcome
		is      func(error) bool
		retry   enums.RetryState
	}{
		"failed": {history.ChildOutcome{Status: enums.WORKFLOW_EXECUTION_STATUS_FAILED, RunID: "later",
			Failure: failureOf(millrace.NewApplicationError("m", "T")), Retry: enums.RETRY_STATE_RETRY_POLICY_NOT_SET},
			millrace.IsApplicationError, enums.RETRY_STATE_RETRY_POLICY_NOT_SET},
		"timed out": {history.ChildOutcome{Status: enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, RunID: "later"},
			millrace.IsTimeoutError, enums.RETRY_STATE_UNSPECIFIED},
		"terminated": {history.ChildOutcome{Status: enums.WORKFLOW_EXECUTION_STATUS_TERMINATED, RunID: "later"},
			millrace.IsTerminatedError, enums.RETRY_STATE_UNSPECIFIED},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := begin(t, func(ctx workflow.Context) error {
				ctx = workflow.WithWorkflowID(ctx, "day-1")
				return workflow.ExecuteChildWorkflow(ctx, Day, "d").Get(ctx, nil)
			})
			h.step(h.child(tt.outcome))
			var child *millrace.ChildWorkflowExecutionError
			if err := h.err(); !errors.As(err, &child) || !tt.is(err) {
				t.Fatalf("got %v", err)
			}
			got := []any{child.Namespace(), child.WorkflowID(), child.RunID(), child.WorkflowType(), child.InitiatedEventID(), child.RetryState()}
			if d := cmp.Diff([]any{"default", "day-1", "later", "Day", int64(2), tt.retry}, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestCanceledChildCancelsItsParent(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error { return workflow.ExecuteChildWorkflow(ctx, Day, "d").Get(ctx, nil) })
	h.step(h.child(history.ChildOutcome{Status: enums.WORKFLOW_EXECUTION_STATUS_CANCELED}))
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
}

func TestChildThatIsOpenAlready(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		child := workflow.ExecuteChildWorkflow(workflow.WithWorkflowID(ctx, "day-1"), Day, "d")
		start, end := child.GetChildWorkflowExecution().Get(ctx, nil), child.Get(ctx, nil)
		var e *millrace.ChildWorkflowExecutionError
		signal := child.SignalChildWorkflow(ctx, "s", 1).Get(ctx, nil)
		return fmt.Sprint(errors.Is(start, millrace.ErrChildWorkflowExecutionAlreadyStarted), errors.As(end, &e), start == end, signal == start), nil
	})
	h.step(h.child(history.ChildOutcome{Cause: enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS}))
	wantResult(h, "true true true true")
}

func TestCancelOfAChild(t *testing.T) {
	t.Parallel()
	request := func(h *harness) *history.RequestCancelExternalWorkflowExecutionInitiated {
		_, a := last[*history.RequestCancelExternalWorkflowExecutionInitiated](h)
		return a
	}
	t.Run("at once", func(t *testing.T) {
		t.Parallel()
		h := begin(t, parent(false))
		h.step(h.childStarted())
		h.step(h.cancel())
		wantResult(h, []string{"start day-1 true <nil>", `end "" canceled`})
		if a := request(h); a.Target != (history.Run{WorkflowID: "day-1"}) || !a.ChildOnly {
			t.Errorf("request %+v", a)
		}
	})
	t.Run("before the start is known", func(t *testing.T) {
		t.Parallel()
		h := begin(t, parent(false))
		h.step(h.cancel())
		wantResult(h, []string{"start  false canceled", `end "" canceled`})
		_, child := last[*history.StartChildWorkflowExecutionInitiated](h)
		if a := request(h); a.Target.RunID != child.RunID || a.Target.RunID == "" {
			t.Errorf("request %+v", a)
		}
	})
	t.Run("waiting", func(t *testing.T) {
		t.Parallel()
		h := begin(t, parent(true))
		h.step(h.cancel())
		h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
		h.step(h.childStarted())
		h.step(h.childCompleted("done anyway"))
		wantResult(h, []string{"start day-1 true <nil>", `end "done anyway" <nil>`})
	})
	t.Run("after it has closed", func(t *testing.T) {
		t.Parallel()
		h := begin(t, func(ctx workflow.Context) error {
			if err := workflow.ExecuteChildWorkflow(ctx, Day, "d").Get(ctx, nil); err != nil {
				return err
			}
			return workflow.Sleep(ctx, time.Hour)
		})
		h.step(h.childCompleted(nil))
		h.step(h.cancel())
		h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
		h.wantTrace("StartChildWorkflowExecutionInitiated", "ChildWorkflowExecutionStarted ChildWorkflowExecutionCompleted TimerStarted",
			"WorkflowExecutionCancelRequested TimerCanceled WorkflowExecutionCanceled")
	})
}

func TestSignalsToOtherRuns(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		child := workflow.ExecuteChildWorkflow(workflow.WithWorkflowID(ctx, "day-1"), Day, "d")
		toChild := child.SignalChildWorkflow(ctx, "go", 1).Get(ctx, nil)
		toOther := workflow.SignalExternalWorkflow(ctx, "other", "run-7", "stop", "now").Get(ctx, nil)
		cancel := workflow.RequestCancelExternalWorkflow(ctx, "other", "").Get(ctx, nil)
		var unknown *millrace.UnknownExternalWorkflowExecutionError
		return fmt.Sprint(toChild, errors.As(toOther, &unknown), cancel), nil
	})
	answer := func(notFound bool) *history.Message {
		var id int64
		for n := range h.m.State().Externals {
			id = max(id, n)
		}
		return &history.Message{ID: "1", External: &history.ExternalResult{Initiated: id, NotFound: notFound}}
	}
	h.step(h.childStarted())
	_, a := last[*history.SignalExternalWorkflowExecutionInitiated](h)
	want := &history.SignalExternalWorkflowExecutionInitiated{Target: history.Run{WorkflowID: "day-1"}, Name: "go", Input: payloads(t, 1), ChildOnly: true}
	if d := cmp.Diff(want, a); d != "" {
		t.Error(d)
	}
	h.step(answer(false))
	_, a = last[*history.SignalExternalWorkflowExecutionInitiated](h)
	want = &history.SignalExternalWorkflowExecutionInitiated{Target: history.Run{WorkflowID: "other", RunID: "run-7"}, Name: "stop", Input: payloads(t, "now")}
	if d := cmp.Diff(want, a); d != "" {
		t.Error(d)
	}
	h.step(answer(true))
	h.step(answer(false))
	wantResult(h, "<nil> true <nil>")
}

func TestWrongChildAndExternalCallsFailTheFuture(t *testing.T) {
	t.Parallel()
	type o = workflow.ChildWorkflowOptions
	child := func(options o, callee any, args ...any) func(workflow.Context) workflow.Future {
		return func(ctx workflow.Context) workflow.Future {
			return workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, options), callee, args...)
		}
	}
	long := strings.Repeat("x", 2000)
	for name, tt := range map[string]struct {
		call func(workflow.Context) workflow.Future
		want string
	}{
		"namespace": {child(o{Namespace: "other"}, "C"), `Namespace "other" other than the parent's "default": not supported yet`},
		"cron":      {child(o{CronSchedule: "soon"}, "C"), `CronSchedule: cron schedule "soon"`},
		"search":    {child(o{SearchAttributes: map[string]interface{}{"": 1}}, "C"), "a search attribute has an empty name"},
		"priority":  {child(o{Priority: millrace.Priority{PriorityKey: -1}}, "C"), "Priority.PriorityKey is -1, must be from 1 to 5, or 0"},
		"negative":  {child(o{WorkflowRunTimeout: -time.Second}, "C"), "WorkflowRunTimeout is -1s, must not be below 0"},
		"retry":     {child(o{RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: -1}}, "C"), "MaximumAttempts is -1"},
		"memo":      {child(o{Memo: map[string]interface{}{"m": make(chan int)}}, "C"), `encode memo "m"`},
		"arguments": {child(o{}, Day), "0 arguments given"},
		"name":      {child(o{}, 5), "a function or a name is needed"},
		"too large": {child(o{}, "C", long), "input is 2020 bytes, the limit is 1000 (type: PayloadTooLarge, retryable: false)"},
		"long ID":   {child(o{WorkflowID: long}, "C"), "workflow ID is 2000 bytes, the limit is 1000 (type: InvalidArgument"},
		"signal too large": {func(ctx workflow.Context) workflow.Future {
			return workflow.SignalExternalWorkflow(ctx, "w", "", "s", long)
		}, "input is 2020 bytes"},
		"signal not encoded": {func(ctx workflow.Context) workflow.Future {
			return workflow.SignalExternalWorkflow(ctx, "w", "", "s", make(chan int))
		}, "signal s to workflow w: encode argument"},
		"signal without name": {func(ctx workflow.Context) workflow.Future {
			return workflow.SignalExternalWorkflow(ctx, "w", "", "", nil)
		}, "signal name is empty"},
		"cancel without ID": {func(ctx workflow.Context) workflow.Future {
			return workflow.RequestCancelExternalWorkflow(ctx, "", "")
		}, "workflow ID is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, func(ctx workflow.Context) (string, error) {
				return fmt.Sprint(tt.call(ctx).Get(ctx, nil)), nil
			}, nil, limit(1000))
			h.step()
			var got string
			h.result(&got)
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			h.wantTrace("WorkflowExecutionCompleted")
		})
	}
}

func TestChildOptionContexts(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		memo := map[string]interface{}{"a": 1}
		ctx = workflow.WithWorkflowTaskQueue(ctx, "q")
		ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: "id", Memo: memo})
		memo["a"] = 2
		changed := workflow.WithWorkflowRunTimeout(workflow.WithWorkflowTaskTimeout(workflow.WithWorkflowID(ctx, "other"), 1), 2)
		one := map[string]interface{}{"a": 1}
		return errors.Join(
			differ(workflow.ChildWorkflowOptions{TaskQueue: "q", WorkflowID: "id", Memo: one}, workflow.GetChildWorkflowOptions(ctx)),
			differ(workflow.ChildWorkflowOptions{TaskQueue: "q", WorkflowID: "other", Memo: one, WorkflowTaskTimeout: 1, WorkflowRunTimeout: 2},
				workflow.GetChildWorkflowOptions(changed)))
	})
	if err := h.err(); err != nil {
		t.Fatal(err)
	}
}
