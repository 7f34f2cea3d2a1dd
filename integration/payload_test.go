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
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/workflow"
)

// workerLimit is the size in bytes of the largest argument or result of a call where a test limits it.
const workerLimit = 512 << 10

// newLimitedEngine is newEngine for clients and workers that accept no more than workerLimit.
func newLimitedEngine(t *testing.T) *engine {
	t.Helper()
	t.Parallel()
	return limitedEngineOn(t, client.PayloadLimitOptions{MaxPayloadSize: workerLimit}, devtest.Server(t))
}

// text returns a string that is encoded in the given number of bytes.
func text(size int) string {
	empty, err := converter.GetDefaultDataConverter().ToPayloads("")
	if err != nil {
		panic(err)
	}
	return strings.Repeat("x", size-empty.Size())
}

// messageLimit is the size in bytes of the largest arguments that a message can hold.
func (e *engine) messageLimit() int {
	e.Helper()
	core, err := client.CoreOf(e.client)
	if err != nil {
		e.Fatal(err)
	}
	return core.Streams.Limits().MaxPayload
}

func TestPayloadLimitsOfAClient(t *testing.T) {
	e := newLimitedEngine(t)
	e.serve(code{
		"length": func(_ workflow.Context, s string) (int, error) { return len(s), nil },
		"hears": func(ctx workflow.Context) (n int, err error) {
			var s string
			workflow.GetSignalChannel(ctx, "say").Receive(ctx, &s)
			return len(s), workflow.SetQueryHandler(ctx, "length", func(q string) (int, error) { return len(q), nil })
		},
	}, nil)
	const limit = workerLimit
	for _, over := range []int{-1, 0, 1} {
		t.Run(fmt.Sprintf("limit %+d", over), func(t *testing.T) {
			id, s := fmt.Sprint("argument", over), text(limit+over)
			o := client.StartWorkflowOptions{ID: id, TaskQueue: queue}
			run, err := e.client.ExecuteWorkflow(e.ctx, o, "length", s)
			_, startErr := e.client.SignalWithStartWorkflow(e.ctx, id+" and start", "say", s, o, "hears")
			hears := e.execute(id+" of a signal", "hears")
			signalErr := e.client.SignalWorkflow(e.ctx, hears.GetID(), "", "say", s)
			if over > 0 {
				for _, err := range []error{err, signalErr, startErr} {
					if invalid := as[*serviceerror.InvalidArgument](e, err); !strings.Contains(invalid.Error(), fmt.Sprint(limit)) {
						t.Errorf("%v does not name the limit %d", invalid, limit)
					}
				}
				if n := e.chain(id) + e.chain(id+" and start"); n > 0 {
					t.Errorf("%d runs were started", n)
				}
				e.signal(hears.GetID(), "say", "short")
				s = "short"
			} else {
				if err := errors.Join(err, signalErr, startErr); err != nil {
					t.Fatal(err)
				}
				if n := result[int](e, run); n != len(s) {
					t.Errorf("the run got %d bytes of %d", n, len(s))
				}
			}
			if n := result[int](e, hears); n != len(s) {
				t.Errorf("the signal had %d bytes of %d", n, len(s))
			}
			_, err = e.client.QueryWorkflow(e.ctx, hears.GetID(), "", "length", text(limit+over))
			if over > 0 {
				as[*serviceerror.InvalidArgument](e, err)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	_, err := e.client.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: "memo", TaskQueue: queue,
		Memo: map[string]interface{}{"a": text(limit), "b": text(limit)}}, "length", "")
	as[*serviceerror.InvalidArgument](e, err)
}

// TestPayloadLimitsOfAWorkflow tries each call of workflow code with an argument at the limit.
func TestPayloadLimitsOfAWorkflow(t *testing.T) {
	e := newLimitedEngine(t)
	calls := map[string]func(ctx workflow.Context, s string) error{
		"activity": func(ctx workflow.Context, s string) error {
			return workflow.ExecuteActivity(quick(ctx), "length", s).Get(ctx, nil)
		},
		"child": func(ctx workflow.Context, s string) error {
			return workflow.ExecuteChildWorkflow(ctx, "length", s).Get(ctx, nil)
		},
		"signal": func(ctx workflow.Context, s string) error {
			return workflow.SignalExternalWorkflow(ctx, workflow.GetInfo(ctx).WorkflowExecution.ID, "", "me", s).Get(ctx, nil)
		},
	}
	e.serve(code{
		"call": func(ctx workflow.Context, call string, size int) (string, error) {
			err := calls[call](ctx, text(size))
			var app *millrace.ApplicationError
			if errors.As(err, &app) && app.NonRetryable() {
				return app.Type(), nil
			}
			return "", err
		},
		"length": func(_ workflow.Context, s string) (int, error) { return len(s), nil },
		"result": func(_ workflow.Context, size int) (string, error) { return text(size), nil },
		"continues": func(ctx workflow.Context, size int) error {
			return workflow.NewContinueAsNewError(ctx, "length", text(size))
		},
	}, code{"length": func(s string) (int, error) { return len(s), nil }})
	for call := range calls {
		for _, over := range []int{-1, 0, 1} {
			want := ""
			if over > 0 {
				want = "PayloadTooLarge"
			}
			if got := result[string](e, e.execute(fmt.Sprint(call, over), "call", call, workerLimit+over)); got != want {
				t.Errorf("%s at the limit %+d: %q, want %q", call, over, got, want)
			}
		}
	}
	for _, end := range []string{"result", "continues"} {
		for _, over := range []int{-1, 0, 1} {
			err := e.execute(fmt.Sprint(end, over), end, workerLimit+over).Get(e.ctx, nil)
			if over <= 0 {
				if err != nil {
					t.Errorf("%s at the limit %+d: %v", end, over, err)
				}
			} else if app := as[*millrace.ApplicationError](e, err); app.Type() != "PayloadTooLarge" || !app.NonRetryable() {
				t.Errorf("%s at the limit %+d: %v", end, over, err)
			}
		}
	}
}

func TestPayloadLimitsOfAnActivity(t *testing.T) {
	e := newLimitedEngine(t)
	e.serve(code{"wf": func(ctx workflow.Context, name string, size int) (int, error) {
		var s string
		err := workflow.ExecuteActivity(quick(ctx), name, size).Get(ctx, &s)
		return len(s), err
	}}, code{
		"result": func(size int) (string, error) { return text(size), nil },
		"beats": func(ctx context.Context, size int) (string, error) {
			if activity.GetInfo(ctx).Attempt == 1 {
				activity.RecordHeartbeat(ctx, text(size))
				return "", errors.New("once more")
			}
			var s string
			if !activity.HasHeartbeatDetails(ctx) {
				return "", nil
			}
			return s, activity.GetHeartbeatDetails(ctx, &s)
		},
		"error": func(size int) (string, error) {
			return "", millrace.NewNonRetryableApplicationError(text(size), "Long", errors.New(text(size)), text(size))
		},
	})
	for _, over := range []int{-1, 0, 1} {
		want := len(text(workerLimit + over))
		run := e.execute(fmt.Sprint("result", over), "wf", "result", workerLimit+over)
		if over > 0 {
			if app := as[*millrace.ApplicationError](e, e.failure(run)); app.Type() != "ResultTooLarge" || !app.NonRetryable() {
				t.Errorf("result at the limit %+d: %v", over, app)
			}
			want = 0
		} else if got := result[int](e, run); got != want {
			t.Errorf("result at the limit %+d has %d bytes", over, got)
		}
		if got := result[int](e, e.execute(fmt.Sprint("beats", over), "wf", "beats", workerLimit+over)); got != want {
			t.Errorf("heartbeat details at the limit %+d have %d bytes, want %d", over, got, want)
		}
	}
	for _, size := range []int{workerLimit / 2, workerLimit, 2 << 20} {
		run := e.execute(fmt.Sprint("error", size), "wf", "error", size)
		if app := as[*millrace.ApplicationError](e, e.failure(run)); app.Type() != "Long" {
			t.Errorf("error of %d bytes: type %q", size, app.Type())
		}
	}
}

// TestManyLargeSignalsAtOnce lets a single transition consume far more than fits into a message.
func TestManyLargeSignalsAtOnce(t *testing.T) {
	e := newEngine(t)
	const n = 7
	run := e.execute("large", "wf")
	s := text(e.messageLimit())
	for range n {
		e.signal("large", "say", s)
	}
	e.serve(code{"wf": func(ctx workflow.Context) (total int, err error) {
		for range n {
			var s string
			workflow.GetSignalChannel(ctx, "say").Receive(ctx, &s)
			total += len(s)
		}
		return total, nil
	}}, nil)
	if got := result[int](e, run); got != n*len(s) {
		t.Errorf("heard %d bytes of %d", got, n*len(s))
	}
}

// TestALargeDecisionSurvivesTheLossOfItsWorker schedules more in one transition than fits into a record or a message, and
// lets another worker go on from there.
func TestALargeDecisionSurvivesTheLossOfItsWorker(t *testing.T) {
	e := newEngine(t)
	wf := func(ctx workflow.Context, n, size int) (total int, err error) {
		ctx = quick(ctx)
		var all []workflow.Future
		for range n {
			all = append(all, workflow.ExecuteActivity(workflow.WithTaskQueue(ctx, "lengths"), "length", text(size)))
		}
		if err := workflow.ExecuteActivity(ctx, "note").Get(ctx, nil); err != nil {
			return 0, err
		}
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		for _, f := range all {
			var length int
			if err := f.Get(ctx, &length); err != nil {
				return 0, err
			}
			total += length
		}
		return total, nil
	}
	note := func() error { return nil }
	first := e.serve(code{"wf": wf}, code{"note": note})
	const n, size = 12, 200 << 10
	run := e.execute("large", "wf", n, size)
	e.await("large", "all but the large activities to be done", func(d *client.WorkflowExecutionDescription) bool { return len(d.PendingActivities) == n })
	first.Stop()
	e.serve(code{"wf": wf}, code{"note": note})
	e.signal("large", "go", nil)
	e.serveOn("lengths", nil, code{"length": func(s string) (int, error) { return len(s), nil }})
	if got := result[int](e, run); got != n*len(text(size)) {
		t.Errorf("got %d", got)
	}
}

func TestAQueryResultThatIsTooLarge(t *testing.T) {
	e := newLimitedEngine(t)
	e.serve(code{"wf": func(ctx workflow.Context) error {
		return errors.Join(workflow.SetQueryHandler(ctx, "large", func(size int) (string, error) { return text(size), nil }),
			workflow.Sleep(ctx, time.Hour))
	}}, nil)
	e.execute("asked", "wf")
	for _, over := range []int{-1, 0, 1, 1 << 20} {
		begun := time.Now()
		v, err := e.client.QueryWorkflow(e.ctx, "asked", "", "large", workerLimit+over)
		var s string
		if err == nil {
			err = v.Get(&s)
		}
		if over > 0 {
			if failed := as[*serviceerror.QueryFailed](e, err); !strings.Contains(failed.Error(), fmt.Sprint(workerLimit)) {
				t.Errorf("result of %d bytes: %v", workerLimit+over, err)
			}
		} else if err != nil || s != text(workerLimit+over) {
			t.Errorf("result of %d bytes: %d, %v", workerLimit+over, len(s), err)
		}
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("result of %d bytes: answered after %v", workerLimit+over, took)
		}
	}
}

// TestPayloadsBeyondABrokersLimit runs on a server that accepts smaller messages than payloads usually have.
func TestPayloadsBeyondABrokersLimit(t *testing.T) {
	t.Parallel()
	e := engineOn(t, devtest.ServerWith(t, devserver.Config{MaxPayload: 256 << 10}))
	limit := e.messageLimit()
	if limit >= 256<<10 {
		t.Fatalf("the limit is %d", limit)
	}
	e.serve(code{"wf": func(ctx workflow.Context, size int) (n int, err error) {
		err = workflow.ExecuteActivity(quick(ctx), "echo", size, text(size)).Get(ctx, &n)
		return n, err
	}}, code{"echo": func(_ int, s string) (int, error) { return len(s), nil }})
	for _, size := range []int{limit - 100, limit, 300 << 10} {
		if got := result[int](e, e.execute(fmt.Sprint(size), "wf", size)); got != len(text(size)) {
			t.Errorf("%d bytes: got %d", size, got)
		}
	}
}
