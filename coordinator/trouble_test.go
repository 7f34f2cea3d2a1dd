package coordinator_test

import (
	"strings"
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

// trouble is what is noted about a run, empty for nothing.
func (f *fixture) trouble(run history.Address) history.Trouble {
	f.Helper()
	data, _, err := f.model.GetBeat(f.ctx, run.Run, 0)
	if err != nil {
		return history.Trouble{}
	}
	t, err := history.DecodeTrouble(data)
	if err != nil {
		f.Fatal(err)
	}
	return *t
}

// TestAMessageThatKilledFourProcessesIsNotReplayedAgain: the code ends its process each time it runs.
func TestAMessageThatKilledFourProcessesIsNotReplayedAgain(t *testing.T) {
	inBubble(t, func(f *fixture) {
		replays := 0
		f.deploy("poison", func(*replay.Env) {
			replays++
			f.faults(dead)
			panic("the process ends here")
		})
		f.deploy("one", one)
		quarantined := 0
		f.config.Stuck = func(cause coordinator.Cause) {
			if cause == coordinator.CauseQuarantined {
				quarantined++
			}
		}
		run := f.start("w", "poison")
		for range 5 {
			stop := f.serve()
			f.settle(time.Second)
			stop()
			f.faults(nil)
			f.settle(10 * time.Second)
		}
		if replays != 4 {
			t.Fatalf("replayed %d times, want 4", replays)
		}
		if got := f.trouble(run).Reason; !strings.Contains(got, "ended 4 processes") {
			t.Fatalf("reason %q does not say what happened", got)
		}
		if quarantined != 1 {
			t.Errorf("its quarantine was told %d times, want once", quarantined)
		}
		f.serve()
		healthy := f.start("w2", "one")
		f.settle(time.Second)
		f.complete(healthy, 2, "ok")
		f.settle(time.Second)
		f.wantResult(healthy, "ok")

		// Fixed code alone does not bring it back: an operator says when, as ReleaseWorkflow of client.Admin does.
		f.deploy("poison", one)
		f.settle(10 * time.Minute)
		if f.queued(run, 2) {
			t.Fatal("the quarantined run was replayed by itself")
		}
		if err := f.model.DeleteBeats(f.ctx, run.Run, 0); err != nil {
			t.Fatal(err)
		}
		f.settle(6 * time.Minute)
		f.complete(run, 2, "released")
		f.settle(time.Second)
		f.wantResult(run, "released")
	})
}

// TestProcessesThatDieForOtherReasonsAreNotHeldAgainstARun: each dies while it waits for the broker, before and after the
// code has run.
func TestProcessesThatDieForOtherReasonsAreNotHeldAgainstARun(t *testing.T) {
	for _, last := range []streamstest.Op{streamstest.OpFindStart, streamstest.OpLoad, streamstest.OpAppend} {
		t.Run(string(last), func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.deploy("one", one)
				stop := f.serve()
				run := f.start("w", "one")
				f.settle(time.Second)
				stop()
				f.complete(run, 2, "a")
				deaths := 0
				for range 6 {
					died := false
					f.faults(func(op streamstest.Op, r history.Run, _ int) streamstest.Fault {
						if op == last && r == run.Run && !died {
							died = true
							deaths++
						}
						if died {
							return streamstest.Lost
						}
						return streamstest.Proceed
					})
					stop := f.serve()
					f.settle(7 * time.Second)
					f.kill(stop)
				}
				if deaths < 5 {
					t.Fatalf("only %d processes died at %s", deaths, last)
				}
				f.serve()
				f.settle(10 * time.Second)
				f.wantResult(run, "a")
				if got := f.trouble(run); got != (history.Trouble{}) {
					t.Fatalf("trouble is still noted: %+v", got)
				}
			})
		})
	}
}

// TestANoteFromBeforeTheLastTransitionIsVoid: a killed server brings back what was noted and removed earlier, here the
// worst that can have been noted, and processes die before they can do anything.
func TestANoteFromBeforeTheLastTransitionIsVoid(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		stop := f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		stop()
		data, err := history.Encode(&history.Trouble{Begun: 2, Reason: "long past"})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.model.PutNote(f.ctx, run.Run, data); err != nil {
			t.Fatal(err)
		}
		f.complete(run, 2, "a")
		for range 4 {
			f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
				if op == streamstest.OpFindStart || op == streamstest.OpNak {
					return streamstest.Lost
				}
				return streamstest.Proceed
			})
			stop := f.serve()
			f.settle(7 * time.Second)
			f.kill(stop)
		}
		f.serve()
		f.settle(10 * time.Second)
		f.wantResult(run, "a")
	})
}

func TestARunWhoseCodePanicsWaitsForFixedCode(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			call(env, "A")
			panic("not yet")
		})
		f.serve()
		run := f.start("w", "w")
		f.settle(time.Second)
		f.complete(run, 2, "a")
		f.settle(30 * time.Second)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
		if got := f.trouble(run).Reason; !strings.Contains(got, "not yet") {
			t.Fatalf("reason %q does not name the panic", got)
		}
		f.deploy("w", func(env *replay.Env) { env.Complete(call(env, "A")) })
		f.settle(30 * time.Second)
		f.wantResult(run, "a")
		if got := f.trouble(run); got.Reason != "" {
			t.Fatalf("trouble is still noted: %q", got.Reason)
		}
	})
}

func TestACodeChangeThatDoesNotFitTheHistoryWaitsForOneThatDoes(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", one)
		stop := f.serve()
		run := f.start("w", "w")
		f.settle(time.Second)
		stop()
		f.deploy("w", func(env *replay.Env) { env.Complete(call(env, "B")) })
		f.serve()
		f.complete(run, 2, "a")
		f.settle(30 * time.Second)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
		reason := f.trouble(run).Reason
		for _, part := range []string{"event 2", `"A"`, `"B"`} {
			if !strings.Contains(reason, part) {
				t.Errorf("reason %q does not name %s", reason, part)
			}
		}
		f.deploy("w", one)
		f.settle(30 * time.Second)
		f.wantResult(run, "a")
	})
}

func TestARunThatIsStuckCanBeTerminated(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(*replay.Env) { panic("always") })
		f.serve()
		run := f.start("w", "w")
		f.settle(time.Second)
		f.send(run, &history.Message{ID: "t1", Terminate: &history.Termination{Reason: "no use"}})
		f.settle(time.Minute)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
	})
}

// TestCodeThatBlocksOutsideTheAPIIsNamed: the code waits for a Go channel.
func TestCodeThatBlocksOutsideTheAPIIsNamed(t *testing.T) {
	inBubble(t, func(f *fixture) {
		never := make(chan struct{})
		defer close(never)
		runs := 0
		f.deploy("w", func(env *replay.Env) {
			runs++
			env.Go("waits for a Go channel", func() { <-never })
			call(env, "A")
		})
		f.deploy("one", one)
		stop := f.serve()
		run := f.start("w", "w")
		f.settle(5 * time.Second)
		if got := f.trouble(run).Reason; !strings.Contains(got, `coroutine "waits for a Go channel"`) {
			t.Fatalf("reason %q does not name the coroutine", got)
		}
		healthy := f.start("w2", "one")
		f.settle(time.Second)
		f.complete(healthy, 2, "ok")
		f.settle(time.Second)
		f.wantResult(healthy, "ok")
		f.settle(time.Minute)
		if runs != 1 {
			t.Fatalf("the code was run %d times in one process, which it blocks for ever each time", runs)
		}
		stop()
		f.deploy("w", one)
		f.serve()
		f.settle(30 * time.Second)
		f.complete(run, 2, "a")
		f.settle(30 * time.Second)
		f.wantResult(run, "a")
	})
}

func TestAStartsPredecessorIsVerified(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.serve()
		first := f.start("w", "one")
		f.settle(time.Second)
		last, err := f.model.LastStart(f.ctx, "w")
		if err != nil {
			t.Fatal(err)
		}
		// Whoever may publish can follow an open run; only the coordinator can refuse it.
		second := f.newStart("w", "one")
		data, err := history.Encode(second)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.model.PublishStart(f.ctx, second.Run, data, streams.StartInfo{Type: "one"}, last.Seq); err != nil {
			t.Fatal(err)
		}
		f.settle(2 * time.Minute)
		if got := f.transitions(second.Run); len(got) > 0 {
			t.Fatalf("a second open run of the workflow was executed: %v", got)
		}
		letters := f.deadLetters()
		if len(letters) != 1 || !strings.Contains(letters[0].Reason, first.RunID) {
			t.Fatalf("dead letters %+v, want one that names run %s", letters, first.RunID)
		}
		f.complete(first, 2, "ok")
		f.settle(time.Second)
		f.wantResult(first, "ok")
	})
}

func TestAnUncheckedStartIsADeadLetter(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.serve()
		start := f.newStart("w", "one")
		data, err := history.Encode(start)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.model.InjectStart(start.Run, data); err != nil {
			t.Fatal(err)
		}
		f.settle(5 * time.Second)
		if got := f.transitions(start.Run); len(got) > 0 {
			t.Fatalf("an unchecked start was executed: %v", got)
		}
		if letters := f.deadLetters(); len(letters) != 1 {
			t.Fatalf("dead letters %+v, want one", letters)
		}
	})
}

func TestAMessageForARunThatIsNowhereBecomesADeadLetterOnlyAfterAMinute(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.serve()
		nowhere := f.newStart("w", "one").Run
		f.signal(nowhere, "s", "s1")
		f.settle(55 * time.Second)
		if letters := f.deadLetters(); len(letters) > 0 {
			t.Fatalf("dead letter before a deposed leader would have been found out: %+v", letters)
		}
		f.settle(30 * time.Second)
		if letters := f.deadLetters(); len(letters) != 1 {
			t.Fatalf("dead letters %+v, want one", letters)
		}
	})
}

func TestAWorkflowTypeThatIsNotHereIsLeftToOthers(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.serve()
		run := f.start("w", "one")
		f.settle(20 * time.Second)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
		f.deploy("one", one)
		f.settle(20 * time.Second)
		f.complete(run, 2, "ok")
		f.settle(5 * time.Second)
		f.wantResult(run, "ok")
	})
}

func TestJunkInTheHistoryLaneIsSkipped(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		if err := f.model.InjectJunk(run.Run, []byte(`{"stream":"S","seq":7}`)); err != nil {
			t.Fatal(err)
		}
		f.complete(run, 2, "ok")
		f.settle(10 * time.Second)
		f.wantResult(run, "ok")
	})
}

// TestOneWakeUpPerRun: fifty timers need one armed wake-up, for the earliest; and it moves only earlier.
func TestOneWakeUpPerRun(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("timers", func(env *replay.Env) {
			fired := 0
			for i := range 50 {
				env.StartTimer(time.Duration(50-i)*time.Minute, "", func() { fired++ })
			}
			env.Block("timers", func() bool { return fired == 50 })
			env.Complete(nil)
		})
		var arms atomic.Int64
		f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpArmWakeUp {
				arms.Add(1)
			}
			return streamstest.Proceed
		})
		f.serve()
		run := f.start("w", "timers")
		f.settle(time.Second)
		due, err := f.model.ArmedWakeUp(f.ctx, run.Run)
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(due); arms.Load() != 1 || left > time.Minute || left < 55*time.Second {
			t.Fatalf("%d wake-ups armed, the last due in %v; want one, due with the first timer", arms.Load(), left)
		}
		f.settle(51 * time.Minute)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
}

// TestTimersFireWithoutTheProcessThatStartedThem: only the broker's wake-up is left.
func TestTimersFireWithoutTheProcessThatStartedThem(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("sleeper", func(env *replay.Env) {
			sleep(env, time.Hour)
			sleep(env, time.Hour)
			env.Complete(nil)
		})
		stop := f.serve()
		run := f.start("w", "sleeper")
		f.settle(time.Minute)
		f.kill(stop)
		f.settle(3 * time.Hour)
		f.serve()
		f.settle(2 * time.Hour)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
}

func TestAGracefulStopLosesNothingAndWaitsForNothing(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		stop := f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		f.complete(run, 2, "ok")
		begun := time.Now()
		stop()
		if took := time.Since(begun); took > time.Second {
			t.Fatalf("stop took %v", took)
		}
		f.serve()
		f.settle(time.Second)
		f.wantResult(run, "ok")
	})
}

func TestTheRunTimeoutClosesTheRunAndARetryPolicyStartsAnother(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.serve()
		start := f.newStart("w", "one")
		start.RunTimeout = 2000
		start.RetryPolicy = &history.RetryPolicy{MaximumAttempts: 2, InitialInterval: 1000, BackoffCoefficient: 1}
		run := f.startWith(start)
		f.settle(2500 * time.Millisecond)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT)
		if f.queued(run, 2) {
			t.Error("the task of a closed run was not withdrawn")
		}
		f.settle(1500 * time.Millisecond)
		last, err := f.model.LastStart(f.ctx, "w")
		if err != nil {
			t.Fatal(err)
		}
		if last.Run.RunID == run.RunID || !f.queued(last.Run, 2) {
			t.Fatal("the second attempt has not begun")
		}
		f.settle(10 * time.Second)
		f.wantStatus(last.Run, enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT)
		if final, err := f.model.LastStart(f.ctx, "w"); err != nil || final.Run.RunID != last.Run.RunID {
			t.Fatalf("a third attempt was started: %v %v", final, err)
		}
	})
}

func TestAStartDelayPostponesTheFirstTransition(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.serve()
		start := f.newStart("w", "one")
		start.Delay = 60_000
		run := f.startWith(start)
		f.signal(run, "s", "s1")
		f.settle(59 * time.Second)
		if n := len(f.transitions(run)); n > 0 {
			t.Fatalf("%d transitions before the delay was over", n)
		}
		f.settle(5 * time.Second)
		if !f.queued(run, 2) && !f.queued(run, 3) {
			t.Fatal("the run has not begun after its delay")
		}
	})
}

// poisoned starts a run whose code has ended three processes, and leaves it to a fourth.
func (f *fixture) poisoned() (run history.Address, replays *int) {
	f.Helper()
	replays = new(int)
	f.deploy("poison", func(*replay.Env) {
		*replays++
		f.faults(dead)
		panic("the process ends here")
	})
	run = f.start("w", "poison")
	for range 4 {
		stop := f.serve()
		f.settle(time.Second)
		stop()
		f.faults(nil)
		f.settle(10 * time.Second)
	}
	f.serve()
	f.settle(time.Second)
	return run, replays
}

// TestAPoisonedRunCanBeTerminated: ending it needs no code, and neither does what was delivered before it ended.
func TestAPoisonedRunCanBeTerminated(t *testing.T) {
	inBubble(t, func(f *fixture) {
		run, replays := f.poisoned()
		before := *replays
		// It comes with the start: a first delivery by itself would be replayed.
		f.send(run, &history.Message{ID: "t1", Terminate: &history.Termination{}})
		f.faults(nil)
		f.settle(10 * time.Minute)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
		f.settle(10 * time.Minute)
		if w := f.waiting(run); len(w) > 0 {
			t.Fatalf("%d messages still wait for the closed run", len(w))
		}
		if *replays > before {
			t.Fatalf("the code ran %d more times", *replays-before)
		}
	})
}
