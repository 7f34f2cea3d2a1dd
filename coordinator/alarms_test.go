package coordinator_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// sleeper sleeps for ten seconds and, once told to by a signal, for another ten.
func sleeper(env *replay.Env) {
	signaled := false
	env.OnSignal(func(*history.WorkflowExecutionSignaled) { signaled = true })
	sleep(env, 10*time.Second)
	if signaled {
		sleep(env, 10*time.Second)
	}
	env.Complete(nil)
}

// withoutDeliveries lets nothing be delivered any more, so that only alarms wake runs, and counts the armed wake-ups.
func (f *fixture) withoutDeliveries() (armed *atomic.Int64) {
	armed = &atomic.Int64{}
	f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
		switch op {
		case streamstest.OpDeliver:
			return streamstest.Lost
		case streamstest.OpArmWakeUp:
			armed.Add(1)
		}
		return streamstest.Proceed
	})
	return armed
}

func TestARunThatLeftTheCacheIsWokenOnTime(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("sleeper", sleeper)
		f.config.CacheSize = 1
		f.serve()
		run := f.start("w1", "sleeper")
		f.settle(time.Second)
		f.start("w2", "sleeper")
		f.settle(time.Second)
		armed := f.withoutDeliveries()
		f.settle(8 * time.Second)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		all := f.transitions(run)
		if late := all[1].Time.Sub(all[0].Time) - 10*time.Second; late != 0 {
			t.Errorf("the timer fired %v late", late)
		}
		if n := armed.Load(); n != 0 {
			t.Errorf("%d wake-ups were armed, although it was known that one is", n)
		}
	})
}

// TestAnAlarmThatKnowsNoWakeUpArmsOne: the process that armed the wake-up is another one than the process that decided
// last.
func TestAnAlarmThatKnowsNoWakeUpArmsOne(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("sleeper", sleeper)
		stop := f.serve()
		run := f.start("w1", "sleeper")
		f.settle(time.Second)
		stop()
		f.serve()
		f.signal(run, "s", "s1")
		f.settle(time.Second)
		armed := f.withoutDeliveries()
		f.settle(8 * time.Second)
		all := f.transitions(run)
		if len(all) != 3 || all[2].Time.Sub(all[0].Time) != 10*time.Second {
			t.Fatalf("the timer did not fire on time: %v", f.events(run))
		}
		if armed.Load() == 0 {
			t.Error("no wake-up was armed to cover it")
		}
	})
}

// TestAnAlarmOfARunThatOthersHaveGoneOnWithIsTheirs: a process whose alarm rings for a run that is not live here, and
// finds a longer history, leaves the clock to whoever has decided last.
func TestAnAlarmOfARunThatOthersHaveGoneOnWithIsTheirs(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("sleeper", sleeper)
		f.config.CacheSize = 1
		f.serve()
		run := f.start("w1", "sleeper")
		f.settle(time.Second)
		f.start("w2", "sleeper")
		f.settle(time.Second)
		f.appendElsewhere(run, signal("s", "s1"))
		f.withoutDeliveries()
		f.settle(9 * time.Second)
		if all := f.transitions(run); len(all) != 2 {
			t.Errorf("the alarm led to a transition: %v", f.events(run))
		}
		f.faults(nil)
		f.settle(time.Minute)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
}

// TestAlarmsBeyondTheLimitAreLeftToTheBroker: the alarms given up are not those that ring first.
func TestAlarmsBeyondTheLimitAreLeftToTheBroker(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("sleeper", sleeper)
		f.config.MaxAlarms = 1
		f.serve()
		first := f.start("w1", "sleeper")
		f.settle(time.Second)
		second := f.start("w2", "sleeper")
		f.settle(time.Second)
		f.withoutDeliveries()
		f.settle(20 * time.Second)
		f.wantStatus(first, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		f.wantStatus(second, enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
		f.faults(nil)
		f.settle(time.Minute)
		f.wantStatus(second, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
}
