package coordinator_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// TestAnEagerActivityLeavesNoTaskAndNoMessage: two records are all that a run of one activity writes, and its start is
// acknowledged when the second is there, not before.
func TestAnEagerActivityLeavesNoTaskAndNoMessage(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.config.Eager = &eagerWorker{attempt: lasting(2*time.Second, success)}
		calls := f.record(nil, written...)
		f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		calls.want(f, streamstest.OpAppend)
		f.settle(2 * time.Second)
		calls.want(f, streamstest.OpAppend, streamstest.OpAppend, streamstest.OpAck)
		f.wantResult(run, "eager A")
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskCompleted", "4 WorkflowExecutionCompleted")
		if second := f.transitions(run)[1]; second.Cover != history.StartIdentity || len(second.Consumed) != 1 || second.Consumed[0] != "a2:1" {
			f.Errorf("transition 2 is covered by %q and consumed %v", second.Cover, second.Consumed)
		}
	})
}

// TestARunGoesOnWhileItsEagerActivityRuns: signals are consumed and acknowledged, queries answered.
func TestARunGoesOnWhileItsEagerActivityRuns(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			var got []*common.Payload
			env.OnSignal(func(s *history.WorkflowExecutionSignaled) { got = append(got, s.Input.Payloads...) })
			env.OnQuery(func(string, *common.Payloads) (*common.Payloads, error) { return &common.Payloads{Payloads: got}, nil })
			env.Complete(call(env, "A"))
		})
		worker := &eagerWorker{attempt: lasting(5*time.Second, success)}
		f.config.Eager = worker
		f.serve()
		run := f.start("w", "w")
		f.settle(time.Second)
		f.signal(run, "s", "s1")
		f.settle(time.Second)
		if w := f.waiting(run); len(w) > 0 || worker.running.Load() != 1 {
			f.Fatalf("%d signals wait while %d activities run", len(w), worker.running.Load())
		}
		data, err := history.Encode(&history.Query{Run: run.Run, Type: "got"})
		if err != nil {
			f.Fatal(err)
		}
		answer, err := f.model.Query(f.ctx, queue, "", data)
		if err != nil {
			f.Fatal(err)
		}
		r, err := history.DecodeQueryResult(answer)
		if err != nil || r.Failure != nil || len(r.Result.Payloads) != 1 || string(r.Result.Payloads[0].Data) != "s1" {
			f.Fatalf("answer is %+v, %v", r, err)
		}
		f.settle(10 * time.Second)
		f.wantResult(run, "eager A")
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 WorkflowExecutionSignaled", "4 ActivityTaskCompleted", "5 WorkflowExecutionCompleted")
	})
}

// TestAnEagerAttemptWithoutAResultGoesToTheQueue: the record that says so is covered by the message that covered the
// attempt, which is acknowledged only when the task is there.
func TestAnEagerAttemptWithoutAResultGoesToTheQueue(t *testing.T) {
	for name, test := range map[string]struct {
		end     func(*history.Task) coordinator.EagerOutcome
		attempt int32
		wait    time.Duration
	}{
		"failed": {retried, 2, time.Minute},
		"lost":   {func(*history.Task) coordinator.EagerOutcome { return coordinator.EagerOutcome{} }, 2, 0},
		"handed back, which does not count": {func(*history.Task) coordinator.EagerOutcome {
			return coordinator.EagerOutcome{Requeue: &coordinator.EagerRequeue{Attempt: 1}}
		}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.deploy("one", one)
				f.config.Eager = &eagerWorker{attempt: lasting(time.Second, test.end)}
				calls := f.record(nil, written...)
				f.serve()
				run := f.start("w", "one")
				f.settle(5 * time.Second)
				calls.want(f, streamstest.OpAppend, streamstest.OpAppend, streamstest.OpPublishTask, streamstest.OpAck)
				second := f.transitions(run)[1]
				if second.Cover != history.StartIdentity {
					f.Errorf("transition 2 is covered by %q", second.Cover)
				}
				task, notBefore := f.task(), time.Time{}
				if test.wait > 0 {
					notBefore = second.Time.Add(test.wait)
				}
				if task.FirstAttempt != test.attempt || !task.NotBefore.Equal(notBefore) {
					f.Errorf("the task begins with attempt %d not before %v, want %d, %v", task.FirstAttempt, task.NotBefore, test.attempt, notBefore)
				}
				f.send(run, completion(2, 2, "later"))
				f.settle(time.Second)
				f.wantResult(run, "later")
				f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskQueued", "4 ActivityTaskCompleted", "5 WorkflowExecutionCompleted")
			})
		})
	}
}

// TestAFinalFailureOfAnEagerAttemptIsARecord: what is not to be repeated does not go to the queue.
func TestAFinalFailureOfAnEagerAttemptIsARecord(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			ended := false
			schedule(env, history.ActivityTaskScheduled{Type: "A", StartToClose: 1000}, func() { ended = true })
			env.Block("activity", func() bool { return ended })
			env.Complete(nil)
		})
		f.config.Eager = &eagerWorker{attempt: func(_ context.Context, task *history.Task) coordinator.EagerOutcome {
			return coordinator.EagerOutcome{Result: &history.ActivityResult{Scheduled: task.Event, Attempt: 1, Failure: broken("for good"),
				Retry: enums.RETRY_STATE_NON_RETRYABLE_FAILURE}}
		}}
		calls := f.record(nil, written...)
		f.serve()
		run := f.start("w", "w")
		f.settle(time.Second)
		calls.want(f, streamstest.OpAppend, streamstest.OpAppend, streamstest.OpAck)
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskFailed", "4 WorkflowExecutionCompleted")
	})
}

// TestWhatMustNotBeEagerGoesToTheQueue: nobody is even asked for a slot.
func TestWhatMustNotBeEagerGoesToTheQueue(t *testing.T) {
	for name, test := range map[string]struct {
		activity history.ActivityTaskScheduled
		eager    bool
	}{
		"as long as may be":      {history.ActivityTaskScheduled{StartToClose: 10_000}, true},
		"repeated for ever":      {history.ActivityTaskScheduled{StartToClose: 10_000, RetryPolicy: &history.RetryPolicy{}}, true},
		"repeated once":          {history.ActivityTaskScheduled{StartToClose: 1, RetryPolicy: &history.RetryPolicy{MaximumAttempts: 2}}, true},
		"too long":               {history.ActivityTaskScheduled{StartToClose: 10_001}, false},
		"of no bound":            {history.ActivityTaskScheduled{ScheduleToClose: 1000}, false},
		"at most once":           {history.ActivityTaskScheduled{StartToClose: 1000, RetryPolicy: &history.RetryPolicy{MaximumAttempts: 1}}, false},
		"switched off":           {history.ActivityTaskScheduled{StartToClose: 1000, NoEager: true}, false},
		"to be started in time":  {history.ActivityTaskScheduled{StartToClose: 1000, ScheduleToStart: 60_000}, false},
		"to be finished in time": {history.ActivityTaskScheduled{StartToClose: 1000, ScheduleToClose: 60_000}, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				test.activity.Type = "A"
				f.deploy("w", func(env *replay.Env) {
					ended := false
					schedule(env, test.activity, func() { ended = true })
					env.Block("activity", func() bool { return ended })
					env.Complete(nil)
				})
				worker := &eagerWorker{}
				f.config.Eager = worker
				f.serve()
				run := f.start("w", "w")
				f.settle(time.Second)
				asked := worker.reserved.Load() > 0
				if queued := f.queued(run, 2); asked != test.eager || queued == test.eager {
					f.Fatalf("a slot was asked for: %v; the task is queued: %v", asked, queued)
				}
			})
		})
	}
}

// TestWhatTheClockLedToIsNotEager: a wake-up is a cover of many records, and a local alarm is a cover of none.
func TestWhatTheClockLedToIsNotEager(t *testing.T) {
	for name, alarms := range map[string]int{"alarm": 1, "wake-up": -1} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.deploy("w", func(env *replay.Env) {
					sleep(env, time.Second)
					env.Complete(call(env, "A"))
				})
				worker := &eagerWorker{}
				f.config.Eager, f.config.MaxAlarms = worker, alarms
				f.serve()
				run := f.start("w", "w")
				f.settle(3 * time.Second)
				if n := worker.reserved.Load(); n > 0 || !f.queued(run, 4) {
					f.Fatalf("%d slots were asked for; events %v", n, f.events(run))
				}
			})
		})
	}
}

// TestAnActivityForWhichThereIsNoSlotGoesToTheQueue: its record says nothing of an eager attempt.
func TestAnActivityForWhichThereIsNoSlotGoesToTheQueue(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.config.Eager = &eagerWorker{full: true}
		calls := f.record(nil, written...)
		f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		calls.want(f, streamstest.OpAppend, streamstest.OpPublishTask, streamstest.OpAck)
		if a := f.events(run)[0].Attributes.(*history.ActivityTaskScheduled); a.Eager || f.task().FirstAttempt != 1 {
			f.Errorf("activity is %+v", a)
		}
	})
}

// TestARefusedAppendGivesTheSlotBack: somebody else was faster with the signal that the activity follows.
func TestARefusedAppendGivesTheSlotBack(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			signaled := false
			env.OnSignal(func(*history.WorkflowExecutionSignaled) { signaled = true })
			env.Block("signal", func() bool { return signaled })
			env.Complete(call(env, "A"))
		})
		worker := &eagerWorker{}
		f.config.Eager = worker
		f.serve()
		run := f.start("w", "w")
		f.settle(time.Second)
		var done atomic.Bool
		f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpAppend && done.CompareAndSwap(false, true) {
				f.appendElsewhere(run, signal("s", "s1"))
			}
			return streamstest.Proceed
		})
		f.signal(run, "s", "s1")
		f.settle(10 * time.Second)
		if r, x := worker.reserved.Load(), worker.released.Load(); r != 1 || x != 1 {
			f.Errorf("%d slots were reserved and %d released, want 1 and 1", r, x)
		}
		if !f.queued(run, 3) {
			f.Error("the task of the other's record was not sent")
		}
	})
}

// TestOutcomesThatComeTogetherAreConsumedTogether: twenty activities run side by side and end at one time.
func TestOutcomesThatComeTogetherAreConsumedTogether(t *testing.T) {
	inBubble(t, func(f *fixture) {
		const n = 20
		f.deploy("w", func(env *replay.Env) {
			done := 0
			for range n {
				schedule(env, history.ActivityTaskScheduled{Type: "A", StartToClose: 1000}, func() { done++ })
			}
			env.Block("activities", func() bool { return done == n })
			env.Complete(nil)
		})
		f.config.Eager = &eagerWorker{attempt: lasting(time.Second, success)}
		calls := f.record(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpAppend {
				time.Sleep(time.Millisecond) // meanwhile the others end
			}
			return streamstest.Proceed
		}, written...)
		f.serve()
		run := f.start("w", "w")
		f.settle(5 * time.Second)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		if k := len(f.transitions(run)); k > 3 {
			f.Errorf("%d transitions for %d activities", k, n)
		}
		if a, p := calls.count(streamstest.OpAck), calls.count(streamstest.OpPublishTask); a != 1 || p != 0 {
			f.Errorf("%d acknowledgements and %d tasks, want 1 and none", a, p)
		}
	})
}

// TestARunThatClosesWhileAnEagerActivityRuns: the first of two wins. The other is told that nobody waits for it, and the
// start is acknowledged when it has ended.
func TestARunThatClosesWhileAnEagerActivityRuns(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			done := 0
			schedule(env, history.ActivityTaskScheduled{Type: "fast", StartToClose: 1000}, func() { done++ })
			schedule(env, history.ActivityTaskScheduled{Type: "slow", StartToClose: 9000}, func() { done++ })
			env.Block("the first", func() bool { return done > 0 })
			env.Complete(text("first"))
		})
		worker := &eagerWorker{attempt: func(ctx context.Context, task *history.Task) coordinator.EagerOutcome {
			return lasting(task.StartToClose.Duration(), success)(ctx, task)
		}}
		f.config.Eager = worker
		calls := f.record(nil, append(slices.Clone(written), streamstest.OpWithdrawTask)...)
		f.serve()
		run := f.start("w", "w")
		f.settle(2 * time.Second)
		f.wantResult(run, "first")
		calls.want(f, streamstest.OpAppend, streamstest.OpAppend, streamstest.OpWithdrawTask)
		if asked, err := f.model.CancelRequested(f.ctx, run.Run, 3); err != nil || !asked || worker.running.Load() != 1 {
			f.Fatalf("the slow activity (%d run) was asked to end: %v, %v", worker.running.Load(), asked, err)
		}
		f.settle(20 * time.Second)
		calls.want(f, streamstest.OpAppend, streamstest.OpAppend, streamstest.OpWithdrawTask, streamstest.OpAck)
		if letters := f.deadLetters(); len(letters) > 0 {
			f.Errorf("dead letters %+v", letters)
		}
	})
}

// TestAStopWaitsForEagerActivities: what has begun is finished, and its outcome is a record before Run returns.
func TestAStopWaitsForEagerActivities(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.config.Eager = &eagerWorker{attempt: lasting(5*time.Second, success)}
		stop := f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		began := time.Now()
		stop()
		if d := time.Since(began); d != 4*time.Second {
			f.Errorf("the stop took %v, want the 4s that the activity had left", d)
		}
		f.wantResult(run, "eager A")
	})
}

// TestAStopThatTakesTooLongLosesTheEagerAttempt: it ends after StopTimeout, and another process queues the activity.
func TestAStopThatTakesTooLongLosesTheEagerAttempt(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.config.Eager, f.config.StopTimeout = &eagerWorker{attempt: lasting(9*time.Second, success)}, 2*time.Second
		stop := f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		began := time.Now()
		stop()
		if d := time.Since(began); d != 2*time.Second {
			f.Errorf("the stop took %v, want 2s", d)
		}
		f.serve()
		f.settle(10 * time.Second)
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskQueued")
		if task := f.task(); task.FirstAttempt != 2 {
			f.Errorf("the task begins with attempt %d", task.FirstAttempt)
		}
	})
}

// TestEagerActivitiesHoldNoSlotOfTheLane: a message that waits for nothing but an activity keeps no other from being dealt
// with.
func TestEagerActivitiesHoldNoSlotOfTheLane(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		worker := &eagerWorker{attempt: func(ctx context.Context, task *history.Task) coordinator.EagerOutcome {
			if task.Run.WorkflowID == "slow" {
				return lasting(9*time.Second, success)(ctx, task)
			}
			return success(task)
		}}
		f.config.Eager, f.config.MaxConcurrent = worker, 1
		f.serve()
		slow := f.start("slow", "one")
		f.settle(time.Second)
		fast := f.start("fast", "one")
		f.settle(time.Second)
		f.wantResult(fast, "eager A")
		f.wantStatus(slow, enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
		f.settle(10 * time.Second)
		f.wantResult(slow, "eager A")
	})
}
