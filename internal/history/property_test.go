package history

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// world is a run with everything that may happen to it: messages arrive in any order and more than once, code decides
// anything that is legal, drafts are committed or lost.
type world struct {
	state  *State
	direct []*Transition
	stored [][]byte
	// resolved counts the outcomes of each item; inbox holds every message ever sent, since any may come again.
	resolved map[int64]int
	inbox    []*Message
	covers   []string
	now      time.Time
	ids      int
}

func newWorld(t *rapid.T) *world {
	start := &Start{Version: 1, Run: Address{Run: Run{WorkflowID: "w", RunID: "r"}, Queue: "q"}, Type: "T", Time: t0}
	if rapid.Bool().Draw(t, "signal with start") {
		start.Signal = &Signal{Name: "go", ID: "first"}
	}
	if rapid.Bool().Draw(t, "run time-out") {
		start.RunTimeout = MillisOf(time.Hour)
		start.RetryPolicy = &RetryPolicy{MaximumAttempts: 2}
	}
	return &world{state: NewState(start), resolved: map[int64]int{}, now: t0}
}

// id makes a fresh message ID.
func (w *world) id() string { w.ids++; return fmt.Sprint("m", w.ids) }

// activity is one that is pending, if there is any.
func (w *world) activity(t *rapid.T) int64 {
	if ids := sortedKeys(w.state.Activities); len(ids) > 0 {
		return rapid.SampledFrom(ids).Draw(t, "activity")
	}
	return w.state.LastEvent + 3
}

// arrive puts a message of any kind, about any event, into the inbox.
func (w *world) arrive(t *rapid.T) {
	about := rapid.Int64Range(0, w.state.LastEvent+3).Draw(t, "about event")
	var m *Message
	switch rapid.IntRange(0, 9).Draw(t, "kind of message") {
	case 0:
		m = &Message{ID: w.id(), Activity: &ActivityResult{Scheduled: about, Attempt: 1}}
		if rapid.Bool().Draw(t, "canceled") {
			m.Activity.Failure = &failure.Failure{CanceledFailureInfo: &failure.CanceledFailureInfo{}}
		}
	case 1, 2:
		status := enums.WorkflowExecutionStatus(rapid.Int32Range(0, 8).Draw(t, "status"))
		m = &Message{ID: w.id(), Child: &ChildOutcome{Initiated: about, RunID: "kid", Status: status}}
	case 3:
		m = &Message{ID: w.id(), External: &ExternalResult{Initiated: about, NotFound: rapid.Bool().Draw(t, "not found")}}
	case 4:
		m = signal(w.id())
	case 5:
		m = cancel(w.id())
	case 6:
		id := w.activity(t)
		m = rapid.SampledFrom([]*Message{pause(w.id(), id), unpause(w.id(), id),
			reset(w.id(), ActivityTaskReset{Scheduled: id, KeepPaused: rapid.Bool().Draw(t, "keep paused")})}).Draw(t, "request")
	case 7:
		id := w.activity(t)
		generation := int64(0)
		if a := w.state.Activities[id]; a != nil && a.Control != nil {
			generation = a.Control.Generation
		}
		m = gone(id, generation, 2)
	default:
		m = signal(w.id())
		if rapid.IntRange(0, 9).Draw(t, "terminate") == 0 {
			m = terminate(m.ID)
		}
	}
	w.inbox = append(w.inbox, m)
}

func (w *world) pass(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.Int64Range(0, 1e10).Draw(t, "pass")))
}

// transit makes a draft of some messages and of the time, decides, and perhaps commits.
func (w *world) transit(t *rapid.T) {
	skew := time.Duration(rapid.Int64Range(-1e9, 1e9).Draw(t, "skew"))
	d := w.state.Draft(w.now.Add(skew))
	before := *w.state
	for range rapid.IntRange(0, 4).Draw(t, "messages") {
		if len(w.inbox) == 0 {
			break
		}
		m := rapid.SampledFrom(w.inbox).Draw(t, "message")
		events := len(d.Events())
		if v := d.Add(m); (v == Taken) != (len(d.Events()) > events) {
			t.Fatalf("verdict %d of %s, and %d events", v, m.Identity(), len(d.Events())-events)
		}
	}
	if rapid.Bool().Draw(t, "queue") {
		q := ActivityTaskQueued{Scheduled: rapid.Int64Range(0, w.state.LastEvent+3).Draw(t, "queued activity"), Attempt: 2}
		events := len(d.Events())
		if v := d.Queue(q); (v == Taken) != (len(d.Events()) > events) {
			t.Fatalf("verdict %d of %+v, and %d events", v, q, len(d.Events())-events)
		}
	}
	if rapid.Bool().Draw(t, "look at the clock") {
		facts := map[int64]ActivityFacts{}
		for _, id := range d.DueActivities() {
			facts[id] = ActivityFacts{Started: rapid.Bool().Draw(t, "started")}
		}
		d.AddDue(facts)
	}
	if w.state.LastEvent != before.LastEvent || len(w.state.Activities) != len(before.Activities) {
		t.Fatal("a draft changed the state")
	}
	if w.state.Closed() {
		if len(d.Events()) > 0 {
			t.Fatalf("events after the close: %v", d.Events())
		}
		return
	}
	if rapid.IntRange(0, 4).Draw(t, "lost") == 0 {
		return
	}
	w.commit(t, d)
}

func (w *world) commit(t *rapid.T, d *Draft) {
	cover := fmt.Sprint("cover-", rapid.IntRange(0, 3).Draw(t, "cover"))
	w.covers = append(w.covers, cover)
	tr := &Transition{
		RunID: "r", Number: w.state.Transitions + 1, CommitID: "c", Cover: cover, Time: d.Time(),
		Consumed: d.Consumed(), Events: slices.Clone(d.Events()),
	}
	open := *w.state
	if !d.Closed() {
		w.decide(t, tr, open.LastEvent)
	}
	data, err := Encode(tr)
	if err != nil {
		t.Fatal(err)
	}
	w.stored, w.direct = append(w.stored, data), append(w.direct, tr)
	last := w.state.LastEvent
	if err := w.state.Apply(tr); err != nil {
		t.Fatalf("a draft and legal decisions are refused: %v", err)
	}
	if w.state.LastEvent != last+int64(len(tr.Events)) {
		t.Fatalf("last event is %d after %d events on %d", w.state.LastEvent, len(tr.Events), last)
	}
	for _, e := range tr.Events {
		if id := resolves(e); id != 0 {
			if w.resolved[id]++; w.resolved[id] > 1 {
				t.Fatalf("%v resolves item %d a second time", e, id)
			}
		}
	}
}

// decide adds decisions that are legal after the events of tr.
func (w *world) decide(t *rapid.T, tr *Transition, last int64) {
	gone := map[int64]bool{}
	for _, e := range tr.Events {
		gone[resolves(e)] = true
	}
	add := func(a Attributes) {
		tr.Events = append(tr.Events, NewEvent(last+int64(len(tr.Events))+1, a))
	}
	for range rapid.IntRange(0, 4).Draw(t, "decisions") {
		seconds := Millis(rapid.Int64Range(0, 20000).Draw(t, "millis"))
		switch rapid.IntRange(0, 6).Draw(t, "decision") {
		case 0:
			add(&ActivityTaskScheduled{Type: "A", Queue: "aq", ScheduleToClose: seconds / 2, ScheduleToStart: seconds / 3,
				Eager: rapid.Bool().Draw(t, "eager")})
		case 1:
			add(&TimerStarted{Timeout: seconds, Due: tr.Time.Add(seconds.Duration())})
		case 2:
			policy := enums.ParentClosePolicy(rapid.Int32Range(0, 3).Draw(t, "policy"))
			add(&StartChildWorkflowExecutionInitiated{WorkflowID: "kid", RunID: "kid", ParentClose: policy})
		case 3:
			add(&SignalExternalWorkflowExecutionInitiated{Target: Run{WorkflowID: "x"}, Name: "n"})
		case 4:
			add(&RequestCancelExternalWorkflowExecutionInitiated{Target: Run{WorkflowID: "x"}})
		case 5:
			for _, id := range sortedKeys(w.state.Timers) {
				if !gone[id] {
					gone[id] = true
					add(&TimerCanceled{Started: id})
					break
				}
			}
		case 6:
			for _, id := range sortedKeys(w.state.Activities) {
				if !gone[id] && !w.state.Activities[id].CancelRequested {
					gone[id] = true
					add(&ActivityTaskCancelRequested{Scheduled: id})
					break
				}
			}
		}
	}
	if rapid.IntRange(0, 15).Draw(t, "complete") == 0 {
		add(&WorkflowExecutionCompleted{})
	}
}

// resolves is the number of the item that e gives its one outcome, 0 for none.
func resolves(e Event) int64 {
	switch a := e.Attributes.(type) {
	case *TimerFired:
		return a.Started
	case *TimerCanceled:
		return a.Started
	case interface{ End() *ActivityEnd }:
		return a.End().Scheduled
	case interface{ End() *ChildEnd }:
		return a.End().Initiated
	case *StartChildWorkflowExecutionFailed:
		return a.Initiated
	case *ExternalWorkflowExecutionSignaled:
		return a.Initiated
	case *SignalExternalWorkflowExecutionFailed:
		return a.Initiated
	case *ExternalWorkflowExecutionCancelRequested:
		return a.Initiated
	case *RequestCancelExternalWorkflowExecutionFailed:
		return a.Initiated
	}
	return 0
}

// check compares the state with one folded from the stored bytes, and its effects with what is resolved.
func (w *world) check(t *rapid.T) {
	again := NewState(w.state.Start)
	for _, data := range w.stored {
		tr, err := DecodeTransition(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Apply(tr); err != nil {
			t.Fatalf("the stored records are refused: %v", err)
		}
	}
	if a, b := describe(w.state), describe(again); a != b {
		t.Fatalf("folded directly:\n%s\nfolded from the stored bytes:\n%s", a, b)
	}
	for _, cover := range w.covers {
		for _, e := range w.state.Effects(cover) {
			if id := concerns(e); id != 0 && w.resolved[id] > 0 {
				t.Fatalf("effect %T under %s is about item %d, which has its outcome", e, cover, id)
			}
			if s, ok := e.(*SendTask); ok && w.state.Activities[s.Task.Event].Eager {
				t.Fatalf("activity %d has a task and is made eagerly", s.Task.Event)
			}
		}
	}
	for id, a := range w.state.Activities {
		holds := slices.ContainsFunc(w.state.Eager(a.Cover), func(p *PendingActivity) bool { return p.Event == id })
		if holds != (a.Eager && !w.state.Closed()) {
			t.Fatalf("activity %d is eager: %v; its cover %s is held for it: %v", id, a.Eager, a.Cover, holds)
		}
	}
	// Whatever the clock may change has a wake-up, which is due in time or near enough to be firing.
	next := w.state.NextDeadline(w.state.Time)
	if w.state.Transitions > 0 && !w.state.Closed() && !next.IsZero() && (w.state.Armed.IsZero() || w.state.Armed.After(next)) {
		t.Fatalf("the next deadline is %v, the wake-up is armed for %v", next, w.state.Armed)
	}
}

// concerns is the number of the item that an effect is about, 0 for none that could be resolved.
func concerns(e Effect) int64 {
	switch e := e.(type) {
	case *SendTask:
		return e.Task.Event
	case *CancelTask:
		return e.Activity
	case *WithdrawTask:
		return e.Activity
	case *StartChild:
		return e.Initiated
	case *SendRequest:
		return e.External
	}
	return 0
}

func describe(s *State) string {
	out := fmt.Sprintf("%v %d %d %s %v %v %s %v\n", s.Status, s.LastEvent, s.Transitions, s.LastCommit, s.Time, s.Armed, s.ArmCover, s.CancelRequested)
	for _, id := range sortedKeys(s.Activities) {
		a := s.Activities[id]
		out += fmt.Sprintf("%d %+v %+v %s %v %d %v\n", id, *a.Scheduled, a.At, a.Cover, a.Eager, a.FirstAttempt, a.NotBefore)
	}
	for _, id := range sortedKeys(s.Timers) {
		out += fmt.Sprintf("%+v\n", *s.Timers[id])
	}
	for _, id := range sortedKeys(s.Children) {
		out += fmt.Sprintf("%d %+v %s\n", id, *s.Children[id].Initiated, s.Children[id].RunID)
	}
	for _, id := range sortedKeys(s.Externals) {
		out += fmt.Sprintf("%d %s\n", id, s.Externals[id].Cover)
	}
	return out + fmt.Sprint(len(s.seen), s.Close != nil)
}

func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){
			"arrive":  w.arrive,
			"pass":    w.pass,
			"transit": w.transit,
			"":        w.check,
		})
	})
}
