package worker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/alone"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

func newLocal(t *testing.T, register func(r *registry)) *localActivities {
	t.Helper()
	r := newRegistry(workflow.DefinitionOptions{})
	if register != nil {
		register(r)
	}
	return &localActivities{find: r.activity, surroundings: surroundings{dataConverter: converter.GetDefaultDataConverter()},
		failureConverter: millrace.GetDefaultFailureConverter(), logger: log.Discard{}, metrics: client.MetricsNopHandler,
		base: t.Context(), slots: make(chan struct{}, 1), gate: &alone.Gate{}}
}

func localTask(fn any, args ...any) *replay.LocalActivity {
	return &replay.LocalActivity{ID: "1", Type: "L", Function: fn, Args: args, Attempt: 1, Scheduled: time.Now(),
		StartToClose: 10 * time.Second, ScheduleToClose: time.Minute,
		RetryPolicy: &millrace.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2}}
}

func TestLocalActivityWaitsInPlaceOnlyUpToTheTimeGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLocal(t, nil)
		begun, calls := time.Now(), 0
		out := l.RunLocal(t.Context(), &history.Start{}, localTask(func(context.Context) error {
			calls++
			return errors.New("busy")
		}), begun.Add(5*time.Second))
		// After 1 s and 2 s more; the next would be 4 s later.
		if calls != 3 || out.Attempt != 3 || out.Backoff != 4*time.Second || time.Since(begun) != 3*time.Second ||
			out.Failure == nil || out.Retry != enums.RETRY_STATE_IN_PROGRESS {
			t.Errorf("%d calls in %v, outcome %+v", calls, time.Since(begun), out)
		}
	})
}

func TestLocalActivityEndsWithTheTimeOfAllAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLocal(t, nil)
		task := localTask(func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		task.ScheduleToClose = 15 * time.Second
		begun := time.Now()
		out := l.RunLocal(t.Context(), &history.Start{}, task, begun.Add(time.Hour))
		if out.Attempt != 2 || time.Since(begun) != 15*time.Second || out.Retry != enums.RETRY_STATE_TIMEOUT ||
			out.Failure.TimeoutFailureInfo.TimeoutType != enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE {
			t.Errorf("after %v: %+v %+v", time.Since(begun), out, out.Failure)
		}
	})
}

func TestLocalActivityIsGivenUpAtOnceWhenItsRunIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLocal(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		begun, release := time.Now(), make(chan struct{})
		time.AfterFunc(time.Second, cancel)
		var cause error
		l.RunLocal(ctx, &history.Start{}, localTask(func(ctx context.Context) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			<-release // ignores it for a while, and keeps its slot
			return nil
		}), begun.Add(time.Hour))
		synctest.Wait()
		if time.Since(begun) != time.Second || !errors.Is(cause, activity.ErrCanceled) || len(l.slots) != 1 {
			t.Errorf("after %v: cause %v, %d slots taken", time.Since(begun), cause, len(l.slots))
		}
		close(release)
		synctest.Wait()
		if len(l.slots) != 0 {
			t.Error("the slot is not given back")
		}
	})
}

type plates struct{ prefix string }

func (p *plates) Name(n int) (string, error) { return strings.Repeat(p.prefix, n), nil }

func TestLocalMethodIsThatOfTheRegisteredStruct(t *testing.T) {
	l := newLocal(t, func(r *registry) { r.addActivity(&plates{"x"}, activity.RegisterOptions{}) })
	var none *plates
	for name, task := range map[string]*replay.LocalActivity{
		"method of nil":   localTask(none.Name, 2),
		"by name":         localTask(nil, 2),
		"other int":       localTask(nil, int64(2)),
		"of its own type": localTask(func(n int) (string, error) { return "xx", nil }, 1),
	} {
		task.Type = "Name"
		out := l.RunLocal(t.Context(), &history.Start{}, task, time.Now())
		if out.Failure != nil || string(out.Result.Payloads[0].Data) != `"xx"` {
			t.Errorf("%s: %+v", name, out)
		}
	}
}
