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
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

func TestHeartbeatDetailsReachTheNextAttempt(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context) (int, error) {
			if activity.GetInfo(ctx).Attempt == 1 {
				if activity.HasHeartbeatDetails(ctx) {
					t.Error("the first attempt has details")
				}
				if err := activity.GetHeartbeatDetails(ctx); !errors.Is(err, millrace.ErrNoData) {
					t.Errorf("no details: %v", err)
				}
			}
			n := 0
			if activity.HasHeartbeatDetails(ctx) {
				f.check(activity.GetHeartbeatDetails(ctx, &n))
			}
			if n == 3 {
				return n, nil
			}
			activity.RecordHeartbeat(ctx, n) // only the last call before the failure counts
			activity.RecordHeartbeat(ctx, n+1)
			return 0, errors.New("boom")
		})
		f.publish()
		defer f.serve()()
		if r := f.outcome(); r.Attempt != 4 || decode[int](f, r.Result) != 3 {
			t.Errorf("outcome is %+v", r)
		}
	})
}

func TestHeartbeatDetailsSurviveALostWorker(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context) (string, error) {
			var at string
			f.check(activity.GetHeartbeatDetails(ctx, &at))
			return at, nil
		})
		f.publish()
		f.lose()
		details := must(converter.GetDefaultDataConverter().ToPayloads("half way"))
		f.putBeat(&history.Beat{Attempt: 1, Details: details, Time: time.Now(), Started: time.Now()})
		defer f.serve()()
		if r := f.outcome(); r.Attempt != 2 || decode[string](f, r.Result) != "half way" {
			t.Errorf("outcome is %+v", r)
		}
	})
}

func TestHeartbeatsAreThrottled(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.Heartbeat = history.MillisOf(10 * time.Second) // so one in 8 s is sent on
		f.register(func(ctx context.Context) error {
			for i := range 400 {
				activity.RecordHeartbeat(ctx, i)
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		})
		f.publish()
		defer f.serve()()
		time.Sleep(39 * time.Second)
		// At 0, 8, 16, 24 and 32 s.
		if n := len(f.sent(streamstest.OpPutBeat)); n != 5 {
			t.Errorf("%d heartbeats were sent", n)
		}
		if got := decode[int](f, f.beat().Details); got < 318 || got > 321 {
			t.Errorf("the newest details sent are those of call %d", got)
		}
		f.outcome()
	})
}

func TestHeartbeatTimeout(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.Heartbeat = history.MillisOf(5 * time.Second)
		f.task.RetryPolicy.MaximumAttempts = 2
		var cause error
		f.register(func(ctx context.Context) error {
			if activity.GetInfo(ctx).Attempt == 2 {
				return errors.New("boom")
			}
			time.Sleep(4 * time.Second)
			activity.RecordHeartbeat(ctx, "alive")
			<-ctx.Done() // silent from here on
			cause = context.Cause(ctx)
			return nil // too late to count
		})
		f.publish()
		defer f.serve()()
		time.Sleep(9*time.Second + time.Millisecond)
		synctest.Wait()
		b := f.beat()
		if !errors.Is(cause, activity.ErrTimedOut) || b == nil || b.Failure == nil || b.Failure.TimeoutFailureInfo == nil {
			t.Fatalf("cause %v, heartbeat record %+v", cause, b)
		}
		info := b.Failure.TimeoutFailureInfo
		if info.TimeoutType != enums.TIMEOUT_TYPE_HEARTBEAT || decode[string](f, info.LastHeartbeatDetails) != "alive" {
			t.Errorf("failure is %+v", b.Failure)
		}
		if r := f.outcome(); r.Attempt != 2 || r.Failure == nil {
			t.Errorf("outcome is %+v", r)
		}
	})
}

func TestStartToCloseIsReportedWhileTheFunctionStillRuns(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.StartToClose = history.MillisOf(5 * time.Second)
		f.task.RetryPolicy.MaximumAttempts = 1
		release := make(chan struct{})
		f.register(func() (string, error) { <-release; return "late", nil })
		f.publish()
		stop := f.serve()
		time.Sleep(6 * time.Second)
		r := f.outcome()
		if r.Failure == nil || r.Failure.TimeoutFailureInfo == nil || r.Failure.TimeoutFailureInfo.TimeoutType != enums.TIMEOUT_TYPE_START_TO_CLOSE {
			t.Errorf("outcome is %+v", r)
		}
		close(release)
		time.Sleep(time.Second)
		f.outcome() // fails when there are two
		stop()
	})
}

func TestTimedOutFunctionKeepsItsSlot(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.options.MaxConcurrentActivityExecutionSize = 1
		f.task.StartToClose = history.MillisOf(time.Second)
		calls := 0
		release := make(chan struct{})
		f.register(func() error { calls++; <-release; return nil })
		f.publish()
		stop := f.serve()
		time.Sleep(time.Minute)
		synctest.Wait()
		if calls != 1 {
			t.Errorf("%d calls while the only slot is taken", calls)
		}
		close(release)
		time.Sleep(time.Minute)
		if r := f.outcome(); r.Failure != nil || calls != 2 {
			t.Errorf("%d calls, outcome is %+v", calls, r)
		}
		stop()
	})
}

func TestDeadlineOfTheContext(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.StartToClose = history.MillisOf(time.Hour)
		f.task.ScheduleToClose = history.MillisOf(10 * time.Second)
		f.register(func(ctx context.Context) error {
			deadline, ok := ctx.Deadline()
			want := f.task.Scheduled.Add(10 * time.Second)
			if info := activity.GetInfo(ctx); !ok || !deadline.Equal(want) || !info.Deadline.Equal(want) {
				t.Errorf("deadline %v, %v; want %v", deadline, info.Deadline, want)
			}
			<-ctx.Done()
			return ctx.Err()
		})
		f.publish()
		defer f.serve()()
		r := f.outcome()
		if r.Failure.TimeoutFailureInfo == nil || r.Failure.TimeoutFailureInfo.TimeoutType != enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE || r.Retry != enums.RETRY_STATE_TIMEOUT {
			t.Errorf("outcome is %+v", r)
		}
	})
}

func TestScheduleTimeoutsOnDelivery(t *testing.T) {
	kinds := map[enums.TimeoutType]func(task *history.Task){
		enums.TIMEOUT_TYPE_SCHEDULE_TO_START: func(task *history.Task) { task.ScheduleToStart = 1000 },
		enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE: func(task *history.Task) { task.ScheduleToClose = 1000 },
	}
	for kind, set := range kinds {
		t.Run(kind.String(), func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				set(f.task)
				f.register(func() error { t.Error("the function runs"); return nil })
				f.publish()
				time.Sleep(2 * time.Second)
				defer f.serve()()
				r := f.outcome()
				if r.Failure == nil || r.Failure.TimeoutFailureInfo == nil || r.Failure.TimeoutFailureInfo.TimeoutType != kind {
					t.Errorf("outcome is %+v", r)
				}
			})
		})
	}
}

func TestStartMarkerOnlyForScheduleToStart(t *testing.T) {
	for _, timeout := range []history.Millis{0, 60_000} {
		inBubble(t, func(f *fixture) {
			f.task.ScheduleToStart = timeout
			f.register(func() error {
				started, err := f.model.Started(f.ctx, f.task.Run.Run, scheduled)
				if err != nil || started != (timeout > 0) {
					t.Errorf("time-out %d: started %v, %v", timeout, started, err)
				}
				return nil
			})
			f.publish()
			defer f.serve()()
			f.outcome()
		})
	}
}

func TestCancelReachesTheFunction(t *testing.T) {
	tests := map[string]struct {
		beats bool
		err   func(ctx context.Context) error
		soon  time.Duration
	}{
		"with a heartbeat":                {true, func(ctx context.Context) error { return ctx.Err() }, time.Second},
		"without heartbeats":              {false, func(ctx context.Context) error { return ctx.Err() }, lossTimeout / 3},
		"returning its own CanceledError": {true, func(context.Context) error { return millrace.NewCanceledError("undone") }, time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.options.DefaultHeartbeatThrottleInterval = time.Second
				f.register(func(ctx context.Context) error {
					f.check(f.model.RequestCancel(f.ctx, f.task.Run.Run, scheduled))
					if test.beats {
						activity.RecordHeartbeat(ctx)
					}
					begun := time.Now()
					<-ctx.Done()
					if waited := time.Since(begun); waited > test.soon || !errors.Is(context.Cause(ctx), activity.ErrCanceled) {
						t.Errorf("ended after %v by %v", waited, context.Cause(ctx))
					}
					return test.err(ctx)
				})
				f.publish()
				defer f.serve()()
				r := f.outcome()
				if r.Failure == nil || r.Failure.CanceledFailureInfo == nil || r.Retry != enums.RETRY_STATE_CANCEL_REQUESTED {
					t.Fatalf("outcome is %+v", r)
				}
				if details := r.Failure.CanceledFailureInfo.Details; strings.Contains(name, "own") != (details != nil) {
					t.Errorf("details are %v", details)
				}
			})
		})
	}
}

func TestCancelBeforeTheFunctionRuns(t *testing.T) {
	for _, test := range []struct {
		name          string
		before, after time.Duration // from the publication of the task to the request, and from there to the delivery
	}{
		{"with the task", 0, freshTask},
		{"while the task waits", time.Hour, 0},
		{"long ago", time.Second, time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.register(func() error { t.Error("the function runs"); return nil })
				f.publish()
				time.Sleep(test.before)
				f.check(f.model.RequestCancel(f.ctx, f.task.Run.Run, scheduled))
				time.Sleep(test.after)
				defer f.serve()()
				if r := f.outcome(); r.Failure == nil || r.Failure.CanceledFailureInfo == nil {
					t.Errorf("outcome is %+v", r)
				}
			})
		})
	}
}

func TestCancelThatCrossesAFreshTaskReachesTheFunction(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		f.check(f.model.RequestCancel(f.ctx, f.task.Run.Run, scheduled))
		f.publish()
		begun := time.Now()
		defer f.serve()()
		r := f.outcome()
		if r.Failure == nil || r.Failure.CanceledFailureInfo == nil || time.Since(begun) > 2*firstLook {
			t.Errorf("outcome after %v is %+v", time.Since(begun), r)
		}
	})
}

// A task that has waited asks for nothing of its own either, where nobody has asked anything of any.
func TestShortFirstAttemptAsksTheBrokerForNothing(t *testing.T) {
	for _, waited := range []time.Duration{0, time.Second} {
		t.Run(waited.String(), func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.register(func() error { return nil })
				f.publish()
				time.Sleep(waited)
				stop := f.serve()
				f.outcome()
				stop()
				if got := f.sent(streamstest.OpGetBeat, streamstest.OpPutBeat, streamstest.OpAsked, streamstest.OpInProgress); len(got) > 0 {
					t.Errorf("calls besides the result and the acknowledgement: %v", got)
				}
			})
		})
	}
}

func TestCanceledActivityIsNotRetried(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context) error {
			f.check(f.model.RequestCancel(f.ctx, f.task.Run.Run, scheduled))
			activity.RecordHeartbeat(ctx)
			<-ctx.Done()
			return errors.New("cleaning up went wrong")
		})
		f.publish()
		defer f.serve()()
		r := f.outcome()
		if r.Failure == nil || r.Failure.ApplicationFailureInfo == nil || r.Retry != enums.RETRY_STATE_CANCEL_REQUESTED {
			t.Errorf("outcome is %+v", r)
		}
	})
}
