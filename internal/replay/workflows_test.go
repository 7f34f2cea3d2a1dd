package replay_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

type say func(format string, args ...any)

// workflows are the workflows of the scripts.
var workflows = map[string]func(env *replay.Env, say say){
	"sequence": func(env *replay.Env, say say) {
		a := call(env, "A")
		b := call(env, "B")
		env.Complete(text(a + "+" + b))
	},
	// The other sequences are what a careless change makes of the first.
	"sequence-other-type":  func(env *replay.Env, _ say) { call(env, "A"); call(env, "C"); env.Complete(nil) },
	"sequence-other-order": func(env *replay.Env, _ say) { call(env, "B"); call(env, "A"); env.Complete(nil) },
	"sequence-timer": func(env *replay.Env, _ say) {
		call(env, "A")
		sleep(env, 10*time.Second)
		call(env, "B")
		env.Complete(nil)
	},
	"sequence-shorter": func(env *replay.Env, _ say) { call(env, "A"); block(env) },
	"sequence-longer": func(env *replay.Env, _ say) {
		call(env, "A")
		schedule(env, "B")
		schedule(env, "X")
		block(env)
	},
	"sequence-fails":      func(env *replay.Env, _ say) { call(env, "A"); call(env, "B"); env.Fail(appFailure("no")) },
	"sequence-panics":     func(env *replay.Env, _ say) { call(env, "A"); panic("changed for the worse") },
	"sequence-other-data": func(env *replay.Env, _ say) { call(env, "A"); call(env, "B"); env.Complete(text("another result")) },

	"fanout": func(env *replay.Env, say say) {
		var order []string
		for _, name := range []string{"x", "y", "z"} {
			env.Go(name, func() {
				say("%s runs", env.CoroutineName())
				order = append(order, call(env, "Load"))
			})
		}
		env.Block("three results", func() bool { return len(order) == 3 })
		env.Complete(text(strings.Join(order, ",")))
	},
	"timers":         func(env *replay.Env, say say) { timers(env, say, 10*time.Second) },
	"timers-changed": func(env *replay.Env, say say) { timers(env, say, 11*time.Second) },
	"cancel":         cancelable,
	"cancel-ignored": func(env *replay.Env, _ say) { call(env, "Long"); env.Complete(nil) },
	"cancel-timer-first": func(env *replay.Env, _ say) {
		a := schedule(env, "Long")
		timer := env.StartTimer(time.Hour, "", nil)
		env.OnCancel(func(string) { env.CancelTimer(timer); env.RequestCancelActivity(a.id) })
		block(env)
	},
	"cancel-timer-only": func(env *replay.Env, _ say) {
		schedule(env, "Long")
		other := env.StartTimer(time.Hour, "", nil)
		env.OnCancel(func(string) { env.CancelTimer(other) })
		block(env)
	},
	"children": children,
	"children-renamed": func(env *replay.Env, say say) {
		_, _ = env.StartChild(&history.StartChildWorkflowExecutionInitiated{Type: "Other"}, nil, nil)
		block(env)
	},
	"external":         func(env *replay.Env, say say) { external(env, say, "pay", "order-2") },
	"external-renamed": func(env *replay.Env, say say) { external(env, say, "refund", "order-2") },
	"external-moved":   func(env *replay.Env, say say) { external(env, say, "pay", "order-3") },
	"external-cancel-moved": func(env *replay.Env, _ say) {
		to := history.Run{WorkflowID: "order-2"}
		_, _ = env.SignalExternal(&history.SignalExternalWorkflowExecutionInitiated{Target: to, Name: "pay"}, nil)
		_, _ = env.RequestCancelExternal(&history.RequestCancelExternalWorkflowExecutionInitiated{Target: to}, nil)
		block(env)
	},
	"signals":       signals,
	"selector":      selector,
	"passes":        passes,
	"deferred":      deferred,
	"limits":        limits,
	"limit-result":  func(env *replay.Env, _ say) { env.Complete(text(strings.Repeat("r", 101))) },
	"limit-failure": func(env *replay.Env, _ say) { env.Fail(appFailure(strings.Repeat("f", 101))) },
	"limit-successor": func(env *replay.Env, _ say) {
		env.ContinueAsNew(&history.Successor{Input: text(strings.Repeat("i", 101))})
	},
	"fails": func(env *replay.Env, _ say) { env.Fail(appFailure("no stock")) },
	"fails-for-good": func(env *replay.Env, _ say) {
		f := appFailure("no stock")
		f.ApplicationFailureInfo.NonRetryable = true
		env.Fail(f)
	},
	"continues": func(env *replay.Env, say say) {
		env.Go("other", func() { say("must not run") })
		sleep(env, time.Hour)
		env.Go("late", func() { say("must not run") })
		env.ContinueAsNew(&history.Successor{Input: text("next")})
		id, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: "Late"}, nil)
		say("after the close: %d %v", id, err)
	},
	"panics":        func(env *replay.Env, _ say) { call(env, "A"); panic(errors.New("out of luck")) },
	"returns":       func(env *replay.Env, _ say) { call(env, "A") },
	"bad-predicate": func(env *replay.Env, _ say) { env.Block("luck", func() bool { panic("no luck") }) },
	"blocking-predicate": func(env *replay.Env, _ say) {
		env.Block("itself", func() bool { block(env); return true })
	},
	"deciding-predicate": func(env *replay.Env, _ say) {
		env.Block("timer", func() bool { return env.StartTimer(1, "", nil) > 0 })
	},
	"blocking-callback": func(env *replay.Env, _ say) {
		env.OnSignal(func(*history.WorkflowExecutionSignaled) { block(env) })
		block(env)
	},
	"queries": func(env *replay.Env, say say) {
		env.OnQuery(func(name string, _ *common.Payloads) (*common.Payloads, error) {
			switch name {
			case "blocks":
				block(env)
			case "decides":
				schedule(env, "A")
			case "spawns":
				env.Go("x", nil)
			case "panics":
				panic("at the question")
			case "fails":
				return nil, errors.New("no answer")
			}
			return text(fmt.Sprintf("%s at %v", name, env.Now().Sub(epoch))), nil
		})
		block(env)
	},
}

func appFailure(message string) *failure.Failure {
	return &failure.Failure{Message: message, ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: "T"}}
}

func timers(env *replay.Env, say say, d time.Duration) {
	first := env.StartTimer(d, "first", func() { say("first fired at %v", env.Now().Sub(epoch)) })
	second := env.StartTimer(1500*time.Microsecond, "second", func() { say("second fired at %v", env.Now().Sub(epoch)) })
	fired := false
	env.StartTimer(10*time.Second, "third", func() { fired = true })
	fourth := env.StartTimer(time.Hour, "at once", nil)
	env.CancelTimer(fourth)
	env.CancelTimer(fourth)
	env.Block("third timer", func() bool { return fired })
	say("history of %d events", env.HistoryLength())
	env.CancelTimer(first)
	env.CancelTimer(second)
	sleep(env, 0)
	env.Complete(nil)
}

// cancelable does what package workflow does for a root context: the callback itself cancels what is pending.
func cancelable(env *replay.Env, say say) {
	a := schedule(env, "Long")
	timer := env.StartTimer(time.Hour, "", func() { say("timer fired") })
	reason := ""
	env.OnCancel(func(r string) {
		reason = r
		env.RequestCancelActivity(a.id)
		env.RequestCancelActivity(a.id)
		env.CancelTimer(timer)
	})
	env.Block("cancellation", func() bool { return reason != "" })
	say("asked to cancel: %s", reason)
	say("activity: %s", a.get())
	env.Cancel(text("details"))
}

func children(env *replay.Env, say say) {
	open := 0
	for _, typ := range []string{"Ship", "Bill", "Pack", "Mail", "Call", "Void"} {
		open++
		_, err := env.StartChild(&history.StartChildWorkflowExecutionInitiated{Type: typ},
			func(runID string, cause enums.StartChildWorkflowExecutionFailedCause) {
				say("%s started: %q %v", typ, runID, cause)
				if runID == "" {
					open--
				}
			},
			func(o replay.Outcome) {
				say("%s closed: %q %s", typ, untext(o.Result), failureText(o.Failure))
				open--
			})
		if err != nil {
			say("%v", err)
		}
	}
	env.Block("children", func() bool { return open == 0 })
	env.Complete(nil)
}

func failureText(f *failure.Failure) string {
	switch {
	case f == nil:
		return "no failure"
	case f.CanceledFailureInfo != nil:
		return "canceled: " + f.Message
	case f.TimeoutFailureInfo != nil:
		return "timed out: " + f.Message
	case f.TerminatedFailureInfo != nil:
		return "terminated: " + f.Message
	}
	return "failed: " + f.Message
}

func external(env *replay.Env, say say, name, target string) {
	open := 2
	_, err := env.SignalExternal(&history.SignalExternalWorkflowExecutionInitiated{
		Target: history.Run{WorkflowID: target}, Name: name,
	}, func(notFound bool) { say("signal not found: %v", notFound); open-- })
	if err != nil {
		say("%v", err)
	}
	_, err = env.RequestCancelExternal(&history.RequestCancelExternalWorkflowExecutionInitiated{
		Target: history.Run{WorkflowID: target, RunID: "run-2"},
	}, func(notFound bool) { say("cancel not found: %v", notFound); open-- })
	if err != nil {
		say("%v", err)
	}
	env.Block("answers", func() bool { return open == 0 })
	env.Complete(nil)
}

// signals sets its handler only after some signals have come.
func signals(env *replay.Env, say say) {
	sleep(env, time.Minute)
	var got []string
	env.OnSignal(func(s *history.WorkflowExecutionSignaled) { got = append(got, s.Name+" "+untext(s.Input)) })
	say("so far: %v", got)
	env.Block("signal stop", func() bool { return slices.Contains(got, "stop now") })
	env.Complete(text(strings.Join(got, ", ")))
}

// selector waits for whichever of several things comes first, again and again; of two that are ready the first in its
// list is taken.
func selector(env *replay.Env, say say) {
	signals, fired := 0, false
	env.OnSignal(func(*history.WorkflowExecutionSignaled) { signals++ })
	a := schedule(env, "A")
	timer := env.StartTimer(time.Minute, "", func() { fired = true })
	for !fired {
		env.Block("selector", func() bool { return a.done || signals > 0 || fired })
		switch {
		case a.done:
			say("activity: %s", a.get())
			env.CancelTimer(timer)
			a, fired = schedule(env, "Again"), false
			timer = env.StartTimer(time.Second, "", func() { fired = true })
		case signals > 0:
			signals--
			say("signal")
		}
	}
	say("timer")
	env.RequestCancelActivity(a.id)
	env.Complete(nil)
}

// passes shows in which order coroutines run: a later one may make an earlier one ready, which runs in the next pass.
func passes(env *replay.Env, say say) {
	turn := 0
	wait := func(n int) {
		env.Block(fmt.Sprintf("turn %d", n), func() bool { return turn == n })
		say("%s has turn %d", env.CoroutineName(), n)
		turn++
	}
	env.Go("", func() { wait(1); wait(3) })
	env.Go("late", func() {
		env.Go("nested", func() { wait(2) })
		wait(0)
	})
	say("root goes first")
	env.Block("turn 4", func() bool { return turn == 4 })
	env.Complete(nil)
}

func deferred(env *replay.Env, say say) {
	defer func() {
		say("root recovers %v", recover())
		say("activity decided: %v", schedule(env, "Cleanup").id)
	}()
	env.Go("second", func() {
		defer say("second ends")
		block(env)
	})
	call(env, "A")
	block(env)
}

func limits(env *replay.Env, say say) {
	long, large := strings.Repeat("n", 1001), text(strings.Repeat("d", 101))
	fields := map[string]*common.Payload{"key": large.Payloads[0]}
	activity := func(a *history.ActivityTaskScheduled) {
		_, err := env.ScheduleActivity(a, nil)
		say("%v", err)
	}
	activity(&history.ActivityTaskScheduled{Type: "A", Input: large})
	activity(&history.ActivityTaskScheduled{Type: "A", Header: &common.Header{Fields: fields}})
	activity(&history.ActivityTaskScheduled{})
	activity(&history.ActivityTaskScheduled{Type: "A", Queue: strings.Repeat("/", 67)})
	_, err := env.StartChild(&history.StartChildWorkflowExecutionInitiated{Type: "C", Memo: &common.Memo{Fields: fields}}, nil, nil)
	say("%v", err)
	_, err = env.StartChild(&history.StartChildWorkflowExecutionInitiated{Type: "C", WorkflowID: long}, nil, nil)
	say("%v", err)
	to := history.Run{WorkflowID: "order-2"}
	_, err = env.SignalExternal(&history.SignalExternalWorkflowExecutionInitiated{Target: to, Name: "s", Input: large}, nil)
	say("%v", err)
	_, err = env.RequestCancelExternal(&history.RequestCancelExternalWorkflowExecutionInitiated{}, nil)
	say("%v", err)
	call(env, "Small")
	env.Complete(nil)
}
