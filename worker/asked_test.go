package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// ask records a request in the history and tells the workers, as a coordinator does.
func (f *fixture) ask(number uint64, a history.Attributes) {
	f.Helper()
	event := history.NewEvent(int64(number)+1, a)
	f.append(number, event)
	f.check(f.model.PutControl(f.ctx, f.task.Run.Run, scheduled, event.ID))
}

// parked is the word in the run's inbox that a task is parked, nil when there is none.
func (f *fixture) parked() *history.ActivityParked {
	f.Helper()
	synctest.Wait()
	waiting, err := f.model.ReadInbox(f.ctx, f.task.Run, history.ActivitySource(scheduled), 0)
	f.check(err)
	if len(waiting) != 1 {
		return nil
	}
	return must(history.DecodeMessage(waiting[0].Data)).Parked
}

func (f *fixture) wantParked(want history.ActivityParked) {
	f.Helper()
	p := f.parked()
	if p == nil || *p != want {
		f.Fatalf("parked is %+v, want %+v\n%s", p, want, f.logs)
	}
	if f.queued() {
		f.Error("the parked task is still queued")
	}
}

// beating beats until its context ends, and returns the reason.
func beating(ctx context.Context) error {
	for {
		activity.RecordHeartbeat(ctx, "half")
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}

func TestTaskOfAPausedActivityIsParkedWithoutAnAttempt(t *testing.T) {
	for name, attempts := range map[string]int32{"any number of attempts": 0, "at most once": 1} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.task.RetryPolicy.MaximumAttempts = attempts
				f.register(func() error { f.Error("the function was called"); return nil })
				f.publish()
				f.ask(2, &history.ActivityTaskPaused{Scheduled: scheduled})
				time.Sleep(10 * time.Second) // the task is not new any more
				defer f.serve()()
				f.wantParked(history.ActivityParked{Scheduled: scheduled, Attempt: 1})
				if got := f.sent(streamstest.OpClaim); len(got) > 0 {
					f.Errorf("calls %v for an attempt that is not made", got)
				}
			})
		})
	}
}

// The coordinator may be about to send a task when the pause comes.
func TestTaskThatIsSentInAPauseIsParkedHoweverNewItIs(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.Asked = true
		f.register(func() error { f.Error("the function was called"); return nil })
		f.publish()
		f.ask(2, &history.ActivityTaskPaused{Scheduled: scheduled})
		defer f.serve()()
		f.wantParked(history.ActivityParked{Scheduled: scheduled, Attempt: 1})
	})
}

func TestRunningAttemptIsToldOfRequests(t *testing.T) {
	for name, test := range map[string]struct {
		ask     history.Attributes
		returns func(cause error) error
		cause   error
		attempt int32 // that comes next by the worker's count
	}{
		"pause, returns the cause":         {&history.ActivityTaskPaused{Scheduled: scheduled}, func(cause error) error { return cause }, activity.ErrActivityPaused, 1},
		"pause, returns the context's end": {&history.ActivityTaskPaused{Scheduled: scheduled}, func(error) error { return context.Canceled }, activity.ErrActivityPaused, 1},
		"pause, fails":                     {&history.ActivityTaskPaused{Scheduled: scheduled}, func(error) error { return errors.New("x") }, activity.ErrActivityPaused, 1},
		"reset":                            {&history.ActivityTaskReset{Scheduled: scheduled}, func(cause error) error { return cause }, activity.ErrActivityReset, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				var cause error
				f.register(func(ctx context.Context) error {
					cause = beating(ctx)
					return test.returns(cause)
				})
				f.publish()
				defer f.serve()()
				time.Sleep(5 * time.Second)
				f.ask(2, test.ask)
				time.Sleep(time.Minute)
				synctest.Wait()
				if !errors.Is(cause, test.cause) {
					f.Fatalf("cause is %v, want %v\n%s", cause, test.cause, f.logs)
				}
				f.wantParked(history.ActivityParked{Scheduled: scheduled, Attempt: test.attempt})
				if b := f.beat(); b == nil || b.Failure != nil || b.Ended.IsZero() || b.Details == nil {
					f.Errorf("heartbeat record is %+v", b)
				}
			})
		})
	}
}

func TestPausedAttemptThatSucceedsCompletes(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context) (string, error) {
			_ = beating(ctx)
			return "done", nil
		})
		f.publish()
		defer f.serve()()
		time.Sleep(5 * time.Second)
		f.ask(2, &history.ActivityTaskPaused{Scheduled: scheduled})
		if r := f.outcome(); r == nil || r.Failure != nil {
			f.Errorf("outcome is %+v", r)
		}
	})
}

func TestPausedAttemptThatMustNotBeRetriedFails(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context) error {
			_ = beating(ctx)
			return millrace.NewNonRetryableApplicationError("no", "T", nil)
		})
		f.publish()
		defer f.serve()()
		time.Sleep(5 * time.Second)
		f.ask(2, &history.ActivityTaskPaused{Scheduled: scheduled})
		if r := f.outcome(); r == nil || r.Failure == nil {
			f.Errorf("outcome is %+v", r)
		}
	})
}

// Nobody has told an attempt without heartbeats that ends before the worker looks.
func TestFailureInAPauseCountsWhereTheFunctionWasNotTold(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func() error {
			f.ask(2, &history.ActivityTaskPaused{Scheduled: scheduled})
			return errors.New("boom")
		})
		f.publish()
		defer f.serve()()
		time.Sleep(time.Second / 2)
		f.wantParked(history.ActivityParked{Scheduled: scheduled, Attempt: 2})
		if b := f.beat(); b == nil || b.Failure == nil || b.Failure.Message != "boom" {
			f.Errorf("heartbeat record is %+v", b)
		}
	})
}

// A reset gives an attempt that was the last one others after it.
func TestLastAttemptIsRetriedAfterAReset(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 2
		f.register(func(ctx context.Context) error {
			if activity.GetInfo(ctx).Attempt == 2 {
				f.ask(2, &history.ActivityTaskReset{Scheduled: scheduled})
			}
			return errors.New("boom")
		})
		f.publish()
		defer f.serve()()
		time.Sleep(5 * time.Second)
		if p := f.parked(); p == nil {
			f.Fatalf("not parked; outcome %+v", f.outcomeNow())
		}
	})
}

// Attempts of a later generation have their own numbers and the details of the earlier ones.
func TestNextGenerationGoesOnWithTheDetailsAndItsOwnNumbers(t *testing.T) {
	for name, test := range map[string]struct {
		first  int32
		forget bool
		early  time.Duration
	}{
		"after a pause":    {first: 4},
		"after a reset":    {first: 1},
		"without details":  {first: 1, forget: true},
		"after some delay": {first: 1, early: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.task.Generation, f.task.FirstAttempt, f.task.Forget, f.task.Asked = 4, test.first, test.forget, true
				if test.early > 0 {
					f.task.NotBefore = time.Now().Add(test.early)
				}
				var numbers []int32
				var details []bool
				begun := time.Now()
				f.register(func(ctx context.Context) error {
					if early := test.early - time.Since(begun); early > 0 {
						f.Errorf("began %v early", early)
					}
					numbers = append(numbers, activity.GetInfo(ctx).Attempt)
					details = append(details, activity.HasHeartbeatDetails(ctx))
					if len(numbers) == 2 {
						return nil
					}
					return errors.New("again")
				})
				f.putBeat(&history.Beat{Attempt: 3, Free: 2, Ended: time.Now(), Details: must(converter.GetDefaultDataConverter().ToPayloads("x"))})
				f.publish()
				f.ask(2, &history.ActivityTaskReset{Scheduled: scheduled})
				f.append(3, history.NewEvent(4, &history.ActivityTaskQueued{Scheduled: scheduled, Attempt: test.first}))
				defer f.serve()()
				f.outcome()
				if len(numbers) != 2 || numbers[0] != test.first || numbers[1] != test.first+1 || details[0] == test.forget {
					f.Errorf("attempts %v, with details %v", numbers, details)
				}
			})
		})
	}
}

// A task that was parked may come again: its acknowledgement is lost, or somebody sends it who does not know. What the
// attempts so far have left is for the next task.
func TestTaskThatWasParkedIsNotRunAgain(t *testing.T) {
	for name, after := range map[string]func(f *fixture){
		"parked in the inbox": func(f *fixture) {
			f.check(f.model.Send(f.ctx, f.task.Run, history.NewParked(history.ActivityParked{Scheduled: scheduled, Attempt: 1})))
		},
		"parked in the history": func(f *fixture) {
			f.append(2, history.NewEvent(3, &history.ActivityTaskPaused{Scheduled: scheduled}),
				history.NewEvent(4, &history.ActivityTaskParked{Scheduled: scheduled, Attempt: 1}))
		},
		"queued again": func(f *fixture) {
			f.append(2, history.NewEvent(3, &history.ActivityTaskReset{Scheduled: scheduled}),
				history.NewEvent(4, &history.ActivityTaskParked{Scheduled: scheduled, Attempt: 1}),
				history.NewEvent(5, &history.ActivityTaskQueued{Scheduled: scheduled, Attempt: 1}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.register(func() error { f.Error("the function was called"); return nil })
				f.publish()
				f.lose()
				f.putBeat(&history.Beat{Attempt: 1, Ended: time.Now()})
				after(f)
				time.Sleep(2 * lossTimeout)
				defer f.serve()()
				if f.queued() {
					f.Errorf("the task is still queued\n%s", f.logs)
				}
				if f.beat() == nil {
					f.Error("what the attempt has left is gone")
				}
			})
		})
	}
}

// That the task of an earlier generation was parked is what led to this one: it ends nothing.
func TestWordOfAnEarlierGenerationEndsNoTask(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.Generation, f.task.Asked = 5, true
		called := false
		f.register(func() error { called = true; return nil })
		f.publish()
		f.append(2, history.NewEvent(3, &history.ActivityTaskReset{Scheduled: scheduled}),
			history.NewEvent(4, &history.ActivityTaskParked{Scheduled: scheduled, Attempt: 1}),
			history.NewEvent(5, &history.ActivityTaskQueued{Scheduled: scheduled, Attempt: 1}))
		f.check(f.model.PutControl(f.ctx, f.task.Run.Run, scheduled, 3))
		f.check(f.model.Send(f.ctx, f.task.Run, history.NewParked(history.ActivityParked{Scheduled: scheduled, Attempt: 1})))
		defer f.serve()()
		time.Sleep(time.Second)
		synctest.Wait()
		if !called {
			f.Errorf("the function was not called\n%s", f.logs)
		}
	})
}

// Between the word that an attempt begins and the look that follows, a coordinator may have asked.
func TestAttemptDoesNotBeginWhenSomethingIsAskedMeanwhile(t *testing.T) {
	inBubble(t, func(f *fixture) {
		var calls atomic.Int32
		f.register(func() error { calls.Add(1); return errors.New("again") })
		f.publish()
		beats := 0
		f.onBeat = func() {
			if beats++; beats == 2 { // the word of the second attempt, which has looked before
				f.ask(2, &history.ActivityTaskReset{Scheduled: scheduled})
			}
		}
		defer f.serve()()
		time.Sleep(5 * time.Second)
		f.wantParked(history.ActivityParked{Scheduled: scheduled, Attempt: 2})
		if calls.Load() != 1 {
			f.Errorf("%d calls", calls.Load())
		}
	})
}

// A worker that was out of contact has no say, whatever it believes to be asked.
func TestFencedWorkerParksNothing(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func() error {
			f.ask(2, &history.ActivityTaskPaused{Scheduled: scheduled})
			f.putBeat(&history.Beat{Attempt: 2})
			return errors.New("boom")
		})
		f.publish()
		defer f.serve()()
		time.Sleep(time.Second)
		if p := f.parked(); p != nil {
			f.Errorf("parked as %+v by an attempt that has a successor", p)
		}
	})
}
