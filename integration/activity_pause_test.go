package integration

import (
	"context"
	"errors"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

// pausedAttempt is an attempt of the activity of the tests, which waits for what it is to return.
type pausedAttempt struct {
	activity.Info
	details bool
	ended   <-chan struct{}
	cause   func() error
	end     chan<- error
}

// pauseEngine serves a workflow whose activity "a" hands its attempts out.
func pauseEngine(t *testing.T) (*engine, client.Admin, <-chan pausedAttempt) {
	t.Helper()
	e := newEngine(t)
	begun := make(chan pausedAttempt, 10)
	e.serve(code{"wf": oneActivity, "stoppable": func(ctx workflow.Context, o workflow.ActivityOptions) (string, error) {
		inner, cancel := workflow.WithCancel(ctx)
		workflow.Go(ctx, func(ctx workflow.Context) {
			workflow.GetSignalChannel(ctx, "stop").Receive(ctx, nil)
			cancel()
		})
		return oneActivity(inner, o)
	}}, code{"a": func(ctx context.Context) (string, error) {
		end := make(chan error, 1)
		begun <- pausedAttempt{activity.GetInfo(ctx), activity.HasHeartbeatDetails(ctx), ctx.Done(), func() error { return context.Cause(ctx) }, end}
		beat := time.NewTicker(100 * time.Millisecond)
		defer beat.Stop()
		for {
			activity.RecordHeartbeat(ctx, "half")
			select {
			case <-ctx.Done():
				return "", ctx.Err()
			case err := <-end:
				return "done", err
			case <-beat.C:
			}
		}
	}})
	admin, err := client.NewAdmin(e.client)
	if err != nil {
		t.Fatal(err)
	}
	return e, admin, begun
}

// awaitPending waits until the run's activity is as wanted.
func awaitPending(e *engine, run client.WorkflowRun, wanted func(client.PendingActivity) bool) client.PendingActivity {
	e.Helper()
	var p client.PendingActivity
	for {
		d, err := e.client.DescribeWorkflow(e.ctx, run.GetID(), run.GetRunID())
		if err != nil {
			e.Fatalf("waiting for a state of the activity, last %+v: %v", p, err)
		}
		if len(d.PendingActivities) == 1 {
			if p = d.PendingActivities[0]; wanted(p) {
				return p
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func paused(p client.PendingActivity) bool { return p.State == enums.PENDING_ACTIVITY_STATE_PAUSED }

// patient are the options of activities whose retries nobody would see in a test.
func patient() workflow.ActivityOptions {
	return workflow.ActivityOptions{ActivityID: "mine", StartToCloseTimeout: time.Minute, HeartbeatTimeout: time.Second, DisableEagerExecution: true,
		RetryPolicy: &millrace.RetryPolicy{InitialInterval: time.Hour}} // heartbeats are sent every 0.8 s
}

func TestPausedActivityIsToldAndGoesOnWithTheSameAttempt(t *testing.T) {
	for name, eager := range map[string]bool{"by the queue": false, "eager": true} {
		t.Run(name, func(t *testing.T) {
			e, admin, begun := pauseEngine(t)
			o := patient()
			if o.DisableEagerExecution = !eager; eager {
				o.StartToCloseTimeout = 9 * time.Second
			}
			run := e.execute("w", "wf", o)
			first := receive(e, begun, "the activity")
			pause := client.PauseActivityOptions{WorkflowID: "w", ActivityID: "mine", Reason: "why", Identity: "me"}
			for range 2 { // once more changes nothing
				if err := admin.PauseActivity(e.ctx, pause); err != nil {
					t.Fatal(err)
				}
			}
			receive(e, first.ended, "the end of the context")
			if cause := first.cause(); !errors.Is(cause, activity.ErrActivityPaused) {
				t.Errorf("cause is %v", cause)
			}
			p := awaitPending(e, run, paused)
			if p.Pause == nil || p.Pause.Reason != "why" || p.Pause.Identity != "me" || p.Pause.Time.IsZero() || p.LastFailure != nil {
				t.Errorf("pending is %+v", p)
			}
			if err := admin.UnpauseActivity(e.ctx, client.UnpauseActivityOptions{WorkflowID: "w", ActivityID: "mine"}); err != nil {
				t.Fatal(err)
			}
			second := receive(e, begun, "the activity after the pause")
			if second.Attempt != 1 || !second.details {
				t.Errorf("attempt %d, with details %t", second.Attempt, second.details)
			}
			second.end <- nil
			if got := result[string](e, run); got != "done" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestUnpauseAndResetEndTheWaitForARetry(t *testing.T) {
	for name, test := range map[string]struct {
		ask     func(e *engine, admin client.Admin) error
		attempt int32
		details bool
	}{
		"unpause": {func(e *engine, admin client.Admin) error {
			return errors.Join(admin.PauseActivity(e.ctx, client.PauseActivityOptions{WorkflowID: "w", ActivityID: "mine"}),
				admin.UnpauseActivity(e.ctx, client.UnpauseActivityOptions{WorkflowID: "w", ActivityID: "mine"}))
		}, 2, true},
		"unpause and reset": {func(e *engine, admin client.Admin) error {
			return errors.Join(admin.PauseActivity(e.ctx, client.PauseActivityOptions{WorkflowID: "w", ActivityID: "mine"}),
				admin.UnpauseActivity(e.ctx, client.UnpauseActivityOptions{WorkflowID: "w", ActivityID: "mine", ResetAttempts: true, ResetHeartbeats: true}))
		}, 1, false},
		"reset": {func(e *engine, admin client.Admin) error {
			return admin.ResetActivity(e.ctx, client.ResetActivityOptions{WorkflowID: "w", ActivityID: "mine", Jitter: 300 * time.Millisecond})
		}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			e, admin, begun := pauseEngine(t)
			run := e.execute("w", "wf", patient())
			first := receive(e, begun, "the activity")
			first.end <- errors.New("not yet")
			awaitPending(e, run, func(p client.PendingActivity) bool { return p.LastFailure != nil })
			if err := test.ask(e, admin); err != nil {
				t.Fatal(err)
			}
			second := receive(e, begun, "the next attempt")
			if second.Attempt != test.attempt || second.details != test.details {
				t.Errorf("attempt %d, with details %t", second.Attempt, second.details)
			}
			second.end <- nil
			result[string](e, run)
		})
	}
}

func TestResetTellsTheRunningAttempt(t *testing.T) {
	e, admin, begun := pauseEngine(t)
	run := e.execute("w", "wf", patient())
	first := receive(e, begun, "the activity")
	if err := admin.ResetActivity(e.ctx, client.ResetActivityOptions{WorkflowID: "w", ActivityID: "mine", ResetHeartbeats: true}); err != nil {
		t.Fatal(err)
	}
	receive(e, first.ended, "the end of the context")
	if cause := first.cause(); !errors.Is(cause, activity.ErrActivityReset) {
		t.Errorf("cause is %v", cause)
	}
	second := receive(e, begun, "the first attempt again")
	if second.Attempt != 1 || second.details {
		t.Errorf("attempt %d, with details %t", second.Attempt, second.details)
	}
	second.end <- nil
	result[string](e, run)
}

func TestResetCanKeepAPause(t *testing.T) {
	e, admin, begun := pauseEngine(t)
	run := e.execute("w", "wf", patient())
	receive(e, begun, "the activity").end <- errors.New("not yet")
	awaitPending(e, run, func(p client.PendingActivity) bool { return p.LastFailure != nil })
	if err := errors.Join(admin.PauseActivity(e.ctx, client.PauseActivityOptions{WorkflowID: "w", ActivityID: "mine"}),
		admin.ResetActivity(e.ctx, client.ResetActivityOptions{WorkflowID: "w", ActivityID: "mine", KeepPaused: true})); err != nil {
		t.Fatal(err)
	}
	awaitPending(e, run, paused)
	if err := admin.UnpauseActivity(e.ctx, client.UnpauseActivityOptions{WorkflowID: "w", ActivityID: "mine"}); err != nil {
		t.Fatal(err)
	}
	second := receive(e, begun, "the first attempt again")
	if second.Attempt != 1 {
		t.Errorf("attempt %d", second.Attempt)
	}
	second.end <- nil
	result[string](e, run)
}

// A pause does not keep an activity from ending otherwise.
func TestPausedActivityIsCanceledAndTimesOut(t *testing.T) {
	t.Run("cancel", func(t *testing.T) {
		e, admin, begun := pauseEngine(t)
		o := patient()
		o.WaitForCancellation = true
		run := e.execute("w", "stoppable", o)
		receive(e, begun, "the activity")
		if err := admin.PauseActivity(e.ctx, client.PauseActivityOptions{WorkflowID: "w", ActivityID: "mine"}); err != nil {
			t.Fatal(err)
		}
		awaitPending(e, run, paused)
		if err := e.client.SignalWorkflow(e.ctx, "w", "", "stop", nil); err != nil {
			t.Fatal(err)
		}
		as[*millrace.CanceledError](e, e.failure(run))
	})
	t.Run("schedule to close", func(t *testing.T) {
		e, admin, begun := pauseEngine(t)
		o := patient()
		o.ScheduleToCloseTimeout = 4 * time.Second
		run := e.execute("w", "wf", o)
		receive(e, begun, "the activity")
		if err := admin.PauseActivity(e.ctx, client.PauseActivityOptions{WorkflowID: "w", ActivityID: "mine"}); err != nil {
			t.Fatal(err)
		}
		if timeout := as[*millrace.TimeoutError](e, e.failure(run)); timeout.TimeoutType() != enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE {
			t.Errorf("got %v", timeout)
		}
	})
}

func TestRequestsForActivitiesThatAreNotPendingAreRefused(t *testing.T) {
	e, admin, begun := pauseEngine(t)
	run := e.execute("w", "wf", patient())
	first := receive(e, begun, "the activity")
	as[*serviceerror.NotFound](e, admin.PauseActivity(e.ctx, client.PauseActivityOptions{WorkflowID: "w", ActivityID: "other"}))
	as[*serviceerror.NotFound](e, admin.ResetActivity(e.ctx, client.ResetActivityOptions{ActivityID: "nobody"}))
	as[*serviceerror.InvalidArgument](e, admin.PauseActivity(e.ctx, client.PauseActivityOptions{WorkflowID: "w"}))
	as[*serviceerror.InvalidArgument](e, admin.ResetActivity(e.ctx, client.ResetActivityOptions{WorkflowID: "w", ActivityID: "mine", Jitter: -1}))
	if err := admin.UnpauseActivity(e.ctx, client.UnpauseActivityOptions{WorkflowID: "w", ActivityID: "mine"}); err != nil {
		t.Errorf("unpause of an activity that is not paused: %v", err)
	}
	first.end <- nil
	result[string](e, run)
	as[*serviceerror.NotFound](e, admin.UnpauseActivity(e.ctx, client.UnpauseActivityOptions{WorkflowID: "w", ActivityID: "mine"}))
}
