package workflow_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

func Train(_ context.Context, day string, epochs int) (string, error) { return day, nil }

type Activities struct{}

func (*Activities) Publish(card []byte) error { return nil }

func TestActivityByFunction(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context, day string) (string, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue:              "gpu",
			ScheduleToCloseTimeout: time.Hour,
			ScheduleToStartTimeout: time.Minute,
			HeartbeatTimeout:       time.Second,
			ActivityID:             "train",
			RetryPolicy:            &millrace.RetryPolicy{MaximumAttempts: 3, NonRetryableErrorTypes: []string{"Bad"}},
			Summary:                "the model of the day",
			DisableEagerExecution:  true,
		})
		var model string
		err := workflow.ExecuteActivity(ctx, Train, day, 5).Get(ctx, &model)
		return model, err
	}, "monday")
	_, got := last[*history.ActivityTaskScheduled](h)
	want := &history.ActivityTaskScheduled{
		ActivityID: "train", Type: "Train", Queue: "gpu", Input: payloads(t, "monday", 5),
		ScheduleToClose: 3_600_000, ScheduleToStart: 60_000, StartToClose: 3_600_000, Heartbeat: 1000,
		RetryPolicy: &history.RetryPolicy{MaximumAttempts: 3, NonRetryableErrorTypes: []string{"Bad"}},
		Summary:     "the model of the day", NoEager: true,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("scheduled activity differs: %s", d)
	}
	h.step(h.completed("Train", "model-1"))
	wantResult(h, "model-1")
}

func TestActivityByMethodAndByName(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) error {
		var a *Activities
		ctx = withActivities(ctx)
		workflow.ExecuteActivity(ctx, a.Publish, []byte("x"))
		workflow.ExecuteActivity(ctx, "Other", 1, 2, 3)
		workflow.ExecuteActivity(ctx, Train, "d", 1)
		return workflow.Sleep(ctx, time.Hour)
	}, nil, func(_ *harness, o *workflow.DefinitionOptions) {
		o.ActivityName = func(function string) string {
			if function == "Train" {
				return "train-model"
			}
			return ""
		}
	})
	h.step()
	for _, name := range []string{"Publish", "Other", "train-model"} {
		h.scheduled(name)
	}
}

func TestActivityErrors(t *testing.T) {
	t.Parallel()
	fail := func(t *testing.T, err error) (*harness, error) {
		h := begin(t, func(ctx workflow.Context) error {
			return workflow.ExecuteActivity(withActivities(ctx), Train, "d", 1).Get(ctx, nil)
		})
		h.step(h.failed("Train", err))
		return h, h.err()
	}
	t.Run("application", func(t *testing.T) {
		t.Parallel()
		_, err := fail(t, millrace.NewApplicationError("bad row", "DataError", 17))
		var activity *millrace.ActivityError
		var app *millrace.ApplicationError
		if !errors.As(err, &activity) || !errors.As(err, &app) {
			t.Fatalf("got %v", err)
		}
		var row int
		if err := app.Details(&row); err != nil || row != 17 || app.Type() != "DataError" {
			t.Errorf("application error %v, details %d, %v", app, row, err)
		}
		got := []any{activity.ScheduledEventID(), activity.Identity(), activity.ActivityType().Name, activity.ActivityID(), activity.RetryState()}
		want := []any{int64(2), "worker-1", "Train", "2", enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("activity error differs: %s", d)
		}
	})
	t.Run("time-out", func(t *testing.T) {
		t.Parallel()
		_, err := fail(t, millrace.NewHeartbeatTimeoutError("row 3"))
		var timeout *millrace.TimeoutError
		if !errors.As(err, &timeout) || timeout.TimeoutType() != enums.TIMEOUT_TYPE_HEARTBEAT || !timeout.HasLastHeartbeatDetails() {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("panic", func(t *testing.T) {
		t.Parallel()
		if _, err := fail(t, millrace.NewPanicError("boom", "stack")); !millrace.IsPanicError(err) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("canceled by itself", func(t *testing.T) {
		t.Parallel()
		h, _ := fail(t, millrace.NewCanceledError())
		h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
	})
}

func TestScheduleToCloseTimeout(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		ctx = workflow.WithScheduleToCloseTimeout(ctx, time.Minute)
		return workflow.ExecuteActivity(ctx, "Train").Get(ctx, nil)
	})
	h.advance(time.Minute)
	var activity *millrace.ActivityError
	if err := h.err(); !millrace.IsTimeoutError(err) || !errors.As(err, &activity) || activity.RetryState() != enums.RETRY_STATE_TIMEOUT {
		t.Fatalf("got %v", err)
	}
}

func TestWrongActivityCallsFailTheFuture(t *testing.T) {
	t.Parallel()
	type o = workflow.ActivityOptions
	good := o{StartToCloseTimeout: time.Second}
	for name, tt := range map[string]struct {
		options  *o
		activity any
		args     []any
		want     string
	}{
		"no options":   {nil, "A", nil, workflow.ErrMissingActivityOptions.Error()},
		"no time-out":  {&o{HeartbeatTimeout: 1}, "A", nil, workflow.ErrMissingActivityTimeout.Error()},
		"negative":     {&o{StartToCloseTimeout: -1}, "A", nil, "StartToCloseTimeout is -1ns, must not be below 0"},
		"priority":     {&o{StartToCloseTimeout: 1, Priority: millrace.Priority{PriorityKey: 6}}, "A", nil, "Priority.PriorityKey is 6, must be from 1 to 5, or 0"},
		"retry policy": {&o{StartToCloseTimeout: 1, RetryPolicy: &millrace.RetryPolicy{BackoffCoefficient: 0.5}}, "A", nil, "BackoffCoefficient is 0.5"},
		"nil":          {&good, nil, nil, "a function or a name is needed"},
		"nil function": {&good, (func() error)(nil), nil, "is nil"},
		"number":       {&good, 5, nil, "int is not a function"},
		"empty name":   {&good, "", nil, "the name is empty"},
		"too few":      {&good, Train, []any{"d"}, "1 arguments given, func(context.Context, string, int) (string, error) takes 2"},
		"too many":     {&good, Train, []any{"d", 1, 2}, "3 arguments given"},
		"wrong type":   {&good, Train, []any{"d", "e"}, "argument 2 is a string, func(context.Context, string, int) (string, error) takes a int"},
		"nil argument": {&good, Train, []any{nil, 1}, "argument 1 is nil"},
		"variadic":     {&good, func(...int) error { return nil }, []any{1}, "variadic"},
		"not encoded":  {&good, "A", []any{make(chan int)}, "encode arguments"},
		"too large":    {&good, "A", []any{strings.Repeat("x", 2000)}, `activity "A": input is 2020 bytes, the limit is 1000 (type: PayloadTooLarge, retryable: false)`},
		"long name":    {&good, strings.Repeat("x", 2000), nil, "type is 2000 bytes, the limit is 1000 (type: InvalidArgument, retryable: false)"},
		"queue":        {&o{StartToCloseTimeout: 1, TaskQueue: strings.Repeat("q", 300)}, "A", nil, "task queue is 300 bytes, the limit is 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, func(ctx workflow.Context) (string, error) {
				if tt.options != nil {
					ctx = workflow.WithActivityOptions(ctx, *tt.options)
				}
				f := workflow.ExecuteActivity(ctx, tt.activity, tt.args...)
				if !f.IsReady() {
					return "", errors.New("the future is not ready")
				}
				return fmt.Sprint(f.Get(ctx, nil)), nil
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

func limit(n int) option {
	return func(h *harness, _ *workflow.DefinitionOptions) { h.max = n }
}

func TestActivityIDsAreUniqueWhilePending(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, ActivityID: "id"})
		first := workflow.ExecuteActivity(ctx, "A")
		second := workflow.ExecuteActivity(ctx, "B").Get(ctx, nil)
		err := first.Get(ctx, nil)
		third := workflow.ExecuteActivity(ctx, "C").Get(ctx, nil)
		return fmt.Sprint(err, " / ", second, " / ", third), nil
	})
	h.step(h.completed("A", nil))
	h.step(h.completed("C", nil))
	wantResult(h, `<nil> / execute activity B: ActivityID "id" is that of another activity that has not ended / <nil>`)
}

func TestResultThatDoesNotFitIsAnErrorOfGet(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		var n int
		err := workflow.ExecuteActivity(withActivities(ctx), "A").Get(ctx, &n)
		return fmt.Sprint(err != nil), nil
	})
	h.step(h.completed("A", "text"))
	wantResult(h, "true")
}

func TestActivityOptionContexts(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		policy := millrace.RetryPolicy{NonRetryableErrorTypes: []string{"A"}}
		if own, got := workflow.GetInfo(ctx).TaskQueueName, workflow.GetActivityOptions(ctx).TaskQueue; got != own {
			return fmt.Errorf("without options the queue is %q, the workflow's is %q", got, own)
		}
		ctx = workflow.WithTaskQueue(ctx, "q")
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{ActivityID: "id", RetryPolicy: &policy})
		before := workflow.GetActivityOptions(ctx)
		changed := workflow.WithScheduleToStartTimeout(workflow.WithStartToCloseTimeout(workflow.WithHeartbeatTimeout(
			workflow.WithRetryPolicy(workflow.WithScheduleToCloseTimeout(ctx, 1), millrace.RetryPolicy{MaximumAttempts: 2}), 3), 4), 5)
		policy.NonRetryableErrorTypes[0] = "changed"
		want := workflow.ActivityOptions{
			TaskQueue: "q", ActivityID: "id", ScheduleToCloseTimeout: 1, HeartbeatTimeout: 3, StartToCloseTimeout: 4,
			ScheduleToStartTimeout: 5, RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 2},
		}
		if d := cmp.Diff(want, workflow.GetActivityOptions(changed)); d != "" {
			return errors.New(d)
		}
		want = workflow.ActivityOptions{TaskQueue: "q", ActivityID: "id",
			RetryPolicy: &millrace.RetryPolicy{NonRetryableErrorTypes: []string{"A"}}}
		return errors.Join(differ(want, before), differ(want, workflow.GetActivityOptions(ctx)))
	})
	if err := h.err(); err != nil {
		t.Fatal(err)
	}
}

func differ(want, got any) error {
	if d := cmp.Diff(want, got, cmp.AllowUnexported(millrace.SearchAttributes{})); d != "" {
		return errors.New(d)
	}
	return nil
}
