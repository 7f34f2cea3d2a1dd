package worker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// The tests of this file are about who may run an activity, and who may speak for it.

// cutOff loses every sign of life, as if the worker were frozen or cut off, while everything else passes.
func cutOff(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
	if op == streamstest.OpInProgress || op == streamstest.OpDeliver {
		return streamstest.Lost
	}
	return streamstest.Proceed
}

func TestFencedWorkerSendsNothingButASuccess(t *testing.T) {
	endings := map[string]struct {
		err  error
		says []streamstest.Op
	}{
		"success":               {nil, []streamstest.Op{streamstest.OpSend}},
		"failure to be retried": {errors.New("boom"), nil},
		"pending":               {activity.ErrResultPending, nil},
	}
	for name, ending := range endings {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.register(func(ctx context.Context) error {
					f.faults(cutOff)
					time.Sleep(lossTimeout + time.Second)
					activity.RecordHeartbeat(ctx, "still here")
					time.Sleep(time.Second)
					return ending.err
				})
				f.publish()
				stop := f.serve()
				time.Sleep(lossTimeout + 5*time.Second)
				says := f.sent(streamstest.OpSend, streamstest.OpAck, streamstest.OpNak, streamstest.OpPutBeat, streamstest.OpDeleteBeats)
				if !slices.Equal(says, ending.says) {
					t.Errorf("a fenced worker says %v, want %v", says, ending.says)
				}
				if !f.queued() {
					t.Error("the task is gone")
				}
				stop()
			})
		})
	}
}

func TestSignsOfLifeKeepALongActivity(t *testing.T) {
	inBubble(t, func(f *fixture) {
		calls := 0
		f.register(func() error { calls++; time.Sleep(10 * lossTimeout); return nil })
		f.publish()
		stop1, stop2 := f.serve(), f.serve()
		if r := f.outcome(); r.Attempt != 1 || calls != 1 {
			t.Errorf("%d calls, outcome is %+v", calls, r)
		}
		stop1()
		stop2()
	})
}

func TestFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fence := newFence(3*time.Second, time.Now())
		time.Sleep(2 * time.Second)
		fence.confirm(time.Now())
		time.Sleep(2 * time.Second)
		if !fence.holds() {
			t.Fatal("broken 2 s after a confirmation")
		}
		// Sent in time and confirmed late: the broker may have got it only now.
		sent := time.Now()
		time.Sleep(2 * time.Second)
		fence.confirm(sent)
		if fence.holds() {
			t.Fatal("holds 4 s after the last confirmation")
		}
		fence.confirm(time.Now())
		if fence.holds() {
			t.Fatal("a confirmation mended it")
		}
	})
}

func TestFailureOfAnOlderAttemptIsIgnored(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 2
		f.register(func() error {
			// The broker gave the task to somebody else, who has begun.
			f.putBeat(&history.Beat{Attempt: 2, Started: time.Now()})
			return errors.New("boom")
		})
		f.publish()
		stop := f.serve()
		time.Sleep(time.Second)
		if got := f.sent(streamstest.OpSend, streamstest.OpNak, streamstest.OpAck); len(got) > 0 || f.beat().Attempt != 2 {
			t.Errorf("calls are %v, heartbeat record %+v", got, f.beat())
		}
		stop()
	})
}

func TestAtMostOnceClaim(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 1
		ran := false
		f.register(func() error { ran = true; return nil })
		f.publish()
		f.lose()
		if _, err := f.model.Claim(f.ctx, f.task.Run.Run, scheduled, "somebody else"); err != nil {
			t.Fatal(err)
		}
		defer f.serve()()
		r := f.outcome()
		if ran || r.Failure == nil || r.Failure.Message != "worker lost" || r.Retry != enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED || r.Attempt != 1 {
			t.Errorf("ran: %v, outcome is %+v", ran, r)
		}
	})
}

func TestAtMostOnceRunsWhatNobodyClaimed(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 1
		calls := 0
		f.register(func() error { calls++; return nil })
		f.publish()
		f.lose() // delivered, but never begun
		defer f.serve()()
		if r := f.outcome(); r.Failure != nil || r.Attempt != 1 || calls != 1 {
			t.Errorf("%d calls, outcome is %+v", calls, r)
		}
	})
}

func TestAtMostOnceSparesTheHolderAfterAConsumerWasRecreated(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 1
		calls := 0
		f.register(func() error { calls++; time.Sleep(2 * lossTimeout); return nil })
		f.publish()
		stop := f.serve()
		time.Sleep(time.Second)
		f.check(f.model.DeleteConsumers(queue)) // delivers the task again, for the first time as far as it knows
		if r := f.outcome(); r.Failure != nil || calls != 1 {
			t.Errorf("%d calls, outcome is %+v", calls, r)
		}
		stop()
	})
}

func TestHandBackUsesNoAttempt(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 2
		var seen []int32
		var causes []error
		f.register(func(ctx context.Context) error {
			seen = append(seen, activity.GetInfo(ctx).Attempt)
			activity.RecordHeartbeat(ctx, len(seen))
			if len(seen) > 3 {
				return nil
			}
			<-ctx.Done()
			causes = append(causes, context.Cause(ctx))
			return ctx.Err()
		})
		f.publish()
		for range 3 {
			stop := f.serve()
			time.Sleep(time.Second)
			stop()
		}
		defer f.serve()()
		r := f.outcome()
		if !slices.Equal(seen, []int32{1, 1, 1, 1}) || r.Attempt != 1 || r.Failure != nil {
			t.Errorf("attempts %v, outcome is %+v", seen, r)
		}
		for _, cause := range causes {
			if !errors.Is(cause, activity.ErrWorkerStopped) {
				t.Errorf("the context ended because of %v", cause)
			}
		}
		if strings.Contains(f.logs.String(), "lost") {
			t.Errorf("logged:\n%s", f.logs)
		}
	})
}

func TestTaskThatArrivesWhileTheWorkerStopsUsesNoAttempt(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context) (int32, error) { return activity.GetInfo(ctx).Attempt, nil })
		f.publish()
		f.late = true
		f.serve()()
		f.late = false
		defer f.serve()()
		if got := decode[int32](f, f.outcome().Result); got != 1 || strings.Contains(f.logs.String(), "lost") {
			t.Errorf("attempt %d, logged:\n%s", got, f.logs)
		}
	})
}

func TestHandBackAfterALostWorkerKeepsCounting(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 3
		var seen []int32
		f.register(func(ctx context.Context) error {
			seen = append(seen, activity.GetInfo(ctx).Attempt)
			if len(seen) == 1 {
				<-ctx.Done()
			}
			return errors.New("boom")
		})
		f.publish()
		f.lose()
		stop := f.serve()
		time.Sleep(lossTimeout + time.Second)
		stop()
		defer f.serve()()
		if r := f.outcome(); r.Attempt != 3 || !slices.Equal(seen, []int32{2, 2, 3}) {
			t.Errorf("attempts %v, outcome is %+v", seen, r)
		}
	})
}

func TestActivityThatRunsAtMostOnceIsNotHandedBack(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 1
		calls := 0
		f.register(func(ctx context.Context) error { calls++; <-ctx.Done(); return ctx.Err() })
		f.publish()
		stop := f.serve()
		time.Sleep(time.Second)
		stop()
		r := f.outcome()
		if calls != 1 || r.Failure == nil || r.Retry != enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED {
			t.Errorf("%d calls, outcome is %+v", calls, r)
		}
	})
}

func TestUnknownActivityTypeIsHandedBack(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 1
		f.registry.addActivity(func() error { return nil }, activity.RegisterOptions{Name: "Other"})
		f.publish()
		stop := f.serve()
		time.Sleep(10 * time.Second)
		naks := len(f.sent(streamstest.OpNak))
		if naks < 2 || naks > 4 { // after 1, 2, 4 s and a little more
			t.Errorf("%d hand-backs in 10 s", naks)
		}
		if n := strings.Count(f.logs.String(), "not registered"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, f.logs)
		}
		stop()
		f.register(func(ctx context.Context) (int32, error) { return activity.GetInfo(ctx).Attempt, nil })
		defer f.serve()()
		if r := f.outcome(); r.Failure != nil || decode[int32](f, r.Result) != 1 {
			t.Errorf("outcome is %+v", r)
		}
	})
}

func TestRedeliveryFindsTheResult(t *testing.T) {
	outcomes := map[string]func(f *fixture){
		"in the inbox": func(f *fixture) {
			m := &history.Message{ID: "1", Activity: &history.ActivityResult{Scheduled: scheduled, Attempt: 1}}
			f.check(f.model.Send(f.ctx, f.task.Run, m))
		},
		"in the history": func(f *fixture) {
			end := history.ActivityEnd{Scheduled: scheduled, Attempt: 1}
			f.append(2, history.NewEvent(3, &history.ActivityTaskCompleted{ActivityEnd: end}))
		},
		"in the closed run": func(f *fixture) {
			f.append(2, history.NewEvent(3, &history.WorkflowExecutionTerminated{}))
		},
	}
	for name, happen := range outcomes {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.register(func() error { t.Error("the function runs again"); return nil })
				f.publish()
				f.lose()
				happen(f)
				stop := f.serve()
				time.Sleep(lossTimeout + time.Second)
				if f.queued() {
					t.Error("the task is still queued")
				}
				stop()
			})
		})
	}
}

func TestTaskOfAPurgedRunIsDropped(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func() error { t.Error("the function runs"); return nil })
		f.task.Scheduled = time.Now().Add(-lossTimeout - time.Second) // the task was sent late
		f.queueTask()
		stop := f.serve()
		if f.queued() {
			t.Error("the task is still queued")
		}
		stop()
	})
}

func TestTaskSentLateFindsTheResult(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func() error { t.Error("the function runs"); return nil })
		f.publish()
		f.check(f.model.WithdrawTask(f.ctx, f.ref()))
		end := history.ActivityEnd{Scheduled: scheduled, Attempt: 1}
		f.append(2, history.NewEvent(3, &history.ActivityTaskCompleted{ActivityEnd: end}))
		time.Sleep(lossTimeout + time.Second)
		f.queueTask()
		stop := f.serve()
		if f.queued() {
			t.Error("the task is still queued")
		}
		stop()
	})
}

func TestUnreadableTaskBecomesADeadLetter(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func() error { return nil })
		_, err := f.model.PublishTask(f.ctx, f.ref(), []byte("no task"))
		f.check(err)
		defer f.serve()()
		synctest.Wait()
		var letters []streams.DeadLetter
		for d, err := range f.model.DeadLetters(f.ctx, 10) {
			f.check(err)
			letters = append(letters, d)
		}
		if len(letters) != 1 || letters[0].Run != f.task.Run.Run || string(letters[0].Data) != "no task" || f.queued() {
			t.Errorf("dead letters: %+v", letters)
		}
	})
}

func TestActivityThatRunsAtMostOnceAndIgnoresItsContextIsLeftToBeFoundLost(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 1
		var calls atomic.Int32
		release := make(chan struct{})
		f.register(func() error { calls.Add(1); <-release; return nil })
		f.publish()
		stop := f.serve()
		time.Sleep(time.Second)
		stop()
		if got := f.sent(streamstest.OpNak); len(got) > 0 {
			t.Errorf("handed back: %v", got)
		}
		defer f.serve()()
		if r := f.outcome(); calls.Load() != 1 || r.Failure == nil || r.Failure.Message != "worker lost" {
			t.Errorf("%d calls, outcome is %+v", calls.Load(), r)
		}
		close(release)
	})
}

func TestLateHeartbeatDoesNotCoverTheEndOfItsAttempt(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.StartToClose = history.MillisOf(5 * time.Second)
		f.task.RetryPolicy.InitialInterval = 60_000
		f.register(func(ctx context.Context) error {
			time.Sleep(6 * time.Second)
			activity.RecordHeartbeat(ctx, "too late")
			time.Sleep(time.Second)
			return nil
		})
		f.publish()
		stop := f.serve()
		time.Sleep(10 * time.Second)
		if b := f.beat(); b == nil || b.Ended.IsZero() || b.Failure == nil || b.Details != nil {
			t.Errorf("heartbeat record is %+v", b)
		}
		stop()
	})
}
