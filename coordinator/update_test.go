package coordinator_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// tally is a workflow that notes what reaches it, and closes at a signal or update "end" with what it has noted. Update
// "once" is judged: it is taken when nothing was noted before. Update "hang" never completes.
type tally struct {
	env   *replay.Env
	notes []string
	ended bool
}

func tallying(env *replay.Env) {
	t := &tally{env: env}
	env.OnUpdate(t)
	env.OnSignal(func(s *history.WorkflowExecutionSignaled) { t.note(s.Name) })
	env.Block("end", func() bool { return t.ended })
	env.Complete(text(strings.Join(t.notes, " ")))
}

func (t *tally) note(what string) {
	t.notes = append(t.notes, what)
	t.ended = t.ended || what == "end"
}

func (t *tally) Judges(name string) bool { return name == "once" }

func (t *tally) Validate(u *history.UpdateRequest) *failure.Failure {
	if u.Name == "once" && len(t.notes) > 0 {
		return &failure.Failure{Message: "after " + strings.Join(t.notes, " ")}
	}
	return nil
}

func (t *tally) Accepted(event int64, u *history.UpdateRequest) {
	t.env.GoFirst("update "+u.ID, func() {
		t.note(u.Name)
		if u.Name != "hang" {
			t.env.CompleteUpdate(event, u.ID, text("done "+u.ID), nil)
		}
	})
}

// asker hears the answers to updates.
type asker struct {
	mu      sync.Mutex
	answers map[string][]string
}

func (f *fixture) newAsker() *asker {
	a := &asker{answers: map[string][]string{}}
	stop, err := f.model.ListenClosed("asker", func(_ string, data []byte) {
		answer, err := history.DecodeUpdateAnswer(data)
		if err != nil {
			f.Error(err)
			return
		}
		step := map[history.UpdateStep]string{history.UpdateAccepted: "accepted", history.UpdateCompleted: "completed",
			history.UpdateRejected: "rejected", history.UpdateTooLate: "too late"}[answer.Step]
		if answer.Failure != nil {
			step += ": " + answer.Failure.Message
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.answers[answer.ID] = append(a.answers[answer.ID], step)
	}, func() {})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(stop)
	return a
}

func (a *asker) heard(f *fixture, id string, want ...string) {
	f.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if got := a.answers[id]; !slices.Equal(got, want) {
		f.Errorf("answers to update %q: %q, want %q", id, got, want)
	}
	delete(a.answers, id)
}

func update(name, id string) *history.Message {
	return &history.Message{ID: history.UpdateMessageID(id), Update: &history.UpdateRequest{ID: id, Name: name,
		Asker: &history.UpdateAsker{Waiter: "asker", Key: "k-" + id, Acceptance: true}}}
}

func tallied(t *testing.T, test func(f *fixture, a *asker, run history.Address)) {
	inBubble(t, func(f *fixture) {
		f.deploy("tally", tallying)
		a := f.newAsker()
		test(f, a, f.start("w", "tally"))
	})
}

func TestAnUpdateIsJudgedAfterEverythingSentBeforeIt(t *testing.T) {
	tallied(t, func(f *fixture, a *asker, run history.Address) {
		f.send(run, update("once", "first"))
		f.signal(run, "a", "1")
		f.send(run, update("once", "second"))
		f.signal(run, "b", "2")
		f.send(run, update("plain", "third"))
		f.signal(run, "end", "3")
		f.serve()
		f.settle(time.Second)
		a.heard(f, "first", "completed")
		a.heard(f, "second", "rejected: after a once")
		a.heard(f, "third", "completed")
		f.wantResult(run, "a once b end plain")
		if w := f.waiting(run); len(w) > 0 {
			f.Errorf("left in the inbox: %d", len(w))
		}
	})
}

func TestARejectedUpdateAppendsNothing(t *testing.T) {
	tallied(t, func(f *fixture, a *asker, run history.Address) {
		f.serve()
		f.signal(run, "a", "1")
		f.settle(time.Second)
		before := len(f.transitions(run))
		f.send(run, update("once", "late"))
		f.settle(time.Second)
		a.heard(f, "late", "rejected: after a")
		if after := len(f.transitions(run)); after != before || len(f.waiting(run)) > 0 {
			f.Errorf("%d transitions, %d before; %d messages wait", after, before, len(f.waiting(run)))
		}
	})
}

func TestWhoWasToldOfARejectionIsNotOverruled(t *testing.T) {
	tallied(t, func(f *fixture, a *asker, run history.Address) {
		f.serve()
		f.signal(run, "a", "1")
		f.settle(time.Second)
		lost := true
		f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpAckSync && lost {
				lost = false
				return streamstest.Lost
			}
			return streamstest.Proceed
		})
		f.send(run, update("once", "late"))
		f.settle(time.Second)
		a.heard(f, "late") // its message may still be there
		f.settle(20 * time.Second)
		a.heard(f, "late", "rejected: after a")
	})
}

// TestARejectionIsNoAnswerToAMessageThatOthersHold: one update was sent twice, and one of the messages was given to another
// process before. Who judges the other must not take that one away, which may be about to be accepted and to cover what
// follows: it is put into the inbox anew.
func TestARejectionIsNoAnswerToAMessageThatOthersHold(t *testing.T) {
	tallied(t, func(f *fixture, a *asker, run history.Address) {
		stop := f.serve()
		f.signal(run, "a", "1")
		f.settle(time.Second)
		stop()
		f.send(run, update("once", "u"))
		inbox, err := f.model.Consume(f.ctx, streams.LaneInbox, queue, "", streams.ConsumeOptions{AckWait: 5 * time.Second})
		if err != nil {
			f.Fatal(err)
		}
		if _, err := inbox.Pull(f.ctx, 1); err != nil {
			f.Fatal(err)
		}
		f.settle(4900 * time.Millisecond)
		if err := inbox.Close(); err != nil {
			f.Fatal(err)
		}
		// A signal is dealt with for so long that both messages are dealt with together.
		slow := true
		calls := f.record(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpLoad && slow {
				slow = false
				time.Sleep(time.Second)
			}
			return streamstest.Proceed
		}, streamstest.OpSend, streamstest.OpAckSync)
		f.serve()
		f.without(func() { f.signal(run, "b", "2") })
		f.settle(500 * time.Millisecond)
		again := update("once", "u")
		again.Forwarded = 1 // to come first
		if err := f.model.Send(f.ctx, run, again); err != nil {
			f.Fatal(err)
		}
		f.settle(time.Second)
		calls.want(f, streamstest.OpSend, streamstest.OpAckSync, streamstest.OpSend, streamstest.OpAckSync)
		a.heard(f, "u", "rejected: after a", "rejected: after a")
	})
}

// TestAnUpdateThatWasOnItsWayForLongIsJudgedByAFreshCopy: when it comes to be judged somebody else may have been given it.
func TestAnUpdateThatWasOnItsWayForLongIsJudgedByAFreshCopy(t *testing.T) {
	tallied(t, func(f *fixture, a *asker, run history.Address) {
		f.config.AckWait = 6 * time.Second
		f.serve()
		f.signal(run, "a", "1")
		f.settle(time.Second)
		late := true
		calls := f.record(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
			if op == streamstest.OpDeliver && late {
				late = false
				time.Sleep(f.config.AckWait/2 + time.Second)
			}
			return streamstest.Proceed
		}, streamstest.OpSend, streamstest.OpAckSync)
		f.without(func() { f.send(run, update("once", "u")) })
		f.settle(f.config.AckWait)
		calls.want(f, streamstest.OpSend, streamstest.OpAckSync)
		a.heard(f, "u", "rejected: after a")
		if waiting := f.waiting(run); len(waiting) > 0 {
			f.Errorf("%d messages wait", len(waiting))
		}
	})
}

func TestAnUpdateThatComesAgainIsAnsweredFromTheHistory(t *testing.T) {
	tallied(t, func(f *fixture, a *asker, run history.Address) {
		stop := f.serve()
		f.send(run, update("plain", "u"))
		f.send(run, update("hang", "h"))
		f.settle(time.Second)
		a.heard(f, "u", "completed")
		a.heard(f, "h", "accepted")
		stop()
		f.serve()
		f.send(run, update("plain", "u"))
		f.send(run, update("hang", "h"))
		f.settle(time.Second)
		a.heard(f, "u", "completed")
		a.heard(f, "h", "accepted")
		f.signal(run, "end", "1")
		f.settle(time.Second)
		f.wantResult(run, "plain hang end")
		a.heard(f, "h", "completed: workflow completed before the update completed")
		f.send(run, update("plain", "u"))
		f.send(run, update("plain", "new"))
		f.settle(time.Second)
		a.heard(f, "u", "completed")
		a.heard(f, "new", "too late: workflow execution already completed, as Completed")
	})
}

func TestAClosingTransitionTakesSignalsSentAfterAnUpdateThatCannotBeJudgedYet(t *testing.T) {
	tallied(t, func(f *fixture, a *asker, run history.Address) {
		f.signal(run, "end", "1")
		f.send(run, update("once", "u"))
		f.signal(run, "b", "2")
		f.serve()
		f.settle(time.Second)
		f.wantResult(run, "end b")
		a.heard(f, "u", "too late: workflow execution already completed, as Completed")
		if d := f.deadLetters(); len(d) > 0 {
			f.Errorf("dead letters: %v", d[0].Reason)
		}
	})
}

func TestATerminationDoesNotWaitForAnUpdate(t *testing.T) {
	inBubble(t, func(f *fixture) {
		a := f.newAsker()
		run := f.start("w", "unknown")
		f.serve()
		f.send(run, update("plain", "u"))
		f.send(run, &history.Message{ID: "t", Terminate: &history.Termination{Reason: "enough"}})
		f.settle(time.Minute)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
		a.heard(f, "u", "too late: workflow execution already completed, as Terminated")
	})
}

func TestAnUpdateIsForwardedUnlessItIsForOneRun(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("tally", tallying)
		f.deploy("again", func(env *replay.Env) {
			went := false
			env.OnSignal(func(*history.WorkflowExecutionSignaled) { went = true })
			env.Block("go", func() bool { return went })
			env.ContinueAsNew(&history.Successor{Type: "tally"})
		})
		a := f.newAsker()
		run := f.start("w", "again")
		stop := f.serve()
		f.signal(run, "go", "1")
		f.settle(time.Second)
		stop()
		f.send(run, update("plain", "u"))
		exact := update("plain", "exact")
		exact.Update.Exact = true
		f.send(run, exact)
		f.serve()
		f.settle(time.Second)
		a.heard(f, "u", "completed")
		a.heard(f, "exact", "too late: workflow execution already completed, as ContinuedAsNew")
	})
}
