package integration

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

// pendingEngine serves a workflow whose activity "a" is completed from outside; its attempts come out of the channel.
func pendingEngine(t *testing.T) (*engine, <-chan activity.Info) {
	t.Helper()
	e := newEngine(t)
	begun := make(chan activity.Info, 10)
	e.serve(code{"wf": oneActivity, "impatient": func(ctx workflow.Context, o workflow.ActivityOptions) (string, error) {
		inner, cancel := workflow.WithCancel(ctx)
		workflow.Go(ctx, func(ctx workflow.Context) {
			workflow.GetSignalChannel(ctx, "stop").Receive(ctx, nil)
			cancel()
		})
		return oneActivity(inner, o)
	}}, code{"a": func(ctx context.Context) (string, error) {
		begun <- activity.GetInfo(ctx)
		return "ignored", activity.ErrResultPending
	}})
	return e, begun
}

func TestCompletionFromOutside(t *testing.T) {
	e, begun := pendingEngine(t)
	o := workflow.ActivityOptions{ActivityID: "mine", StartToCloseTimeout: time.Minute, RetryPolicy: &millrace.RetryPolicy{
		InitialInterval: 10 * time.Millisecond, MaximumAttempts: 2}}
	start := func(id string) (client.WorkflowRun, activity.Info) {
		t.Helper()
		run := e.execute(id, "wf", o)
		return run, receive(e, begun, "the activity")
	}
	t.Run("by token", func(t *testing.T) {
		run, info := start("by token")
		if err := e.client.CompleteActivity(e.ctx, info.TaskToken, "given", nil); err != nil {
			t.Fatal(err)
		}
		if got := result[string](e, run); got != "given" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("by ID", func(t *testing.T) {
		run, _ := start("by ID")
		if err := e.client.CompleteActivityByID(e.ctx, "default", "by ID", run.GetRunID(), "mine", "given", nil); err != nil {
			t.Fatal(err)
		}
		if got := result[string](e, run); got != "given" {
			t.Errorf("got %q", got)
		}
		err := e.client.CompleteActivityByID(e.ctx, "default", "by ID", "", "mine", "late", nil)
		as[*serviceerror.NotFound](e, err)
	})
	t.Run("non-retryable failure", func(t *testing.T) {
		run, info := start("fatal")
		if err := e.client.CompleteActivity(e.ctx, info.TaskToken, nil, millrace.NewNonRetryableApplicationError("no", "Fatal", nil)); err != nil {
			t.Fatal(err)
		}
		if app := as[*millrace.ApplicationError](e, e.failure(run)); app.Type() != "Fatal" {
			t.Errorf("got %v", app)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		run, info := start("canceled")
		if err := e.client.CompleteActivity(e.ctx, info.TaskToken, nil, millrace.NewCanceledError("why")); err != nil {
			t.Fatal(err)
		}
		as[*millrace.CanceledError](e, e.failure(run))
	})
	t.Run("wrong token", func(t *testing.T) {
		as[*serviceerror.InvalidArgument](e, e.client.CompleteActivity(e.ctx, []byte("junk"), nil, nil))
		err := e.client.CompleteActivityByID(e.ctx, "default", "nobody", "", "mine", nil, nil)
		as[*serviceerror.NotFound](e, err)
	})
}

// TestAFailureFromOutsideIsRetried: the retry policy holds for those who complete from outside as well.
func TestAFailureFromOutsideIsRetried(t *testing.T) {
	e, begun := pendingEngine(t)
	run := e.execute("retried", "wf", workflow.ActivityOptions{StartToCloseTimeout: time.Minute,
		RetryPolicy: &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 2}})
	var first []byte
	for attempt := int32(1); attempt <= 2; attempt++ {
		info := receive(e, begun, fmt.Sprint("attempt ", attempt))
		if info.Attempt != attempt {
			t.Errorf("attempt %d, want %d", info.Attempt, attempt)
		}
		if attempt == 1 {
			first = info.TaskToken
		} else {
			as[*serviceerror.NotFound](e, e.client.CompleteActivity(e.ctx, first, nil, errors.New("too late")))
		}
		if err := e.client.CompleteActivity(e.ctx, info.TaskToken, nil, errors.New("try again")); err != nil {
			t.Fatal(err)
		}
	}
	failed := as[*millrace.ActivityError](e, e.failure(run))
	if failed.RetryState() != enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED {
		t.Errorf("retry state %v", failed.RetryState())
	}
}

// TestHeartbeatsFromOutside keeps a pending activity alive, lets it time out, and completes its next attempt.
func TestHeartbeatsFromOutside(t *testing.T) {
	e, begun := pendingEngine(t)
	run := e.execute("beats", "wf", workflow.ActivityOptions{ActivityID: "mine", StartToCloseTimeout: time.Minute, HeartbeatTimeout: 2 * time.Second,
		RetryPolicy: &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 2}})
	first := receive(e, begun, "the first attempt")
	// Eight beats take longer than the time-out, and leave a busy machine seven times their distance.
	tick := time.NewTicker(280 * time.Millisecond)
	defer tick.Stop()
	for i := range 8 {
		<-tick.C
		var err error
		if i%2 == 0 {
			err = e.client.RecordActivityHeartbeat(e.ctx, first.TaskToken, i)
		} else {
			err = e.client.RecordActivityHeartbeatByID(e.ctx, "default", "beats", "", "mine", i)
		}
		if err != nil {
			t.Fatalf("heartbeat %d: %v", i, err)
		}
	}
	if len(begun) > 0 {
		t.Fatal("the attempt timed out although it was kept alive")
	}
	d := e.describe("beats")
	if len(d.PendingActivities) != 1 || d.PendingActivities[0].HeartbeatDetails == nil || d.PendingActivities[0].LastHeartbeat == nil {
		t.Errorf("described %+v", d.PendingActivities)
	}
	second := receive(e, begun, "the second attempt, after silence")
	if second.Attempt != 2 {
		t.Errorf("attempt %d", second.Attempt)
	}
	if err := e.client.RecordActivityHeartbeat(e.ctx, first.TaskToken); err == nil {
		t.Error("a heartbeat of the attempt that timed out is accepted")
	}
	if err := e.client.CompleteActivity(e.ctx, second.TaskToken, "second", nil); err != nil {
		t.Fatal(err)
	}
	if got := result[string](e, run); got != "second" {
		t.Errorf("got %q", got)
	}
}

// TestCancellationReachesWhoCompletesFromOutside: the answer to a heartbeat tells of it.
func TestCancellationReachesWhoCompletesFromOutside(t *testing.T) {
	e, begun := pendingEngine(t)
	run := e.execute("cancel", "impatient", workflow.ActivityOptions{StartToCloseTimeout: time.Minute, WaitForCancellation: true})
	info := receive(e, begun, "the activity")
	if err := e.client.RecordActivityHeartbeat(e.ctx, info.TaskToken); err != nil {
		t.Fatal(err)
	}
	e.signal("cancel", "stop", nil)
	var canceled *millrace.CanceledError
	for deadline := time.Now().Add(10 * time.Second); !errors.As(e.client.RecordActivityHeartbeat(e.ctx, info.TaskToken), &canceled); {
		if time.Now().After(deadline) {
			t.Fatal("no heartbeat tells of the cancellation")
		}
	}
	if err := e.client.CompleteActivity(e.ctx, info.TaskToken, nil, millrace.NewCanceledError("undone")); err != nil {
		t.Fatal(err)
	}
	as[*millrace.CanceledError](e, e.failure(run))
}

// TestAPendingActivityTimesOut leaves one alone.
func TestAPendingActivityTimesOut(t *testing.T) {
	e, begun := pendingEngine(t)
	run := e.execute("forgotten", "wf", workflow.ActivityOptions{StartToCloseTimeout: 200 * time.Millisecond, RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 1}})
	info := receive(e, begun, "the activity")
	timeout := as[*millrace.TimeoutError](e, e.failure(run))
	if timeout.TimeoutType() != enums.TIMEOUT_TYPE_START_TO_CLOSE {
		t.Errorf("got %v", timeout)
	}
	// The answer to a late completion may be either; it must change nothing.
	_ = e.client.CompleteActivity(e.ctx, info.TaskToken, "late", nil)
	as[*millrace.TimeoutError](e, e.failure(run))
}
