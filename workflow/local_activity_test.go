package workflow_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/workflow"
)

// callLocal makes one attempt of a local activity, which takes a second.
func (h *harness) callLocal(a *replay.LocalActivity) replay.LocalOutcome {
	in := []reflect.Value{reflect.ValueOf(context.Background())}
	for _, arg := range a.Args {
		in = append(in, reflect.ValueOf(arg))
	}
	out := reflect.ValueOf(a.Function).Call(in)
	h.now = h.now.Add(time.Second)
	o := replay.LocalOutcome{Attempt: a.Attempt, Time: h.now}
	if err, _ := out[1].Interface().(error); err != nil {
		o.Failure, o.Retry = failureOf(err), enums.RETRY_STATE_NON_RETRYABLE_FAILURE
		return o
	}
	o.Result = payloads(h, out[0].Interface())
	return o
}

func locally(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Second})
}

func Double(_ context.Context, n int) (int, error) { return 2 * n, nil }

func Refuse(_ context.Context, why string) (int, error) { return 0, errors.New(why) }

func TestLocalActivitiesEndInTheTransitionThatAskedForThem(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		ctx = locally(ctx)
		before := workflow.Now(ctx)
		var a, b int
		if err := workflow.ExecuteLocalActivity(ctx, Double, 3).Get(ctx, &a); err != nil {
			return "", err
		}
		if err := workflow.Sleep(ctx, time.Minute); err != nil {
			return "", err
		}
		if err := workflow.ExecuteLocalActivity(ctx, Double, a).Get(ctx, &b); err != nil {
			return "", err
		}
		return fmt.Sprint(a, b, " ", workflow.Now(ctx).Sub(before)), nil
	})
	_, timer := last[*history.TimerStarted](h)
	if due := epoch.Add(time.Minute + time.Second); !timer.Due.Equal(due) {
		t.Errorf("timer is due %v, want %v: a minute after the activity ended", timer.Due, due)
	}
	h.advance(time.Minute)
	h.wantTrace("MarkerRecorded TimerStarted", "TimerFired MarkerRecorded WorkflowExecutionCompleted")
	wantResult(h, "6 12 1m2s")
	_, m := last[*history.MarkerRecorded](h)
	if m.Name != "LocalActivity" || m.ID != "2" || m.Local.Type != "Double" || m.Local.Attempt != 1 {
		t.Errorf("marker is %+v %+v", m, m.Local)
	}
}

func TestOutcomesOfLocalActivitiesAreReplayedInTheOrderInWhichTheyCame(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) (log []int, err error) {
		ctx = locally(ctx)
		s := workflow.NewSelector(ctx)
		for i := range 3 {
			s.AddFuture(workflow.ExecuteLocalActivity(ctx, Double, i), func(f workflow.Future) {
				var n int
				err = errors.Join(err, f.Get(ctx, &n))
				log = append(log, n)
			})
		}
		for range 3 {
			s.Select(ctx)
		}
		return log, err
	}, nil)
	// The last one ends first.
	d := h.m.State().Draft(h.now)
	events, err := h.m.Decide(d)
	for err == nil && len(h.m.Locals()) > 0 {
		a := h.m.Locals()[len(h.m.Locals())-1]
		events, err = h.m.Resume(a, h.callLocal(a))
	}
	if err != nil {
		t.Fatal(err)
	}
	rec := h.roundTrip(&history.Transition{RunID: h.start.Run.RunID, Number: 1, CommitID: "c", Cover: "test", Time: d.Time(), Events: events})
	if err := h.m.Commit(rec); err != nil {
		t.Fatal(err)
	}
	h.records = append(h.records, rec)
	wantResult(h, []int{4, 2, 0})
}

func TestFailedLocalActivityTellsWhy(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		return workflow.ExecuteLocalActivity(locally(ctx), Refuse, "no power").Get(ctx, nil)
	})
	var failed *millrace.ActivityError
	var app *millrace.ApplicationError
	err := h.err()
	if !errors.As(err, &failed) || failed.ActivityType().GetName() != "Refuse" || failed.ActivityID() != "1" ||
		failed.RetryState() != enums.RETRY_STATE_NON_RETRYABLE_FAILURE || !errors.As(err, &app) || app.Message() != "no power" {
		t.Errorf("error is %v", err)
	}
}

func TestLongBackoffOfALocalActivityIsATimer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) (int, error) {
		var n int
		err := workflow.ExecuteLocalActivity(locally(ctx), Double, 4).Get(ctx, &n)
		return n, err
	}, nil)
	var scheduled []time.Time
	h.local = func(a *replay.LocalActivity) replay.LocalOutcome {
		scheduled = append(scheduled, a.Scheduled)
		if a.Attempt == 1 {
			return replay.LocalOutcome{Failure: failureOf(errors.New("busy")), Attempt: 3, Backoff: time.Minute, Time: h.now,
				Retry: enums.RETRY_STATE_IN_PROGRESS}
		}
		if a.Attempt != 4 || a.ID != "1" {
			t.Errorf("goes on with attempt %d of %s", a.Attempt, a.ID)
		}
		return h.callLocal(a)
	}
	h.step()
	h.advance(time.Minute)
	h.wantTrace("MarkerRecorded TimerStarted", "TimerFired MarkerRecorded WorkflowExecutionCompleted")
	wantResult(h, 8)
	if len(scheduled) != 2 || !scheduled[0].Equal(scheduled[1]) {
		t.Errorf("scheduled at %v: the time-out of all attempts begins anew", scheduled)
	}
}

func TestCanceledLocalActivityEndsAtOnce(t *testing.T) {
	t.Parallel()
	first := func(ctx workflow.Context) (string, error) {
		ctx, cancel := workflow.WithCancel(locally(ctx))
		slow := workflow.ExecuteLocalActivity(ctx, Double, 1)
		fast := workflow.ExecuteLocalActivity(ctx, Double, 2)
		if err := fast.Get(ctx, nil); err != nil {
			return "", err
		}
		cancel()
		err := slow.Get(ctx, nil)
		var failed *millrace.ActivityError
		return fmt.Sprint(errors.As(err, &failed), millrace.IsCanceledError(err),
			workflow.ExecuteLocalActivity(ctx, Double, 3).Get(ctx, nil) == workflow.ErrCanceled), nil
	}
	h := newHarness(t, first, nil)
	events, err := h.m.Decide(h.m.State().Draft(h.now))
	if err != nil || len(h.m.Locals()) != 2 {
		t.Fatalf("%v, %d local activities", err, len(h.m.Locals()))
	}
	slow, fast := h.m.Locals()[0], h.m.Locals()[1]
	if events, err = h.m.Resume(fast, h.callLocal(fast)); err != nil || len(h.m.Locals()) != 0 {
		t.Fatalf("%v, %d local activities", err, len(h.m.Locals()))
	}
	late, err := h.m.Resume(slow, h.callLocal(slow))
	if err != nil || len(late) != len(events) {
		t.Errorf("outcome of a canceled activity: %d events, %v", len(late), err)
	}
	rec := h.roundTrip(&history.Transition{RunID: h.start.Run.RunID, Number: 1, CommitID: "c", Cover: "test", Time: epoch, Events: events})
	if err := h.m.Commit(rec); err != nil {
		t.Fatal(err)
	}
	h.records = append(h.records, rec)
	h.wantTrace("MarkerRecorded MarkerRecorded WorkflowExecutionCompleted")
	wantResult(h, "true true true")
}

func TestCancellationEndsTheBackoffOfALocalActivity(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) error {
		return workflow.ExecuteLocalActivity(locally(ctx), Double, 4).Get(ctx, nil)
	}, nil)
	h.local = func(a *replay.LocalActivity) replay.LocalOutcome {
		return replay.LocalOutcome{Failure: failureOf(errors.New("busy")), Attempt: 1, Backoff: time.Minute, Time: h.now}
	}
	h.step()
	h.step(h.cancel())
	h.wantTrace("MarkerRecorded TimerStarted", "WorkflowExecutionCancelRequested TimerCanceled WorkflowExecutionCanceled")
}

func TestLocalActivityThatTheRecordDoesNotHaveDiverges(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		_ = workflow.ExecuteLocalActivity(locally(ctx), Double, 1).Get(ctx, nil)
		return workflow.Sleep(ctx, time.Hour)
	})
	h.wantDivergence(func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Hour) },
		`MarkerRecorded LocalActivity "Double" (id 1)`, "TimerStarted 1h0m0s")
	h.wantDivergence(func(ctx workflow.Context) error {
		_ = workflow.ExecuteLocalActivity(locally(ctx), Refuse, "x").Get(ctx, nil)
		return workflow.Sleep(ctx, time.Hour)
	}, `MarkerRecorded LocalActivity "Double" (id 1)`, "nothing")
	plain := begin(t, func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Hour) })
	plain.wantDivergence(func(ctx workflow.Context) error {
		_ = workflow.ExecuteLocalActivity(locally(ctx), Double, 1).Get(ctx, nil)
		return workflow.Sleep(ctx, time.Hour)
	}, "TimerStarted 1h0m0s", "nothing")
}

func TestResultOfALocalActivityThatIsTooLargeFailsIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) error {
		return workflow.ExecuteLocalActivity(locally(ctx), func(context.Context) (string, error) {
			return strings.Repeat("x", 500), nil
		}).Get(ctx, nil)
	}, nil)
	h.max = 300
	h.m = h.machine()
	h.step()
	var app *millrace.ApplicationError
	if err := h.err(); !errors.As(err, &app) || app.Type() != replay.FailureTypePayloadTooLarge {
		t.Errorf("error is %v", err)
	}
}

func TestWrongLocalCallsFailTheFuture(t *testing.T) {
	t.Parallel()
	type o = workflow.LocalActivityOptions
	for want, c := range map[string]struct {
		options *o
		call    any
		args    []any
	}{
		"use workflow.WithLocalActivityOptions": {nil, Double, []any{1}},
		"at least one of StartToCloseTimeout":   {&o{}, Double, []any{1}},
		"StartToCloseTimeout is -1s":            {&o{StartToCloseTimeout: -time.Second}, Double, []any{1}},
		"MaximumAttempts is -1":                 {&o{StartToCloseTimeout: 1, RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: -1}}, Double, []any{1}},
		"0 arguments given":                     {&o{StartToCloseTimeout: 1}, Double, nil},
		"a function or a name is needed":        {&o{StartToCloseTimeout: 1}, 7, nil},
		"local activity \"xxxxx":                {&o{StartToCloseTimeout: 1}, strings.Repeat("x", 2000), nil},
	} {
		h := begin(t, func(ctx workflow.Context) error {
			if c.options != nil {
				ctx = workflow.WithLocalActivityOptions(ctx, *c.options)
			}
			return workflow.ExecuteLocalActivity(ctx, c.call, c.args...).Get(ctx, nil)
		})
		if err := h.err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}

func TestLocalActivityOptionsAreCopied(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		if err := differ(workflow.LocalActivityOptions{}, workflow.GetLocalActivityOptions(ctx)); err != nil {
			return err
		}
		o := workflow.LocalActivityOptions{StartToCloseTimeout: 1, RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 2}, Summary: "s"}
		ctx = workflow.WithLocalActivityOptions(ctx, o)
		o.RetryPolicy.MaximumAttempts = 3
		workflow.GetLocalActivityOptions(ctx).RetryPolicy.MaximumAttempts = 4
		return differ(workflow.LocalActivityOptions{StartToCloseTimeout: 1, RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 2},
			Summary: "s"}, workflow.GetLocalActivityOptions(ctx))
	})
	if err := h.err(); err != nil {
		t.Error(err)
	}
}
