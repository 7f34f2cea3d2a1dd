package coordinator_test

import (
	"context"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// TestATimerIsNotLostWhereItsTransitionWasAppendedLate: when the transition was decided, a wake-up was armed that would
// fire before the new timer was due, and would arm that. It fired, and found nothing due, before the transition was
// appended by a process that had been frozen, and that died then.
func TestATimerIsNotLostWhereItsTransitionWasAppendedLate(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			done, signaled := false, false
			env.OnSignal(func(*history.WorkflowExecutionSignaled) { signaled = true })
			if _, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: "A", ScheduleToClose: 3000},
				func(replay.Outcome) { done = true }); err != nil {
				panic(err)
			}
			env.Block("activity", func() bool { return done })
			env.Block("signal", func() bool { return signaled })
			sleep(env, 20*time.Second)
			env.Complete(nil)
		})
		stop := f.serve()
		run := f.start("w", "w")
		f.settle(100 * time.Millisecond)
		f.complete(run, 2, "a")
		f.settle(time.Second)
		decided := time.Now()
		f.settle(4 * time.Second)
		stop()
		f.signal(run, "s", "s1")
		f.appendDecided(run, decided, "s:s1", signal("s", "s1"))
		stop = f.serve()
		f.settle(time.Second)
		stop() // only the broker can wake the run now
		f.serve()
		f.settle(time.Minute)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
}

// TestAScheduleToStartTimeoutThatPassedUnarmedIsSeen: who scheduled the activity died before it armed the wake-up, and
// who took the signal, after the time-out was due, before it acknowledged anything. No worker serves the queue.
func TestAScheduleToStartTimeoutThatPassedUnarmedIsSeen(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			done := false
			env.OnSignal(func(*history.WorkflowExecutionSignaled) {})
			if _, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: "A", ScheduleToStart: 2000},
				func(replay.Outcome) { done = true }); err != nil {
				panic(err)
			}
			env.Block("activity", func() bool { return done })
			env.Complete(nil)
		})
		run := f.start("w", "w")
		f.appendCovered(run, history.StartIdentity)
		f.settle(3 * time.Second)
		f.signal(run, "s", "s1")
		f.appendElsewhere(run, signal("s", "s1"))
		f.serve()
		f.settle(time.Minute)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
}

// lateInbox is the broker as a process sees it that is frozen whenever a message of an inbox has just reached it.
type lateInbox struct {
	*streamstest.Model
	frozen time.Duration
}

func (b *lateInbox) Consume(ctx context.Context, lane streams.Lane, queue, build string, o streams.ConsumeOptions) (streams.Consumer, error) {
	c, err := b.Model.Consume(ctx, lane, queue, build, o)
	if lane == streams.LaneInbox {
		return &lateDelivery{c, b.frozen}, err
	}
	return c, err
}

type lateDelivery struct {
	streams.Consumer
	frozen time.Duration
}

func (c *lateDelivery) Pull(ctx context.Context, most int) ([]*streams.Delivery, error) {
	d, err := c.Consumer.Pull(ctx, most)
	time.Sleep(c.frozen)
	return d, err
}

// TestAnOldWakeUpCoversNoLaterStartTimeout: a process is given the wake-up for a timer, and frozen. It is delivered to
// another, which fires the timer, schedules B, which nobody starts, and dies. When the first process goes on, the wake-up is
// gone: what follows from the time-out of B must be covered by a later one, as it dies before it has sent the task.
func TestAnOldWakeUpCoversNoLaterStartTimeout(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			done := false
			sleep(env, time.Second)
			if _, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: "B", ScheduleToStart: 2000},
				func(replay.Outcome) { done = true }); err != nil {
				panic(err)
			}
			env.Block("activity", func() bool { return done })
			env.Complete(call(env, "A"))
		})
		f.config.MaxAlarms = -1
		stop := f.serve()
		run := f.start("w", "w")
		f.settle(500 * time.Millisecond)
		stop()
		frozen := f.serveOn(&lateInbox{f.model, 8 * time.Second})
		f.settle(time.Second)
		stop = f.serve()
		f.settle(5500 * time.Millisecond)
		f.kill(stop)
		f.wantEvents(run, "2 TimerStarted", "3 TimerFired", "4 ActivityTaskScheduled")
		f.faults(losing(streamstest.OpPublishTask, streamstest.OpNak))
		f.settle(2500 * time.Millisecond)
		f.kill(frozen)
		f.wantEvents(run, "2 TimerStarted", "3 TimerFired", "4 ActivityTaskScheduled", "5 ActivityTaskTimedOut", "6 ActivityTaskScheduled")
		f.faults(nil)
		f.serve()
		f.settle(30 * time.Second)
		if !f.queued(run, 6) {
			f.Fatal("the task was never sent")
		}
	})
}
