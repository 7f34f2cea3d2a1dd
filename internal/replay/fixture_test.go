package replay_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

// TestMain fails when a coroutine outlives its machine.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newStart() *history.Start {
	return &history.Start{
		Run: history.Address{
			Run:   history.Run{WorkflowID: "order-1", RunID: "019b76da-a800-7000-8000-000000000001"},
			Queue: "orders",
		},
		Type: "Order",
		Time: epoch,
	}
}

func newMachine(t tester, start *history.Start, body replay.Body) *replay.Machine {
	t.Helper()
	m := replay.New(replay.Config{Start: start, Body: body})
	t.Cleanup(m.Destroy)
	return m
}

// tester is what testing.TB and rapid.T have in common.
type tester interface {
	Helper()
	Cleanup(func())
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// run is a run as a coordinator would keep it: a live machine and the records made so far.
type run struct {
	t       tester
	m       *replay.Machine
	records []*history.Transition
	now     time.Time
}

func newRun(t testing.TB, start *history.Start, body replay.Body) *run {
	t.Helper()
	return &run{t: t, m: newMachine(t, start, body), now: start.Time}
}

// step makes one transition of the messages and of what is due; the error is that of Decide.
func (r *run) step(messages ...*history.Message) (*history.Transition, error) {
	r.t.Helper()
	s := r.m.State()
	d := s.Draft(r.now)
	for _, m := range messages {
		if v := d.Add(m); v != history.Taken {
			r.t.Fatalf("message %s: verdict %d", m.Identity(), v)
		}
	}
	d.AddDue(nil)
	events, err := r.m.Decide(d)
	if err != nil {
		return nil, err
	}
	rec := &history.Transition{
		RunID:    s.Start.Run.RunID,
		Number:   s.Transitions + 1,
		CommitID: fmt.Sprintf("commit-%d", s.Transitions+1),
		Cover:    "test",
		Time:     d.Time(),
		Consumed: d.Consumed(),
		Events:   events,
	}
	stored := roundTrip(r.t, rec)
	if err := r.m.Commit(stored); err != nil {
		r.t.Fatal(err)
	}
	r.records = append(r.records, stored)
	return stored, nil
}

func (r *run) mustStep(messages ...*history.Message) *history.Transition {
	r.t.Helper()
	rec, err := r.step(messages...)
	if err != nil {
		r.t.Fatal(err)
	}
	return rec
}

// replayOn applies the records to a fresh machine with the given code, and returns it with the first error.
func (r *run) replayOn(body replay.Body) (*replay.Machine, error) {
	r.t.Helper()
	m := newMachine(r.t, r.m.State().Start, body)
	for _, rec := range r.records {
		if err := m.Apply(roundTrip(r.t, rec)); err != nil {
			return m, err
		}
	}
	return m, nil
}

// roundTrip is t after encoding and decoding, so that nothing in it is shared with the code that decided it.
func roundTrip(t tester, rec *history.Transition) *history.Transition {
	t.Helper()
	data, err := history.Encode(rec)
	if err != nil {
		t.Fatal(err)
	}
	back, err := history.DecodeTransition(data)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func diffStates(want, got *history.State) string {
	return cmp.Diff(want, got, cmp.AllowUnexported(history.State{}), cmpopts.EquateEmpty())
}

// What follows are the calls that package workflow would make for an author.

func text(s string) *common.Payloads {
	return &common.Payloads{Payloads: []*common.Payload{{Data: []byte(s)}}}
}

func untext(p *common.Payloads) string {
	if len(p.GetPayloads()) == 0 {
		return ""
	}
	return string(p.Payloads[0].Data)
}

// future is an activity's or child's outcome to come.
type future struct {
	env     *replay.Env
	id      int64
	name    string
	outcome replay.Outcome
	done    bool
}

func schedule(env *replay.Env, typ string) *future {
	f := &future{env: env, name: typ}
	id, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: typ, Input: text("in")}, func(o replay.Outcome) {
		f.outcome, f.done = o, true
	})
	if err != nil {
		panic(err)
	}
	f.id = id
	return f
}

func (f *future) get() string {
	if !f.done {
		f.env.Block("activity "+f.name, func() bool { return f.done })
	}
	if f.outcome.Failure != nil {
		return "failed: " + f.outcome.Failure.Message
	}
	return untext(f.outcome.Result)
}

func call(env *replay.Env, typ string) string { return schedule(env, typ).get() }

func sleep(env *replay.Env, d time.Duration) {
	fired := false
	env.StartTimer(d, "", func() { fired = true })
	env.Block(fmt.Sprintf("timer %v", d), func() bool { return fired })
}

func completed(id int64, result string) *history.Message {
	return &history.Message{ID: "1", Activity: &history.ActivityResult{Scheduled: id, Attempt: 1, Result: text(result)}}
}

func signal(name, input string) *history.Message {
	return &history.Message{ID: name + input, Signal: &history.Signal{Name: name, Input: text(input)}}
}
