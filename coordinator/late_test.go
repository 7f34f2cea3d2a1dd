package coordinator_test

import (
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
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
