package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// oneActivity runs the activity "a" with the given options.
func oneActivity(ctx workflow.Context, o workflow.ActivityOptions) (string, error) {
	var s string
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), "a").Get(ctx, &s)
	return s, err
}

// TestActivityTimeouts lets each time-out of an activity expire, with and without a further attempt.
func TestActivityTimeouts(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"wf": oneActivity}, code{"a": func(ctx context.Context) (string, error) {
		activity.RecordHeartbeat(ctx, activity.GetInfo(ctx).Attempt)
		<-ctx.Done()
		return "", ctx.Err()
	}})
	once := &millrace.RetryPolicy{MaximumAttempts: 1}
	again := &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 2}
	for _, test := range []struct {
		name    string
		options workflow.ActivityOptions
		kind    enums.TimeoutType
		state   enums.RetryState
		details int32 // of the last heartbeat
	}{
		{"start to close", workflow.ActivityOptions{StartToCloseTimeout: 150 * time.Millisecond, RetryPolicy: once},
			enums.TIMEOUT_TYPE_START_TO_CLOSE, enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED, 1},
		{"start to close of the second attempt", workflow.ActivityOptions{StartToCloseTimeout: 150 * time.Millisecond, RetryPolicy: again},
			enums.TIMEOUT_TYPE_START_TO_CLOSE, enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED, 2},
		{"heartbeat", workflow.ActivityOptions{StartToCloseTimeout: time.Minute, HeartbeatTimeout: 150 * time.Millisecond, RetryPolicy: again},
			enums.TIMEOUT_TYPE_HEARTBEAT, enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED, 2},
		{"schedule to close", workflow.ActivityOptions{ScheduleToCloseTimeout: 300 * time.Millisecond, RetryPolicy: again},
			enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, enums.RETRY_STATE_TIMEOUT, 1},
		{"schedule to close after retries", workflow.ActivityOptions{ScheduleToCloseTimeout: 400 * time.Millisecond, StartToCloseTimeout: 50 * time.Millisecond,
			RetryPolicy: &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond, BackoffCoefficient: 1}},
			enums.TIMEOUT_TYPE_UNSPECIFIED, enums.RETRY_STATE_TIMEOUT, 0},
		{"schedule to start", workflow.ActivityOptions{TaskQueue: "nobody", ScheduleToStartTimeout: 200 * time.Millisecond, StartToCloseTimeout: time.Minute},
			enums.TIMEOUT_TYPE_SCHEDULE_TO_START, enums.RETRY_STATE_TIMEOUT, 0},
		{"schedule to close in the queue", workflow.ActivityOptions{TaskQueue: "nobody", ScheduleToCloseTimeout: 200 * time.Millisecond},
			enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, enums.RETRY_STATE_TIMEOUT, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := e.failure(e.execute(test.name, "wf", test.options))
			failed, timeout := as[*millrace.ActivityError](e, err), as[*millrace.TimeoutError](e, err)
			if test.kind != enums.TIMEOUT_TYPE_UNSPECIFIED && timeout.TimeoutType() != test.kind {
				t.Errorf("%v; want type %v", err, test.kind)
			}
			if failed.RetryState() != test.state {
				t.Errorf("retry state %v, want %v: %v", failed.RetryState(), test.state, err)
			}
			if test.details > 0 {
				var attempt int32
				if err := timeout.LastHeartbeatDetails(&attempt); err != nil || attempt != test.details {
					t.Errorf("last heartbeat is of attempt %d, %v; want %d", attempt, err, test.details)
				}
			}
		})
	}
}

func TestHeartbeatDetailsReachTheNextAttempt(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"wf": oneActivity}, code{"a": func(ctx context.Context) (string, error) {
		var at string
		if activity.HasHeartbeatDetails(ctx) {
			if err := activity.GetHeartbeatDetails(ctx, &at); err != nil {
				return "", err
			}
		}
		if at == "xxx" {
			return fmt.Sprint(at, " in attempt ", activity.GetInfo(ctx).Attempt), nil
		}
		activity.RecordHeartbeat(ctx, at+"x")
		if activity.GetInfo(ctx).Attempt == 2 {
			<-ctx.Done() // one attempt times out instead
		}
		return "", errors.New("not yet")
	}})
	run := e.execute("progress", "wf", workflow.ActivityOptions{StartToCloseTimeout: 150 * time.Millisecond,
		RetryPolicy: &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond}})
	if got := result[string](e, run); got != "xxx in attempt 4" {
		t.Errorf("got %q", got)
	}
}

func TestErrorsThatEndTheAttempts(t *testing.T) {
	e := newEngine(t)
	var attempts atomic.Int32
	e.serve(code{"wf": func(ctx workflow.Context, how string) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, RetryPolicy: &millrace.RetryPolicy{
			InitialInterval: 10 * time.Millisecond, MaximumAttempts: 3, NonRetryableErrorTypes: []string{"Fatal", "myError"}}})
		return workflow.ExecuteActivity(ctx, "a", how).Get(ctx, nil)
	}}, code{"a": func(ctx context.Context, how string) error {
		attempts.Store(activity.GetInfo(ctx).Attempt)
		switch how {
		case "listed type":
			return millrace.NewApplicationError("no", "Fatal")
		case "listed Go type":
			return &myError{}
		case "non-retryable":
			return millrace.NewNonRetryableApplicationError("no", "Other", nil)
		case "canceled by itself":
			return millrace.NewCanceledError()
		}
		return millrace.NewApplicationError("no", "Other")
	}})
	for how, want := range map[string]struct {
		attempts int32
		state    enums.RetryState
	}{
		"listed type":    {1, enums.RETRY_STATE_NON_RETRYABLE_FAILURE},
		"listed Go type": {1, enums.RETRY_STATE_NON_RETRYABLE_FAILURE},
		"non-retryable":  {1, enums.RETRY_STATE_NON_RETRYABLE_FAILURE},
		"other":          {3, enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED},
	} {
		t.Run(how, func(t *testing.T) {
			failed := as[*millrace.ActivityError](e, e.failure(e.execute(how, "wf", how)))
			if attempts.Load() != want.attempts || failed.RetryState() != want.state {
				t.Errorf("%d attempts, %v; want %d, %v", attempts.Load(), failed.RetryState(), want.attempts, want.state)
			}
			if failed.ActivityType().Name != "a" || failed.ActivityID() == "" || failed.Identity() == "" || failed.ScheduledEventID() == 0 {
				t.Errorf("the error does not say which activity: %v", failed)
			}
		})
	}
}

type myError struct{}

func (*myError) Error() string { return "mine" }

func TestNextRetryDelayReplacesThePolicys(t *testing.T) {
	e := newEngine(t)
	begun := make(chan time.Time, 2)
	e.serve(code{"wf": oneActivity}, code{"a": func(ctx context.Context) (string, error) {
		begun <- time.Now()
		if activity.GetInfo(ctx).Attempt == 1 {
			return "", millrace.NewApplicationErrorWithOptions("soon", "Soon", millrace.ApplicationErrorOptions{NextRetryDelay: 200 * time.Millisecond})
		}
		return "done", nil
	}})
	run := e.execute("delay", "wf", workflow.ActivityOptions{StartToCloseTimeout: time.Minute,
		RetryPolicy: &millrace.RetryPolicy{InitialInterval: time.Hour}})
	result[string](e, run)
	if wait := -time.Until(<-begun) + time.Until(<-begun); wait < 200*time.Millisecond || wait > 5*time.Second {
		t.Errorf("the second attempt came after %v", wait)
	}
}

func TestAPanicOfAnActivityIsAFailureWithItsStack(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"wf": func(ctx workflow.Context, o workflow.ActivityOptions) (string, error) {
		_, err := oneActivity(ctx, o)
		var panicked *millrace.PanicError
		if !errors.As(err, &panicked) {
			return "", fmt.Errorf("activity gives %w", err)
		}
		return panicked.Error() + "\n" + panicked.StackTrace(), nil
	}}, code{"a": func(ctx context.Context) (string, error) {
		if activity.GetInfo(ctx).Attempt < 2 {
			explode()
		}
		explode()
		return "", nil
	}})
	run := e.execute("panic", "wf", workflow.ActivityOptions{StartToCloseTimeout: time.Minute,
		RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 2, InitialInterval: 10 * time.Millisecond}})
	if got := result[string](e, run); !strings.HasPrefix(got, "boom\n") || !strings.Contains(got, "explode") {
		t.Errorf("got %s", got)
	}
}

func explode() { panic("boom") }

// TestALostWorkersTaskGoesToAnother closes the connection of a worker that runs an activity.
func TestALostWorkersTaskGoesToAnother(t *testing.T) {
	e := newEngine(t)
	for _, test := range []struct {
		name string
		max  int32
	}{{"retried", 0}, {"at most once", 1}} {
		t.Run(test.name, func(t *testing.T) {
			o := worker.Options{WorkerLossTimeout: 400 * time.Millisecond, WorkerStopTimeout: -1, MaxHeartbeatThrottleInterval: 20 * time.Millisecond}
			taskQueue := "lossy " + test.name
			e.serve(code{"wf": oneActivity}, nil).Stop() // for the replay
			begun, beaten := make(chan int32, 5), make(chan struct{})
			a := func(ctx context.Context) (string, error) {
				n := activity.GetInfo(ctx).Attempt
				activity.RecordHeartbeat(ctx, n)
				begun <- n
				if n == 1 {
					<-beaten
				}
				var before int32
				if activity.HasHeartbeatDetails(ctx) {
					if err := activity.GetHeartbeatDetails(ctx, &before); err != nil {
						return "", err
					}
				}
				return fmt.Sprint("attempt ", n, " after ", before), nil
			}
			doomed := e.dial()
			lost := e.workOn(doomed, taskQueue, o, func(w worker.Worker) { register(w, nil, code{"a": a}) })
			e.serve(code{"wf": oneActivity}, nil)
			run := e.execute(test.name, "wf", workflow.ActivityOptions{TaskQueue: taskQueue, StartToCloseTimeout: time.Minute, HeartbeatTimeout: time.Minute,
				RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: test.max, InitialInterval: 10 * time.Millisecond}})
			receive(e, begun, "the first attempt")
			e.await(test.name, "the heartbeat", func(d *client.WorkflowExecutionDescription) bool {
				return len(d.PendingActivities) == 1 && d.PendingActivities[0].HeartbeatDetails != nil
			})
			doomed.Close()
			e.workOn(e.dial(), taskQueue, o, func(w worker.Worker) { register(w, nil, code{"a": a}) })
			if test.max == 1 {
				failed := as[*millrace.TimeoutError](e, e.failure(run))
				if !strings.Contains(failed.Message(), "worker lost") || len(begun) > 0 {
					t.Errorf("failed with %v after %d further attempts", failed, len(begun))
				}
			} else if got := result[string](e, run); got != "attempt 2 after 1" {
				t.Errorf("got %q", got)
			}
			close(beaten)
			lost.Stop()
		})
	}
}
