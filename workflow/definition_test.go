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
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

func TestFunctionNames(t *testing.T) {
	t.Parallel()
	var a *Activities
	for want, fn := range map[string]any{"Day": Day, "Publish": a.Publish, "generic": generic[int], "Train": Train} {
		if got, err := workflow.FunctionName(fn); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	d, err := workflow.NewDefinition("", Day, workflow.DefinitionOptions{})
	if err != nil || d.Name() != "Day" {
		t.Errorf("got %v, %v", d, err)
	}
}

func generic[T any](workflow.Context, T) error { return nil }

func TestNewDefinitionNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for want, fn := range map[string]any{
		"is not a function": 5,
		"is nil":            (func(workflow.Context) error)(nil),
		"func() error: the first parameter must be a":        func() error { return nil },
		"func(string) error: the first parameter must be a":  func(string) error { return nil },
		"func(workflow.Context): the results must be":        func(workflow.Context) {},
		"func(workflow.Context) string: the results must be": func(workflow.Context) string { return "" },
		"func(workflow.Context) (int, int, error): the resu": func(workflow.Context) (int, int, error) { return 0, 0, nil },
		"func(workflow.Context) (error, int): the results":   func(workflow.Context) (error, int) { return nil, 0 },
		"variadic functions are not supported":               func(workflow.Context, ...int) error { return nil },
		"a result of type chan int cannot be stored":         func(workflow.Context) (chan int, error) { return nil, nil },
	} {
		if _, err := workflow.NewDefinition("", fn, workflow.DefinitionOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestInputAndResult(t *testing.T) {
	t.Parallel()
	h := begin(t, func(_ workflow.Context, a string, b map[string]int, missing *int) (map[string]any, error) {
		return map[string]any{"a": a, "b": b["x"], "missing": missing == nil}, nil
	}, "text", map[string]int{"x": 3})
	wantResult(h, map[string]any{"a": "text", "b": 3.0, "missing": true})

	none := begin(t, func(workflow.Context) error { return nil })
	none.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	if p, _, _ := none.m.State().Result(); p != nil {
		t.Errorf("a workflow without a result has %v", p)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fn   any
		want string
	}{
		"error":      {func(workflow.Context) error { return millrace.NewApplicationError("m", "T") }, "m (type: T, retryable: true)"},
		"input":      {func(_ workflow.Context, n int) error { return nil }, "decode arguments of func(workflow.Context, int) error"},
		"result":     {func(workflow.Context) (any, error) { return func() {}, nil }, "workflow Workflow: encode result"},
		"large":      {func(workflow.Context) (string, error) { return strings.Repeat("x", 2000), nil }, "workflow result: result is 2020 bytes, the limit is 1000 (type: PayloadTooLarge, retryable: false)"},
		"panic type": {func(ctx workflow.Context) error { return fmt.Errorf("day 3: %w", errors.New("no rows")) }, "day 3: no rows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, tt.fn, []any{"text"}, limit(1000))
			h.step()
			h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_FAILED)
			if got := h.err().Error(); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWorkflowRetry(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) error {
		return fmt.Errorf("attempt %d", workflow.GetInfo(ctx).Attempt)
	}, nil, func(h *harness, _ *workflow.DefinitionOptions) {
		h.start.RetryPolicy = &history.RetryPolicy{MaximumAttempts: 3}
	})
	h.step()
	_, a := last[*history.WorkflowExecutionFailed](h)
	if a.Successor == nil || a.Successor.Attempt != 2 || a.Failure.Message != "attempt 1" {
		t.Errorf("failed %+v", a)
	}
}

func TestContinueAsNew(t *testing.T) {
	t.Parallel()
	base := func(h *harness, _ *workflow.DefinitionOptions) {
		h.start.RunTimeout, h.start.TaskTimeout = 60_000, 50
		h.start.RetryPolicy = &history.RetryPolicy{MaximumAttempts: 3}
	}
	for name, tt := range map[string]struct {
		err  func(ctx workflow.Context) error
		want history.Successor
	}{
		"as it is": {
			func(ctx workflow.Context) error { return workflow.NewContinueAsNewError(ctx, Day, "tuesday") },
			history.Successor{Type: "Day", Queue: "orders", Input: payloads(t, "tuesday"), RunTimeout: 60_000, TaskTimeout: 50,
				RetryPolicy: &history.RetryPolicy{MaximumAttempts: 3}},
		},
		"with options, wrapped": {
			func(ctx workflow.Context) error {
				ctx = workflow.WithWorkflowTaskQueue(workflow.WithWorkflowRunTimeout(ctx, time.Second), "other")
				return fmt.Errorf("next: %w", workflow.NewContinueAsNewErrorWithOptions(ctx, workflow.ContinueAsNewErrorOptions{
					RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 9}, BackoffStartInterval: time.Minute,
				}, "Day", "tuesday"))
			},
			history.Successor{Type: "Day", Queue: "other", Input: payloads(t, "tuesday"), RunTimeout: 1000, TaskTimeout: 50,
				Delay: 60_000, RetryPolicy: &history.RetryPolicy{MaximumAttempts: 9}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, func(ctx workflow.Context) error {
				err := tt.err(ctx)
				if !workflow.IsContinueAsNewError(err) || workflow.IsContinueAsNewError(errors.New("other")) {
					return errors.New("IsContinueAsNewError is wrong")
				}
				return err
			}, nil, base)
			h.step()
			h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW)
			_, a := last[*history.WorkflowExecutionContinuedAsNew](h)
			tt.want.RunID, tt.want.Initiator, tt.want.Attempt = a.Successor.RunID, enums.CONTINUE_AS_NEW_INITIATOR_WORKFLOW, 1
			if d := cmp.Diff(&tt.want, a.Successor); d != "" || a.Successor.RunID == "" {
				t.Errorf("run ID %q, successor differs: %s", a.Successor.RunID, d)
			}
		})
	}
}

func TestWrongContinueAsNewFails(t *testing.T) {
	t.Parallel()
	for want, make := range map[string]func(ctx workflow.Context) error{
		"0 arguments given":    func(ctx workflow.Context) error { return workflow.NewContinueAsNewError(ctx, Day) },
		"a function or a name": func(ctx workflow.Context) error { return workflow.NewContinueAsNewError(ctx, 5) },
		"encode arguments":     func(ctx workflow.Context) error { return workflow.NewContinueAsNewError(ctx, "Day", make(chan int)) },
		"input is 2020 bytes, the limit is 1000": func(ctx workflow.Context) error {
			return workflow.NewContinueAsNewError(ctx, "Day", strings.Repeat("x", 2000))
		},
		"BackoffStartInterval is -1ns, must not": func(ctx workflow.Context) error {
			return workflow.NewContinueAsNewErrorWithOptions(ctx, workflow.ContinueAsNewErrorOptions{BackoffStartInterval: -1}, "Day")
		},
	} {
		h := newHarness(t, make, nil, limit(1000))
		h.step()
		h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_FAILED)
		if got := h.err().Error(); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	memo := &common.Memo{Fields: map[string]*common.Payload{"k": payloads(t, 1).Payloads[0]}}
	search := &common.SearchAttributes{IndexedFields: memo.Fields}
	var got workflow.Info
	var length []int
	h := newHarness(t, func(ctx workflow.Context) error {
		info := workflow.GetInfo(ctx)
		got, length = *info, append(length, info.GetCurrentHistoryLength())
		err := workflow.Sleep(ctx, time.Minute)
		length = append(length, info.GetCurrentHistoryLength())
		return err
	}, nil, func(h *harness, _ *workflow.DefinitionOptions) {
		h.start.ExecutionTimeout, h.start.RunTimeout, h.start.TaskTimeout = 3_600_000, 600_000, 1000
		h.start.Memo, h.start.Search = memo, search
		h.start.ContinuedRunID, h.start.FirstRunID, h.start.Attempt = "before", "first", 2
		h.start.RetryPolicy = &history.RetryPolicy{MaximumAttempts: 3}
		h.start.Parent = &history.Parent{Address: history.Address{Run: history.Run{WorkflowID: "p", RunID: "pr"}}, Initiated: 3}
		h.start.Root = &history.Run{WorkflowID: "r", RunID: "rr"}
	})
	h.step()
	want := workflow.Info{
		WorkflowExecution: workflow.Execution{ID: "order-1", RunID: h.start.Run.RunID}, OriginalRunID: h.start.Run.RunID,
		FirstRunID: "first", WorkflowType: workflow.Type{Name: "Workflow"}, TaskQueueName: "orders",
		WorkflowExecutionTimeout: time.Hour, WorkflowRunTimeout: 10 * time.Minute, WorkflowTaskTimeout: time.Second,
		Namespace: "default", Attempt: 2, WorkflowStartTime: epoch, ContinuedExecutionRunID: "before",
		ParentWorkflowNamespace: "default", ParentWorkflowExecution: &workflow.Execution{ID: "p", RunID: "pr"},
		RootWorkflowExecution: &workflow.Execution{ID: "r", RunID: "rr"},
		Memo:                  memo, SearchAttributes: search, RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 3},
	}
	exported := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".env" }, cmp.Ignore())
	if d := cmp.Diff(want, got, exported); d != "" {
		t.Errorf("info differs: %s", d)
	}
	h.advance(time.Minute)
	if d := cmp.Diff([]int{1, 3}, length); d != "" {
		t.Errorf("history lengths: %s", d)
	}
}

// recorder is a logger that keeps its lines.
type recorder struct{ lines []string }

func (r *recorder) line(level, msg string, keyvals []any) {
	r.lines = append(r.lines, strings.TrimSpace(fmt.Sprintln(append([]any{level, msg}, keyvals...)...)))
}
func (r *recorder) Debug(msg string, keyvals ...any) { r.line("debug", msg, keyvals) }
func (r *recorder) Info(msg string, keyvals ...any)  { r.line("info", msg, keyvals) }
func (r *recorder) Warn(msg string, keyvals ...any)  { r.line("warn", msg, keyvals) }
func (r *recorder) Error(msg string, keyvals ...any) { r.line("error", msg, keyvals) }

func TestLoggerIsSilentInReplay(t *testing.T) {
	t.Parallel()
	code := func(ctx workflow.Context) error {
		workflow.GetLogger(ctx).Info("begin", "Replaying", workflow.IsReplaying(ctx))
		err := workflow.Sleep(ctx, time.Minute)
		log.With(workflow.GetLogger(ctx), "day", 1).Warn("end")
		return err
	}
	for _, inReplay := range []bool{false, true} {
		r := &recorder{}
		h := newHarness(t, code, nil, func(_ *harness, o *workflow.DefinitionOptions) {
			o.Logger, o.EnableLoggingInReplay = r, inReplay
		})
		tags := " Namespace default TaskQueue orders WorkflowType Workflow WorkflowID order-1 RunID " + h.start.Run.RunID + " Attempt 1 "
		h.step()
		h.advance(time.Minute)
		want := []string{"info begin" + tags + "Replaying false", "warn end" + tags + "day 1"}
		h.verify()
		if inReplay {
			want = append(want, "info begin"+tags+"Replaying true", "warn end"+tags+"day 1")
		}
		if d := cmp.Diff(want, r.lines); d != "" {
			t.Errorf("in replay %v, lines differ: %s", inReplay, d)
		}
	}
}
