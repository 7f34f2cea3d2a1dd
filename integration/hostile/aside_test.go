package hostile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

// A memo, a header and the like are in every message that follows from a call. What is accepted must be possible to send,
// beside arguments, results and failures that are as large as they may be, or a run waits for ever.

// bytesOf is a value that is encoded in n bytes: raw bytes with their metadata.
func bytesOf(n int) []byte {
	empty, err := converter.GetDefaultDataConverter().ToPayloads([]byte{})
	if err != nil {
		panic(err)
	}
	return make([]byte, n-empty.Size())
}

// field is a map of one field that counts n bytes.
func field(n int) map[string]interface{} {
	return map[string]interface{}{"k": bytesOf(n - len("k") - history.FieldOverhead)}
}

// fullArgs are arguments of which as much stays in messages as may.
func fullArgs(e *engine) []interface{} {
	n := e.streams.Limits().MaxInline/2 - history.FieldOverhead
	return []interface{}{bytesOf(n), bytesOf(n)}
}

// blob puts a header of a given size on every call.
type blob struct{}

type blobKey struct{}

var _ workflow.ContextPropagator = blob{}

func (blob) put(n any, w workflow.HeaderWriter) error {
	size, ok := n.(int)
	if !ok || size == 0 {
		return nil
	}
	w.Set("k", &common.Payload{Data: make([]byte, size-len("k")-history.FieldOverhead)})
	return nil
}

func (b blob) Inject(ctx context.Context, w workflow.HeaderWriter) error {
	return b.put(ctx.Value(blobKey{}), w)
}

func (b blob) InjectFromWorkflow(ctx workflow.Context, w workflow.HeaderWriter) error {
	return b.put(ctx.Value(blobKey{}), w)
}

func (blob) Extract(ctx context.Context, _ workflow.HeaderReader) (context.Context, error) {
	return ctx, nil
}

func (blob) ExtractToWorkflow(ctx workflow.Context, _ workflow.HeaderReader) (workflow.Context, error) {
	return ctx, nil
}

// stumble fails with a long failure on its first attempt, and continues as new after the second.
func stumble(ctx workflow.Context, a, b []byte) (int, error) {
	switch info := workflow.GetInfo(ctx); {
	case info.Attempt == 1 && info.ContinuedExecutionRunID == "":
		return 0, errors.New(strings.Repeat("failure ", 1<<17))
	case info.Attempt == 2:
		return 0, workflow.NewContinueAsNewError(ctx, "Stumble", a, b)
	}
	return len(a) + len(b), nil
}

// asideCases try what comes along with a call, in n bytes; the error is that of the call.
func (e *engine) asideCases() map[string]func(id string, n int) error {
	start := func(ctx context.Context, o client.StartWorkflowOptions) error {
		o.TaskQueue, o.RetryPolicy = queue, &millrace.RetryPolicy{MaximumAttempts: 2, InitialInterval: time.Millisecond}
		run, err := e.client.ExecuteWorkflow(ctx, o, "Stumble", fullArgs(e)...)
		if err == nil {
			err = run.Get(e.ctx, nil)
		}
		return err
	}
	calls := func(kind string) func(id string, n int) error {
		return func(id string, n int) error {
			run, err := e.client.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, "Calls", kind, n, len(fullArgs(e)[0].([]byte)))
			e.must(err)
			return run.Get(e.ctx, nil)
		}
	}
	header := func(n int) context.Context { return context.WithValue(e.ctx, blobKey{}, n) }
	return map[string]func(id string, n int) error{
		"memo of a start": func(id string, n int) error {
			return start(e.ctx, client.StartWorkflowOptions{ID: id, Memo: field(n)})
		},
		"header of a start": func(id string, n int) error { return start(header(n), client.StartWorkflowOptions{ID: id}) },
		"search attributes of a start": func(id string, n int) error {
			key := millrace.NewSearchAttributeKeyKeyword("k")
			return start(e.ctx, client.StartWorkflowOptions{ID: id,
				TypedSearchAttributes: millrace.NewSearchAttributes(key.ValueSet(strings.Repeat("x", n-e.keywordOverhead())))})
		},
		"summary and details of a start": func(id string, n int) error {
			return start(e.ctx, client.StartWorkflowOptions{ID: id, StaticSummary: "s", StaticDetails: strings.Repeat("d", n-1)})
		},
		"header of a signal": func(id string, n int) error {
			run, err := e.client.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, "Hears")
			e.must(err)
			if err := e.client.SignalWorkflow(header(n), id, "", "go", fullArgs(e)[0]); err != nil {
				e.must(e.client.TerminateWorkflow(e.ctx, id, "", ""))
				return err
			}
			return run.Get(e.ctx, nil)
		},
		"reason of a termination": func(id string, n int) error {
			_, err := e.client.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, "Hears")
			e.must(err)
			err = e.client.TerminateWorkflow(e.ctx, id, "", strings.Repeat("r", n))
			if err != nil {
				e.must(e.client.TerminateWorkflow(e.ctx, id, "", ""))
			}
			return err
		},
		"memo upserted": calls("memo"), "header of an activity": calls("activity"), "summary of an activity": calls("summary"),
		"header of a child": calls("child"), "memo of a child": calls("child memo"), "search attributes upserted": calls("search"),
		"header of a signal to another run": calls("signal"), "error types that are not retried": calls("types"),
	}
}

// keywordOverhead is what a search attribute of type Keyword called "k" counts beside the text of its value.
func (e *engine) keywordOverhead() int {
	search, err := history.EncodeSearch(millrace.NewSearchAttributes(millrace.NewSearchAttributeKeyKeyword("k").ValueSet("")))
	e.must(err)
	_, n, _ := history.Aside{Search: search}.Fits(1 << 20)
	return n
}

// calls makes one call of workflow code with n bytes of what comes along, beside arguments of twice so many bytes.
func calls(overhead int) func(ctx workflow.Context, kind string, n, size int) error {
	return func(ctx workflow.Context, kind string, n, size int) error {
		if workflow.GetInfo(ctx).ContinuedExecutionRunID != "" {
			return nil
		}
		arg, with := make([]byte, size), workflow.WithValue(ctx, blobKey{}, n)
		continued := func(err error) error {
			if err != nil {
				return err
			}
			return workflow.NewContinueAsNewError(ctx, "Calls", kind, n, size)
		}
		var o workflow.ActivityOptions
		switch kind {
		case "memo":
			return continued(workflow.UpsertMemo(ctx, field(n)))
		case "search":
			key := millrace.NewSearchAttributeKeyKeyword("k")
			return continued(workflow.UpsertTypedSearchAttributes(ctx, key.ValueSet(strings.Repeat("x", n-overhead))))
		case "activity":
			return workflow.ExecuteActivity(queued(with), "length", arg, arg).Get(ctx, nil)
		case "summary":
			o.Summary = strings.Repeat("s", n)
		case "types":
			o.RetryPolicy = &millrace.RetryPolicy{NonRetryableErrorTypes: []string{strings.Repeat("t", n-history.FieldOverhead)}}
		case "child":
			return workflow.ExecuteChildWorkflow(with, "Stumble2", arg, arg).Get(ctx, nil)
		case "child memo":
			return workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{Memo: field(n)}), "Stumble2", arg, arg).Get(ctx, nil)
		case "signal":
			return workflow.SignalExternalWorkflow(with, workflow.GetInfo(ctx).WorkflowExecution.ID, "", "me", arg).Get(ctx, nil)
		}
		o.StartToCloseTimeout, o.DisableEagerExecution = 20*time.Second, true
		return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), "length", arg, arg).Get(ctx, nil)
	}
}

func TestWhatComesAlongAtTheLimit(t *testing.T) {
	t.Parallel()
	e := newEngineWith(t, "default", client.Options{ContextPropagators: []workflow.ContextPropagator{blob{}}})
	e.work(queue, map[string]any{
		"Stumble": stumble, "Calls": calls(e.keywordOverhead()),
		"Stumble2": func(_ workflow.Context, a, b []byte) (int, error) { return len(a) + len(b), nil },
		"Hears": func(ctx workflow.Context) error {
			workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
			return nil
		},
	}, map[string]any{"length": func(_ context.Context, a, b []byte) (int, error) { return len(a) + len(b), nil }})
	limit := e.streams.Limits().MaxAside
	for name, try := range e.asideCases() {
		t.Run(name, func(t *testing.T) {
			for _, over := range []int{-1, 0} {
				if err := try(fmt.Sprint(name, over), limit+over); err != nil {
					t.Fatalf("at the limit %+d: %v\n%s", over, cut(err), e.log.text())
				}
			}
			err := try(name+" over", limit+1)
			var app *millrace.ApplicationError
			invalid := errors.As(err, new(*serviceerror.InvalidArgument)) || errors.As(err, &app) && app.Type() == "PayloadTooLarge"
			what, _, _ := strings.Cut(name, " of ")
			what, _, _ = strings.Cut(what, " upserted")
			switch what {
			case "summary":
				what = "summary and details"
			case "error types that are not retried":
				what = "retry policy"
			}
			if text := fmt.Sprint(err); !invalid || !strings.Contains(text, what) || !strings.Contains(text, fmt.Sprint(limit+1)) || !strings.Contains(text, fmt.Sprint(limit, " bytes")) &&
				!strings.Contains(text, fmt.Sprint("limit is ", limit)) {
				t.Errorf("beyond the limit: %v, want an error that names %q, %d and %d", cut(err), what, limit+1, limit)
			}
		})
	}
	if text := e.log.text(); strings.Contains(text, "handed back") || strings.Contains(text, "cannot go on") {
		t.Errorf("a run could not go on:\n%s", text)
	}
}

// TestLongFailuresAndManyValuesGetThrough is about what has no limit of its own: it is cut, or refused, and reaches whoever
// waits for it.
func TestLongFailuresAndManyValuesGetThrough(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "default")
	many := func(n, size int) []interface{} {
		all := make([]interface{}, n)
		for i := range all {
			all[i] = strings.Repeat(fmt.Sprint(i%10), size)
		}
		return all
	}
	long := strings.Repeat("failure ", 1<<18)
	e.work(queue, map[string]any{
		"Parent": func(ctx workflow.Context) error { return workflow.ExecuteChildWorkflow(ctx, "Fails").Get(ctx, nil) },
		"Fails":  func(workflow.Context) error { return millrace.NewApplicationError(long, "Long", errors.New(long)) },
		"Activity": func(ctx workflow.Context, name string, n, size int) error {
			return workflow.ExecuteActivity(queued(ctx), name, many(n, size)...).Get(ctx, nil)
		},
		"Child": func(ctx workflow.Context, n, size int) error {
			return workflow.ExecuteChildWorkflow(ctx, "Takes", many(n, size)...).Get(ctx, nil)
		},
		"Takes": func(workflow.Context) error { return nil },
	}, map[string]any{
		"takes": func(context.Context) error { return nil },
		"beats": func(ctx context.Context) (bool, error) {
			if activity.GetInfo(ctx).Attempt == 1 {
				activity.RecordHeartbeat(ctx, many(1000, 2000)...)
				return false, errors.New(long)
			}
			return activity.HasHeartbeatDetails(ctx), nil
		},
		"full": func(ctx context.Context) (int, error) {
			if activity.GetInfo(ctx).Attempt == 1 {
				activity.RecordHeartbeat(ctx, fullArgs(e)...)
				return 0, millrace.NewApplicationError(strings.Repeat("x", 500<<10), "Long", errors.New(strings.Repeat("y", 10<<10)))
			}
			var a, b []byte
			err := activity.GetHeartbeatDetails(ctx, &a, &b)
			return len(a) + len(b), err
		},
	})
	run := func(t *testing.T, name string, args ...interface{}) error {
		ctx, cancel := context.WithTimeout(e.ctx, 20*time.Second)
		defer cancel()
		r, err := e.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: t.Name(), TaskQueue: queue}, name, args...)
		if err == nil {
			err = r.Get(ctx, nil)
		}
		if ctx.Err() != nil {
			t.Fatalf("no result: %v\n%s", cut(err), e.log.text())
		}
		return err
	}
	t.Run("failure of a child", func(t *testing.T) {
		var child *millrace.ChildWorkflowExecutionError
		var app *millrace.ApplicationError
		if err := run(t, "Parent"); !errors.As(err, &child) || !errors.As(err, &app) || app.Type() != "Long" {
			t.Errorf("got %v", cut(err))
		}
	})
	for name, want := range map[string]string{"takes": "too small to be stored apart", "Child": "too small to be stored apart"} {
		t.Run("many small arguments: "+name, func(t *testing.T) {
			args := []interface{}{1000, 1000}
			workflowType := "Child"
			if name != "Child" {
				workflowType, args = "Activity", append([]interface{}{name}, args...)
			}
			var app *millrace.ApplicationError
			if err := run(t, workflowType, args...); !errors.As(err, &app) || app.Type() != "PayloadTooLarge" || !strings.Contains(app.Error(), want) {
				t.Errorf("got %v, want %q", cut(err), want)
			}
		})
	}
	t.Run("heartbeat of many details", func(t *testing.T) {
		if err := run(t, "Activity", "beats", 0, 0); err != nil {
			t.Errorf("got %v", cut(err))
		}
	})
	t.Run("heartbeat and failure that fill a message", func(t *testing.T) {
		if err := run(t, "Activity", "full", 0, 0); err != nil {
			t.Errorf("got %v", cut(err))
		}
	})
}
