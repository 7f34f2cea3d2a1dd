package coordinator_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// dead loses everything that a dead process would have sent.
func dead(streamstest.Op, history.Run, int) streamstest.Fault { return streamstest.Lost }

// kill ends a coordinator as a SIGKILL would: nothing that it sends any more arrives.
func (f *fixture) kill(stop func()) {
	f.faults(dead)
	stop()
	f.faults(nil)
}

// everything is a workflow with every kind of effect: activities in parallel, a timer, a child, a signal to it, and a
// signal that it waits for.
func everything(env *replay.Env) {
	signaled := false
	env.OnSignal(func(*history.WorkflowExecutionSignaled) { signaled = true })
	done := 0
	for _, name := range []string{"A", "B"} {
		if _, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: name, StartToClose: 1000},
			func(replay.Outcome) { done++ }); err != nil {
			panic(err)
		}
	}
	env.Block("activities", func() bool { return done == 2 })
	sleep(env, 3*time.Second)
	var child string
	var closed *replay.Outcome
	if _, err := env.StartChild(&history.StartChildWorkflowExecutionInitiated{WorkflowID: "child", Type: "collect"},
		func(runID string, cause enums.StartChildWorkflowExecutionFailedCause) { child = runID },
		func(o replay.Outcome) { closed = &o }); err != nil {
		panic(err)
	}
	env.Block("child start", func() bool { return child != "" })
	if _, err := env.SignalExternal(&history.SignalExternalWorkflowExecutionInitiated{
		Target: history.Run{WorkflowID: "child", RunID: child}, Name: "go", Input: text("x")}, func(bool) {}); err != nil {
		panic(err)
	}
	env.Block("signal", func() bool { return signaled })
	env.Block("child close", func() bool { return closed != nil })
	env.Complete(closed.Result)
}

// TestEveryStorageCallMayBeTheLast kills the coordinator at its k-th storage call, for every k that a run with all
// kinds of effects makes, and lets another finish the run. It fails for a record without a cover: nobody would send
// the effects that the dead one had not sent.
func TestEveryStorageCallMayBeTheLast(t *testing.T) {
	for k := 1; ; k++ {
		struck := false
		t.Run(fmt.Sprint("call ", k), func(t *testing.T) {
			inBubble(t, func(f *fixture) { struck = runEverything(f, k) })
		})
		if t.Failed() || !struck {
			t.Logf("the run makes %d calls", k-1)
			break
		}
	}
}

// runEverything runs the workflow to its end with a death at the k-th call, and says whether it came to that.
func runEverything(f *fixture, k int) bool {
	f.deploy("everything", everything)
	f.deploy("collect", collect(1))
	var calls atomic.Int64
	died := make(chan struct{}, 1)
	f.faults(func(op streamstest.Op, run history.Run, n int) streamstest.Fault {
		if op == streamstest.OpConsume {
			return streamstest.Proceed // before there is a run
		}
		if c := calls.Add(1); c == int64(k) {
			died <- struct{}{}
		}
		if calls.Load() >= int64(k) {
			return streamstest.Lost
		}
		return streamstest.Proceed
	})
	stop := f.serve()
	run := f.newStart("w", "everything")
	struck := false
	answer := func(d time.Duration) {
		f.settle(d)
		select {
		case <-died:
			stop()
			f.faults(nil)
			struck = true
			f.serve()
			f.settle(20 * time.Second)
		default:
		}
	}
	f.startThrough(run)
	answer(time.Second)
	f.sendThrough(run.Run, completion(2, 1, "a"))
	answer(time.Second)
	f.sendThrough(run.Run, completion(3, 1, "b"))
	answer(10 * time.Second)
	f.sendThrough(run.Run, signal("go", "s1"))
	answer(30 * time.Second)
	if !struck {
		f.faults(nil)
	}
	f.wantResult(run.Run, "x ")
	f.wantCovers(run.Run)
	return struck
}

// startThrough and sendThrough are the test's own calls: they go through whatever the coordinator suffers.
func (f *fixture) startThrough(s *history.Start) {
	f.without(func() { f.startWith(s) })
}

func (f *fixture) sendThrough(run history.Address, m *history.Message) {
	f.without(func() { f.send(run, m) })
}

func (f *fixture) without(do func()) {
	f.mu.Lock()
	hook := f.hook
	f.hook = nil
	f.mu.Unlock()
	do()
	f.faults(hook)
}

// wantCovers checks that every record's cover is a message of the run: one that it or an earlier record consumed, or
// a wake-up.
func (f *fixture) wantCovers(run history.Address) {
	f.Helper()
	known := map[string]bool{}
	for _, tr := range f.transitions(run) {
		for _, id := range tr.Consumed {
			known[id] = true
		}
		if !known[tr.Cover] && !strings.HasPrefix(tr.Cover, "w:") {
			f.Errorf("transition %d is covered by %q, which no record has consumed", tr.Number, tr.Cover)
		}
	}
}

// TestARedeliveryResendsOnlyWhatItsMessageCovers: activity 2 is covered by the start, and its task was taken and
// acknowledged by a worker whose result is on its way. A redelivered signal must not run it again.
func TestARedeliveryResendsOnlyWhatItsMessageCovers(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", func(env *replay.Env) {
			env.OnSignal(func(*history.WorkflowExecutionSignaled) {})
			one(env)
		})
		f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		f.takeTask()
		f.signal(run, "s", "s1")
		f.settle(time.Second)
		f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpSend {
				return streamstest.Duplicate
			}
			return streamstest.Proceed
		})
		f.signal(run, "s", "s1")
		f.faults(nil)
		f.settle(10 * time.Second)
		if f.queued(run, 2) {
			t.Fatal("a redelivered signal sent the task again that the start covers")
		}
		if w := f.waiting(run); len(w) > 0 {
			t.Fatalf("the second signal was not acknowledged: %v", w)
		}
		// The start does cover it: its redelivery sends the task again, unless the result waits already.
		f.deleteConsumers()
		f.settle(10 * time.Second)
		if !f.queued(run, 2) {
			t.Fatal("the redelivered start did not send the task that it covers")
		}
	})
}

// deleteConsumers makes the broker deliver everything again that it holds.
func (f *fixture) deleteConsumers() {
	f.Helper()
	if err := f.model.DeleteConsumers(queue); err != nil {
		f.Fatal(err)
	}
}

// takeTask takes the next task as a worker would and acknowledges it.
func (f *fixture) takeTask() {
	f.Helper()
	tasks, err := f.model.Consume(f.ctx, streams.LaneTasks, queue, "", streams.ConsumeOptions{AckWait: time.Minute})
	if err != nil {
		f.Fatal(err)
	}
	d, err := tasks.Pull(f.ctx, 1)
	if err != nil {
		f.Fatal(err)
	}
	if err := d[0].AckSync(f.ctx); err != nil {
		f.Fatal(err)
	}
	if err := tasks.Close(); err != nil {
		f.Fatal(err)
	}
}

// TestAWaitingResultKeepsItsTaskFromBeingSentAgain: the result is in the inbox, not yet consumed, when the start that
// covers the activity comes again.
func TestAWaitingResultKeepsItsTaskFromBeingSentAgain(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		stop := f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		f.takeTask()
		stop()
		f.complete(run, 2, "done")
		published := 0
		f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpPublishTask {
				published++
			}
			return streamstest.Proceed
		})
		f.deleteConsumers()
		f.serve()
		f.settle(10 * time.Second)
		if published > 0 {
			t.Fatalf("task published %d times although its result waits", published)
		}
		f.wantResult(run, "done")
	})
}

// TestAckWithoutAppendOnlyOnProofInThePrefix: another coordinator has committed transition 2, which schedules activity
// 4. This one's cached prefix ends at 1 and its first read from the leader is stale when the result of 4 arrives.
func TestAckWithoutAppendOnlyOnProofInThePrefix(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("two", func(env *replay.Env) {
			signaled := false
			env.OnSignal(func(*history.WorkflowExecutionSignaled) { signaled = true })
			call(env, "A")
			env.Block("signal", func() bool { return signaled })
			env.Complete(call(env, "B"))
		})
		f.serve()
		run := f.start("w", "two")
		f.settle(time.Second)
		f.appendElsewhere(run, completion(2, 1, "a"), signal("s", "s1"))
		f.faults(func(op streamstest.Op, _ history.Run, n int) streamstest.Fault {
			if (op == streamstest.OpTail || op == streamstest.OpLoad) && n <= 3 {
				return streamstest.Stale
			}
			return streamstest.Proceed
		})
		f.complete(run, 5, "b")
		f.settle(30 * time.Second)
		f.wantResult(run, "b")
	})
}

// appendElsewhere commits the run's next transition as another coordinator would.
func (f *fixture) appendElsewhere(run history.Address, messages ...*history.Message) {
	f.Helper()
	f.appendCovered(run, messages[0].Identity(), messages...)
}

// appendCovered does so with a cover of the test's choice.
func (f *fixture) appendCovered(run history.Address, cover string, messages ...*history.Message) {
	f.Helper()
	f.appendDecided(run, time.Now(), cover, messages...)
}

// appendDecided commits what was decided at an earlier time.
func (f *fixture) appendDecided(run history.Address, at time.Time, cover string, messages ...*history.Message) {
	f.Helper()
	found, err := f.model.FindStart(f.ctx, run.Run)
	if err != nil {
		f.Fatal(err)
	}
	start, err := history.DecodeStart(found.Data)
	if err != nil {
		f.Fatal(err)
	}
	body, _ := f.definition(start.Type)
	m := replay.New(replay.Config{Start: start, Body: body})
	defer m.Destroy()
	loaded, err := f.model.Load(f.ctx, run.Run, 0)
	if err != nil {
		f.Fatal(err)
	}
	for _, tr := range f.transitions(run) {
		if err := m.Apply(tr); err != nil {
			f.Fatal(err)
		}
	}
	d := m.State().Draft(at)
	for _, msg := range messages {
		if v := d.Add(msg); v != history.Taken {
			f.Fatalf("message %s: verdict %v", msg.Identity(), v)
		}
	}
	events, err := m.Decide(d)
	if err != nil {
		f.Fatal(err)
	}
	tr := &history.Transition{RunID: run.RunID, Number: m.State().Transitions + 1, CommitID: uuid.NewString(),
		Previous: loaded.LastSeq, Cover: cover, Time: d.Time(), Consumed: d.Consumed(), Events: events}
	data, err := history.Encode(tr)
	if err != nil {
		f.Fatal(err)
	}
	info := streams.RecordInfo{Number: tr.Number, CommitID: tr.CommitID, Previous: tr.Previous,
		LastEvent: events[len(events)-1].ID}
	if _, err := f.model.Append(f.ctx, run.Run, data, info, loaded.LastSeq); err != nil {
		f.Fatal(err)
	}
}

// TestSignalOrderSurvivesACoordinatorsDeath: the first signals are delivered to a coordinator that dies with them, so
// that later ones reach its heir first.
func TestSignalOrderSurvivesACoordinatorsDeath(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("collect", collect(6))
		stop := f.serve()
		run := f.start("w", "collect")
		f.settle(time.Second)
		f.faults(dead)
		f.without(func() {
			for i := 1; i <= 3; i++ {
				f.signal(run, "s", fmt.Sprint("s", i))
			}
		})
		f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpDeliver {
				return streamstest.Proceed // the dying one still receives
			}
			return streamstest.Lost
		})
		f.settle(time.Second)
		f.kill(stop)
		f.serve()
		for i := 4; i <= 6; i++ {
			f.signal(run, "s", fmt.Sprint("s", i))
		}
		f.settle(30 * time.Second)
		f.wantResult(run, "s1 s2 s3 s4 s5 s6 ")
	})
}

// TestNoAcknowledgedSignalIsLostAtClose: a signal that is there when the run is about to close is consumed first; one
// that arrives with the closing append becomes a dead letter that names it.
func TestNoAcknowledgedSignalIsLostAtClose(t *testing.T) {
	for _, arrival := range []streamstest.Op{streamstest.OpReadInbox, streamstest.OpAppend} {
		t.Run(string("before "+arrival), func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.deploy("one", func(env *replay.Env) {
					heard := ""
					env.OnSignal(func(s *history.WorkflowExecutionSignaled) { heard = s.Name })
					call(env, "A")
					env.Complete(text("heard " + heard))
				})
				f.serve()
				run := f.start("w", "one")
				f.settle(time.Second)
				f.signalBefore(run, arrival)
				f.complete(run, 2, "")
				f.settle(10 * time.Second)
				letters := f.deadLetters()
				if arrival == streamstest.OpReadInbox {
					f.wantResult(run, "heard late")
					if len(letters) > 0 {
						t.Fatalf("dead letters %v", letters)
					}
					return
				}
				f.wantResult(run, "heard ")
				if len(letters) != 1 || !strings.Contains(letters[0].Reason, `signal "late"`) {
					t.Fatalf("dead letters %+v, want one about the late signal", letters)
				}
			})
		})
	}
}

// signalBefore sends the signal "late" just before the next call of op for the run.
func (f *fixture) signalBefore(run history.Address, op streamstest.Op) {
	var sent atomic.Bool
	f.faults(func(o streamstest.Op, r history.Run, _ int) streamstest.Fault {
		if o == op && r == run.Run && sent.CompareAndSwap(false, true) {
			if err := f.model.Send(f.ctx, run, signal("late", "s1")); err != nil {
				f.Error(err)
			}
		}
		return streamstest.Proceed
	})
}

// TestNoAcknowledgedSignalIsLostAtContinueAsNew: the signal arrives with the closing append and goes to the successor.
func TestNoAcknowledgedSignalIsLostAtContinueAsNew(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("loop", func(env *replay.Env) {
			heard := ""
			env.OnSignal(func(s *history.WorkflowExecutionSignaled) { heard = s.Name })
			if env.Start().ContinuedRunID == "" {
				call(env, "A")
				env.ContinueAsNew(&history.Successor{Type: "loop"})
				return
			}
			env.Block("signal", func() bool { return heard != "" })
			env.Complete(text(heard))
		})
		f.serve()
		run := f.start("w", "loop")
		f.settle(time.Second)
		f.signalBefore(run, streamstest.OpAppend)
		f.complete(run, 2, "")
		f.settle(10 * time.Second)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW)
		last, err := f.model.LastStart(f.ctx, "w")
		if err != nil {
			t.Fatal(err)
		}
		f.wantResult(last.Run, "late")
		if letters := f.deadLetters(); len(letters) > 0 {
			t.Fatalf("dead letters %v", letters)
		}
	})
}

// TestSignalsKeepTheirOrderAcrossContinueAsNew: the first signal reached the run with its closing append, the second went
// to the successor directly. The successor consumes them before the first was passed on to it, or after.
func TestSignalsKeepTheirOrderAcrossContinueAsNew(t *testing.T) {
	for _, passedOn := range []bool{false, true} {
		t.Run(fmt.Sprint("passed on ", passedOn), func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.deploy("first", func(env *replay.Env) {
					call(env, "A")
					env.ContinueAsNew(&history.Successor{Type: "second"})
				})
				if !passedOn {
					f.deploy("second", collect(2))
				}
				f.serve()
				run := f.start("w", "first")
				f.settle(time.Second)
				f.signalLate(run, "s1")
				f.complete(run, 2, "")
				f.settle(time.Second)
				next, err := f.model.LastStart(f.ctx, "w")
				if err != nil || next.Run.RunID == run.RunID {
					t.Fatalf("successor %v, %v", next, err)
				}
				f.signal(next.Run, "s", "s2")
				f.settle(20 * time.Second)
				f.deploy("second", collect(2))
				f.settle(30 * time.Second)
				f.wantResult(next.Run, "s1 s2 ")
				if w := append(f.waiting(run), f.waiting(next.Run)...); len(w) > 0 {
					t.Errorf("left in the inboxes: %v", w)
				}
			})
		})
	}
}

// signalLate sends a signal just before the run's next append, and loses its first delivery, so that it is passed on
// only after AckWait.
func (f *fixture) signalLate(run history.Address, id string) {
	var sent atomic.Bool
	f.faults(func(op streamstest.Op, r history.Run, _ int) streamstest.Fault {
		if op == streamstest.OpAppend && r == run.Run && sent.CompareAndSwap(false, true) {
			if err := f.model.Send(f.ctx, run, signal("s", id)); err != nil {
				f.Error(err)
			}
			return streamstest.Proceed
		}
		if op == streamstest.OpDeliver && r == run.Run && sent.Load() {
			f.faults(nil)
			return streamstest.Lost
		}
		return streamstest.Proceed
	})
}
