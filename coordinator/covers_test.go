package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// losing loses all calls of some kinds.
func losing(ops ...streamstest.Op) streamstest.Hook {
	return func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
		if slices.Contains(ops, op) {
			return streamstest.Lost
		}
		return streamstest.Proceed
	}
}

// TestASettledMessageCoversNothingNew: the history has settled s1, whose acknowledgement was lost. Whoever else holds it
// may acknowledge it at any time, so the transition that consumes s2 must not rely on it.
func TestASettledMessageCoversNothingNew(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("collect", collect(3))
		stop := f.serve()
		run := f.start("w", "collect")
		f.settle(time.Second)
		f.faults(losing(streamstest.OpAck))
		f.signal(run, "s", "s1")
		f.settle(time.Second)
		f.kill(stop)
		f.signal(run, "s", "s2")
		f.settle(10 * time.Second)
		f.serve()
		f.settle(10 * time.Second)
		for _, tr := range f.transitions(run) {
			if !slices.Contains(tr.Consumed, tr.Cover) {
				t.Errorf("transition %d is covered by %q, which it did not consume: %v", tr.Number, tr.Cover, tr.Consumed)
			}
		}
	})
}

// TestAMessageSendsWhatItCoversEvenWhenOthersComeWithIt: who consumed s1 died before it sent the activity's task. Its
// heir gets s1 again together with s2.
func TestAMessageSendsWhatItCoversEvenWhenOthersComeWithIt(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			signals := 0
			env.OnSignal(func(*history.WorkflowExecutionSignaled) { signals++ })
			env.Block("signal", func() bool { return signals > 0 })
			env.Complete(call(env, "A"))
		})
		stop := f.serve()
		run := f.start("w", "w")
		f.settle(time.Second)
		f.faults(losing(streamstest.OpPublishTask, streamstest.OpNak))
		f.signal(run, "s", "s1")
		f.settle(time.Second)
		f.kill(stop)
		f.signal(run, "s", "s2")
		f.settle(10 * time.Second)
		f.serve()
		f.settle(10 * time.Second)
		if !f.queued(run, 3) {
			t.Fatal("the task that s1 covers was never sent")
		}
		if w := f.waiting(run); len(w) > 0 {
			t.Fatalf("inbox is not empty: %v", w)
		}
	})
}

// TestARequestThatTheClosingTransitionSettlesIsAcknowledged: the second cancel request asks for nothing new, and once
// the run is closed it would be a leftover.
func TestARequestThatTheClosingTransitionSettlesIsAcknowledged(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			canceled := false
			env.OnCancel(func(string) { canceled = true })
			env.Block("cancel", func() bool { return canceled })
			env.Cancel(nil)
		})
		run := f.start("w", "w")
		for _, id := range []string{"c1", "c2"} {
			f.send(run, &history.Message{ID: id, Cancel: &history.CancelRequest{}})
		}
		f.serve()
		f.settle(time.Minute)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
		if w := f.waiting(run); len(w) > 0 {
			t.Fatalf("%d requests are neither acknowledged nor handed back", len(w))
		}
	})
}

// TestEarlierWakeUpsCoverWhatTheClockLedTo: the wake-up of a canceled timer is still armed, so that of the later one is
// not, when that one fires locally and the process dies before it has sent what follows.
func TestEarlierWakeUpsCoverWhatTheClockLedTo(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			sleep(env, 500*time.Millisecond)
			env.Complete(call(env, "A"))
		})
		// As a broker does that fires on the quarter of a second.
		late := &lateWakeUps{Model: f.model}
		stop := f.serveOn(late)
		f.faults(losing(streamstest.OpPublishTask, streamstest.OpNak))
		run := f.start("w", "w")
		f.settle(time.Second)
		f.kill(stop)
		// The firing that comes is that of an earlier wake-up.
		if err := f.model.ArmWakeUp(f.ctx, run, time.Now().Add(-10*time.Second)); err != nil {
			t.Fatal(err)
		}
		f.serve()
		f.settle(10 * time.Second)
		if !f.queued(run, 4) {
			t.Fatal("the task was never sent")
		}
	})
}

// lateWakeUps keeps wake-ups from being armed: one is armed already that is due earlier.
type lateWakeUps struct{ *streamstest.Model }

func (*lateWakeUps) ArmWakeUp(context.Context, history.Address, time.Time) error { return nil }

// TestAClosingRunThatOthersWereFasterWithIsNotDecided: while the coordinator looks what else waits for the run that is
// about to close, another one consumes all that it holds, and the run does not close.
func TestAClosingRunThatOthersWereFasterWithIsNotDecided(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			signals := 0
			env.OnSignal(func(*history.WorkflowExecutionSignaled) { signals++ })
			result := call(env, "A")
			if signals > 0 {
				result = call(env, "B")
			}
			env.Complete(result)
		})
		f.serve()
		run := f.start("w", "w")
		f.settle(time.Second)
		f.takeTask()
		var done atomic.Bool
		f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpReadInbox && done.CompareAndSwap(false, true) {
				f.signal(run, "s", "s1")
				f.appendElsewhere(run, signal("s", "s1"), completion(2, 1, "a"))
			}
			return streamstest.Proceed
		})
		f.complete(run, 2, "a")
		f.settle(10 * time.Second)
		for _, tr := range f.transitions(run) {
			if len(tr.Events) == 0 {
				t.Errorf("transition %d decides nothing", tr.Number)
			}
		}
		if !f.queued(run, 5) {
			t.Fatal("the task of the second activity was never sent")
		}
	})
}

// TestASuccessorIsStartedAlthoughItsPredecessorSeemsOpen: the leader that is asked does not know of the closing record.
func TestASuccessorIsStartedAlthoughItsPredecessorSeemsOpen(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			if env.Start().ContinuedRunID == "" {
				env.ContinueAsNew(&history.Successor{Type: "w"})
				return
			}
			env.Complete(text("second"))
		})
		f.faults(func(op streamstest.Op, run history.Run, n int) streamstest.Fault {
			switch {
			case op == streamstest.OpPublishStart && n == 1:
				return streamstest.InFlight
			case op == streamstest.OpTail && n <= 3:
				return streamstest.Stale
			}
			return streamstest.Proceed
		})
		f.serve()
		f.start("w", "w")
		f.settle(10 * time.Second)
		last, err := f.model.LastStart(f.ctx, "w")
		if err != nil {
			t.Fatal(err)
		}
		f.wantResult(last.Run, "second")
	})
}

// TestTerminatingAnExistingRunDoesNotBreakItsChain: the run continues as new just before the request to terminate it
// arrives. Its successor has the workflow ID, and is terminated too.
func TestTerminatingAnExistingRunDoesNotBreakItsChain(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			call(env, "A")
			env.ContinueAsNew(&history.Successor{Type: "w"})
		})
		f.deploy("one", one)
		f.serve()
		first := f.start("w", "w")
		f.settle(time.Second)
		var done atomic.Bool
		f.faults(func(op streamstest.Op, run history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpSend && run == first.Run && done.CompareAndSwap(false, true) {
				f.appendElsewhere(first, completion(2, 1, "a"))
			}
			return streamstest.Proceed
		})
		third, err := streams.StartRun(f.ctx, f.model, streams.StartRequest{Start: f.newStart("w", "one"),
			Conflict: enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING})
		if err != nil {
			t.Fatal(err)
		}
		f.settle(10 * time.Second)
		second := f.state(first).SuccessorStart()
		f.wantStatus(second.Run, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
		f.wantStatus(third, enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
	})
}

// TestAChildThatStartsAfterItsParentClosedIsEnded: the parent closes while a paused process has yet to start its child.
func TestAChildThatStartsAfterItsParentClosedIsEnded(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.deploy("parent", func(env *replay.Env) {
			call(env, "A")
			if _, err := env.StartChild(&history.StartChildWorkflowExecutionInitiated{WorkflowID: "child", Type: "one",
				ParentClose: enums.PARENT_CLOSE_POLICY_TERMINATE},
				func(string, enums.StartChildWorkflowExecutionFailedCause) {}, func(replay.Outcome) {}); err != nil {
				panic(err)
			}
			env.Block("end", func() bool { return false })
		})
		f.serve()
		parent := f.start("w", "parent")
		f.settle(time.Second)
		f.appendElsewhere(parent, completion(2, 1, "a"))
		var start *history.Start
		for _, effect := range f.state(parent).Effects("a2:1") {
			start = effect.(*history.StartChild).Start
		}
		f.send(parent, &history.Message{ID: "t1", Terminate: &history.Termination{}})
		f.settle(time.Second)
		f.wantStatus(parent, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
		child := f.startWith(start)
		f.settle(30 * time.Second)
		f.wantStatus(child, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
	})
}

// TestALaneThatFailsEndsTheCoordinator: half a coordinator would look like a whole one.
func TestALaneThatFailsEndsTheCoordinator(t *testing.T) {
	inBubble(t, func(f *fixture) {
		c, err := coordinator.New(&brokenInbox{f.model}, coordinator.Config{Queue: queue, Definition: f.definition})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Run(f.ctx); !errors.Is(err, errBroken) {
			t.Fatalf("Run returned %v, want %v", err, errBroken)
		}
	})
}

var errBroken = errors.New("consumer is gone")

// brokenInbox has an inbox whose consumer fails for good.
type brokenInbox struct{ *streamstest.Model }

func (b *brokenInbox) Consume(ctx context.Context, lane streams.Lane, queue, build string, o streams.ConsumeOptions) (streams.Consumer, error) {
	c, err := b.Model.Consume(ctx, lane, queue, build, o)
	if lane == streams.LaneInbox {
		return &brokenConsumer{c}, err
	}
	return c, err
}

type brokenConsumer struct{ streams.Consumer }

func (*brokenConsumer) Pull(context.Context, int) ([]*streams.Delivery, error) { return nil, errBroken }

// TestWhatOthersCommittedIsOwedAnew: this process has sent what its own record asked for under a wake-up. Another one's
// record has the same wake-up as its cover, and that one died before it sent anything.
func TestWhatOthersCommittedIsOwedAnew(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			env.OnSignal(func(*history.WorkflowExecutionSignaled) {
				if _, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: "B"}, func(replay.Outcome) {}); err != nil {
					panic(err)
				}
			})
			sleep(env, time.Second)
			env.Complete(call(env, "A"))
		})
		f.serve()
		run := f.start("w", "w")
		f.settle(2 * time.Second)
		due := f.events(run)[0].Attributes.(*history.TimerStarted).Due
		f.appendCovered(run, history.NewWakeUp(due).Identity(), signal("s", "s1"))
		if err := f.model.ArmWakeUp(f.ctx, run, due); err != nil {
			t.Fatal(err)
		}
		f.settle(10 * time.Second)
		if !f.queued(run, 6) {
			t.Fatalf("the task of the other's record was never sent: %v", f.events(run))
		}
	})
}

// longLane starts a run that collects n signals, sends them, and lets a process that does not answer take all but the last ten.
func (f *fixture) longLane(n int) (run history.Address, want string) {
	f.Helper()
	f.deploy("collect", collect(n))
	run = f.start("w", "collect")
	for i := range n {
		f.signal(run, "s", fmt.Sprint(i))
		want += fmt.Sprint(i) + " "
	}
	inbox, err := f.model.Consume(f.ctx, streams.LaneInbox, queue, "", streams.ConsumeOptions{AckWait: 5 * time.Second})
	if err == nil {
		_, err = inbox.Pull(f.ctx, n-10)
	}
	if err != nil {
		f.Fatal(err)
	}
	return run, want
}

// TestALongLaneIsConsumedInOrder: more signals wait than one transition takes, and the newest is delivered first.
func TestALongLaneIsConsumedInOrder(t *testing.T) {
	inBubble(t, func(f *fixture) {
		run, want := f.longLane(1200)
		f.config.MaxPayload = 1 << 20
		f.serve()
		f.settle(2 * time.Minute)
		f.wantResult(run, want)
	})
}

func TestADelayedRunCanBeTerminatedBeforeItBegins(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.serve()
		start := f.newStart("w", "one")
		start.Delay = 3_600_000
		run := f.startWith(start)
		f.settle(time.Second)
		f.send(run, &history.Message{ID: "t1", Terminate: &history.Termination{}})
		f.settle(10 * time.Second)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
	})
}

// TestAPartOfAHistoryThatIsNotFoundIsNotTheRunThatIsNot: the message has waited for longer than "no such run" has to
// last, and the body of an oversized record is not found once.
func TestAPartOfAHistoryThatIsNotFoundIsNotTheRunThatIsNot(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("collect", collect(2))
		f.config.MaxRecord = 1
		stop := f.serve()
		run := f.start("w", "collect")
		f.signal(run, "s", "s1")
		f.settle(time.Second)
		stop()
		f.signal(run, "s", "s2")
		f.settle(10 * time.Minute)
		for _, op := range []streamstest.Op{streamstest.OpGetBody, streamstest.OpFindStart} {
			f.faults(func(o streamstest.Op, _ history.Run, n int) streamstest.Fault {
				if o == op && n <= 2 {
					return streamstest.Stale
				}
				return streamstest.Proceed
			})
			f.serve()
			f.settle(time.Minute)
		}
		if letters := f.deadLetters(); len(letters) > 0 {
			t.Fatalf("dead letters %+v", letters)
		}
		if closed, err := streams.RunClosed(f.ctx, f.model, run.Run); err != nil || closed == nil {
			t.Fatalf("the run is open: %v", err)
		}
	})
}

// TestATimerIsNotLostWhereTheHistoryHoldsAnEarlierWakeUpToBeArmed: the wake-up for the first activity's time-out, at one
// second, keeps that for the second's, at ten, from being armed. When it fires nothing waits any more. The timer
// that comes then is due after ten seconds.
func TestATimerIsNotLostWhereTheHistoryHoldsAnEarlierWakeUpToBeArmed(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			done := 0
			for _, timeout := range []history.Millis{1000, 10_000} {
				if _, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: "A", ScheduleToClose: timeout},
					func(replay.Outcome) { done++ }); err != nil {
					panic(err)
				}
				env.Block("activity", func() bool { return done == 1 })
				done = 0
			}
			signaled := false
			env.OnSignal(func(*history.WorkflowExecutionSignaled) { signaled = true })
			env.Block("signal", func() bool { return signaled })
			sleep(env, 20*time.Second)
			env.Complete(nil)
		})
		stop := f.serve()
		run := f.start("w", "w")
		f.settle(100 * time.Millisecond)
		f.complete(run, 2, "a")
		f.settle(100 * time.Millisecond)
		f.complete(run, 4, "b")
		f.settle(3 * time.Second)
		f.signal(run, "s", "s1")
		f.settle(time.Second)
		stop() // only the broker can wake the run now
		f.serve()
		f.settle(time.Minute)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
}

// TestATimeoutThatComesDueWhileTheBrokerIsAskedIsNotLost: a wake-up fires just before the ScheduleToStart time-out is due,
// and by the time the leader has answered it is over.
func TestATimeoutThatComesDueWhileTheBrokerIsAskedIsNotLost(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			done := false
			if _, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: "A", ScheduleToStart: 10_000},
				func(replay.Outcome) { done = true }); err != nil {
				panic(err)
			}
			env.Block("activity", func() bool { return done })
			env.Complete(nil)
		})
		stop := f.serve()
		run := f.start("w", "w")
		f.settle(time.Second)
		stop() // with its alarm
		due := f.transitions(run)[0].Time.Add(10 * time.Second)
		if err := f.model.ArmWakeUp(f.ctx, run, due.Add(-10*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpTail {
				time.Sleep(20 * time.Millisecond)
			}
			return streamstest.Proceed
		})
		f.serve()
		f.settle(time.Minute)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
}

// TestAnAlarmIsCoveredByTheWakeUpThatIsArmed: another process has appended a timer that is due before the time-out that
// this process was woken for, and died before it armed its wake-up. This one fires it, and dies before it sends the task.
func TestAnAlarmIsCoveredByTheWakeUpThatIsArmed(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			signaled := false
			env.OnSignal(func(*history.WorkflowExecutionSignaled) { signaled = true })
			if _, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: "B", ScheduleToStart: 2000},
				func(replay.Outcome) {}); err != nil {
				panic(err)
			}
			env.Block("signal", func() bool { return signaled })
			sleep(env, time.Millisecond)
			env.Complete(call(env, "A"))
		})
		stop := f.serve()
		run := f.start("w", "w")
		f.settle(1900 * time.Millisecond)
		f.appendElsewhere(run, signal("s", "s1"))
		f.faults(losing(streamstest.OpPublishTask, streamstest.OpNak, streamstest.OpDeliver))
		f.settle(time.Second)
		f.kill(stop)
		f.serve()
		f.settle(30 * time.Second)
		if !f.queued(run, 6) {
			t.Fatalf("the task was never sent: %v", f.events(run))
		}
	})
}
