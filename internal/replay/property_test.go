package replay_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

// instruction is one line of a random workflow. A coroutine runs its instructions in order.
type instruction struct {
	Kind string
	N    int
	Sub  []instruction
}

func drawProgram(depth int) *rapid.Generator[[]instruction] {
	kinds := []string{"activity", "schedule", "schedule", "await", "cancel", "sleep", "timer", "stop timer", "child", "signal other",
		"await signal", "now"}
	if depth > 0 {
		kinds = append(kinds, "go", "go")
	}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) instruction {
		i := instruction{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), N: rapid.IntRange(0, 4).Draw(t, "n")}
		if i.Kind == "go" {
			i.Sub = drawProgram(depth-1).Draw(t, "sub")
		}
		return i
	}), 1, 8)
}

// interpreter runs a random workflow and notes all that the code can observe.
type interpreter struct {
	env     *replay.Env
	trace   []string
	futures []*future
	timers  []int64
	signals int
	open    int
}

func (x *interpreter) note(format string, args ...any) {
	x.trace = append(x.trace, x.env.CoroutineName()+": "+fmt.Sprintf(format, args...))
}

func (x *interpreter) body(program []instruction, ending int) replay.Body {
	return func(env *replay.Env) {
		x.env = env
		env.OnSignal(func(s *history.WorkflowExecutionSignaled) { x.signals++; x.note("signal %s", s.Name) })
		env.OnCancel(func(reason string) {
			x.note("cancel %s", reason)
			for _, f := range x.futures {
				env.RequestCancelActivity(f.id)
			}
			for _, id := range x.timers {
				env.CancelTimer(id)
			}
		})
		x.run(program)
		env.Block("coroutines", func() bool { return x.open == 0 })
		if ending > 1 { // else what is pending at the end is abandoned
			for _, f := range x.futures {
				x.note("awaited at last %s", f.get())
			}
			sleep(env, time.Second)
		}
		switch ending {
		case 0:
			env.Fail(appFailure("the end"))
		case 1:
			env.ContinueAsNew(&history.Successor{})
		case 2:
			env.Cancel(nil)
		default:
			env.Complete(text("the end"))
		}
	}
}

func (x *interpreter) run(program []instruction) {
	for _, i := range program {
		x.do(i)
	}
}

func (x *interpreter) do(i instruction) {
	env := x.env
	switch i.Kind {
	case "activity":
		x.note("result %s", call(env, fmt.Sprintf("Act%d", i.N)))
	case "schedule":
		x.futures = append(x.futures, schedule(env, fmt.Sprintf("Act%d", i.N)))
	case "await":
		if i.N < len(x.futures) {
			x.note("awaited %s", x.futures[i.N].get())
		}
	case "cancel":
		if i.N < len(x.futures) {
			env.RequestCancelActivity(x.futures[i.N].id)
		}
	case "sleep":
		sleep(env, time.Duration(i.N)*time.Second)
	case "timer":
		x.timers = append(x.timers, env.StartTimer(time.Duration(i.N)*time.Second, "", func() { x.note("timer %d", i.N) }))
	case "stop timer":
		if i.N < len(x.timers) {
			env.CancelTimer(x.timers[i.N])
		}
	case "child":
		x.child(i.N)
	case "signal other":
		answered := false
		to := history.Run{WorkflowID: fmt.Sprintf("other-%d", i.N)}
		_, err := env.SignalExternal(&history.SignalExternalWorkflowExecutionInitiated{Target: to, Name: "hi"},
			func(notFound bool) { answered = true; x.note("answer %v", notFound) })
		x.note("signal other: %v", err)
		env.Block("answer", func() bool { return answered })
	case "await signal":
		have := x.signals
		env.Block("signal", func() bool { return x.signals > have })
	case "now":
		x.note("now %v, %d events", env.Now().Sub(epoch), env.HistoryLength())
	case "go":
		x.open++
		env.Go("", func() {
			defer func() { x.open-- }()
			x.run(i.Sub)
		})
	}
}

func (x *interpreter) child(n int) {
	over := false
	_, err := x.env.StartChild(&history.StartChildWorkflowExecutionInitiated{Type: fmt.Sprintf("Child%d", n)},
		func(runID string, cause enums.StartChildWorkflowExecutionFailedCause) {
			x.note("child %s %v", runID, cause)
			over = runID == ""
		},
		func(o replay.Outcome) { x.note("child ends %s", failureText(o.Failure)); over = true })
	x.note("child: %v", err)
	x.env.Block("child", func() bool { return over })
}

// drawMessages are messages for some of what is pending, and some for nobody in particular, in any order.
func drawMessages(t *rapid.T, s *history.State, serial int) []*history.Message {
	var all []*history.Message
	for _, id := range slices.Sorted(maps.Keys(s.Activities)) {
		m := completed(id, fmt.Sprint(id))
		if rapid.Bool().Draw(t, "activity fails") {
			m.Activity.Failure = appFailure("bad luck")
		}
		all = append(all, m)
	}
	for _, id := range slices.Sorted(maps.Keys(s.Externals)) {
		all = append(all, &history.Message{External: &history.ExternalResult{Initiated: id,
			NotFound: rapid.Bool().Draw(t, "not found")}})
	}
	statuses := []enums.WorkflowExecutionStatus{enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED,
		enums.WORKFLOW_EXECUTION_STATUS_TERMINATED}
	for _, id := range slices.Sorted(maps.Keys(s.Children)) {
		all = append(all, &history.Message{Child: &history.ChildOutcome{Initiated: id, RunID: "child-run",
			Status: rapid.SampledFrom(statuses).Draw(t, "child status")}})
	}
	all = append(all, signal("s", fmt.Sprint(serial)), signal("t", fmt.Sprint(serial)),
		&history.Message{ID: "cancel", Cancel: &history.CancelRequest{Reason: "random"}})
	// Some come twice: the draft settles the second.
	return rapid.SliceOfN(rapid.SampledFrom(all), 0, 2*len(all)).Draw(t, "messages")
}

// TestReplayRepeatsLife is invariant I6: whatever the workflow and whatever comes in whichever order, replaying the
// transitions with the same code gives the same commands, the same observations and the same state; and a replayed
// machine goes on exactly like the one that lived.
func TestReplayRepeatsLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		program := drawProgram(2).Draw(t, "program")
		ending := rapid.SampledFrom([]int{3, 2, 1, 0}).Draw(t, "ending")
		start := newStart()
		if rapid.Bool().Draw(t, "signal with start") {
			start.Signal = &history.Signal{Name: "first", ID: "first"}
		}
		fresh := func() (*replay.Machine, *interpreter) {
			x := &interpreter{}
			return replay.New(replay.Config{Start: start, Body: x.body(program, ending)}), x
		}
		replayed := func(records []*history.Transition) (*replay.Machine, *interpreter) {
			m, x := fresh()
			for _, rec := range records {
				if err := m.Apply(roundTrip(t, rec)); err != nil {
					m.Destroy()
					t.Fatal(err)
				}
			}
			return m, x
		}
		m, x := fresh()
		defer func() { m.Destroy() }()
		r := &run{t: t, m: m, now: epoch}
		for serial := range rapid.IntRange(4, 16).Draw(t, "transitions") {
			r.now = r.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "wait")) * time.Millisecond)
			if !r.propertyStep(t, serial) {
				break
			}
			swap := rapid.Bool().Draw(t, "go on with the replayed machine")
			other, y := replayed(r.records)
			if diff := diffStates(m.State(), other.State()); diff != "" {
				other.Destroy()
				t.Fatalf("state after replay:\n%s", diff)
			}
			if diff := gocmp.Diff(x.trace, y.trace); diff != "" {
				other.Destroy()
				t.Fatalf("observations after replay:\n%s", diff)
			}
			if swap {
				m, x, other = other, y, m
				r.m = m
			}
			other.Destroy()
		}
	})
}

// propertyStep makes one transition of random messages, if the run is open.
func (r *run) propertyStep(t *rapid.T, serial int) bool {
	s := r.m.State()
	if s.Closed() {
		return false
	}
	d := s.Draft(r.now)
	if s.Transitions > 0 || rapid.Bool().Draw(t, "messages before the start") {
		for _, m := range drawMessages(t, s, serial) {
			d.Add(m)
		}
	}
	d.AddDue(nil)
	if len(d.Events()) == 0 && s.Transitions > 0 {
		return true
	}
	events, err := r.m.Decide(d)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(events, func(a, b history.Event) int { return cmp.Compare(a.ID, b.ID) }) {
		t.Fatalf("events out of order: %v", events)
	}
	rec := roundTrip(t, &history.Transition{RunID: s.Start.Run.RunID, Number: s.Transitions + 1, CommitID: fmt.Sprint(serial),
		Cover: "test", Time: d.Time(), Consumed: d.Consumed(), Events: events})
	if err := r.m.Commit(rec); err != nil {
		t.Fatal(err)
	}
	r.records = append(r.records, rec)
	return true
}
