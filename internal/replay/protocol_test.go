package replay_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

func TestDecideThenCommit(t *testing.T) {
	r := newRun(t, newStart(), sequence(2))
	m := r.m
	d := m.State().Draft(epoch)
	events, err := m.Decide(d)
	if err != nil || len(events) != 1 {
		t.Fatalf("decide: %v, %v", events, err)
	}
	if m.State().LastEvent != 1 {
		t.Errorf("Decide changed the state: last event %d", m.State().LastEvent)
	}
	if _, err := m.Decide(d); !errors.Is(err, replay.ErrUncommitted) {
		t.Errorf("second Decide: %v", err)
	}
	if _, err := m.Query("q", nil); !errors.Is(err, replay.ErrUncommitted) {
		t.Errorf("Query ahead of the history: %v", err)
	}
	rec := &history.Transition{RunID: m.State().Start.Run.RunID, Number: 1, Time: epoch}
	if err := m.Apply(rec); !errors.Is(err, replay.ErrUncommitted) {
		t.Errorf("Apply ahead of the history: %v", err)
	}
	if err := m.Commit(rec); err == nil || !strings.Contains(err.Error(), "it has 0 events, decided were 1") {
		t.Errorf("Commit of something else: %v", err)
	}
	rec.Events = []history.Event{history.NewEvent(2, &history.TimerStarted{})}
	if err := m.Commit(rec); err == nil || !strings.Contains(err.Error(), "it has event 2 TimerStarted, decided was 2 ActivityTaskScheduled") {
		t.Errorf("Commit of something else: %v", err)
	}
	rec.Events = events
	if err := m.Commit(rec); err != nil {
		t.Fatal(err)
	}
	if err := m.Commit(rec); !errors.Is(err, replay.ErrNothingToCommit) {
		t.Errorf("second Commit: %v", err)
	}
	if events, err := m.Decide(m.State().Draft(epoch)); err != nil || len(events) != 0 {
		t.Errorf("empty draft: %v, %v", events, err)
	}
	other := replay.New(replay.Config{Start: newStart(), Body: sequence(1)})
	defer other.Destroy()
	if _, err := m.Decide(other.State().Draft(epoch)); err == nil ||
		!strings.Contains(err.Error(), "draft goes on with event 2, the run with 3") {
		t.Errorf("draft of another state: %v", err)
	}
}

func TestApplyRefusesIllegalEvents(t *testing.T) {
	m := newMachine(t, newStart(), func(env *replay.Env) { t.Error("ran on a damaged history") })
	var illegal *history.IllegalEventError
	err := m.Apply(&history.Transition{RunID: newStart().Run.RunID, Number: 1, Time: epoch,
		Events: []history.Event{history.NewEvent(2, &history.TimerFired{Started: 9})}})
	if !errors.As(err, &illegal) {
		t.Errorf("got %v", err)
	}
}

// A Goexit (t.FailNow in a workflow under test) must not end the goroutine that drives the machine, wherever it is
// called.
func TestGoexitAnywhere(t *testing.T) {
	bodies := map[string]replay.Body{
		"coroutine root": func(env *replay.Env) { env.Block("luck", func() bool { runtime.Goexit(); return true }) },
		"a callback": func(env *replay.Env) {
			env.StartTimer(0, "", runtime.Goexit)
			block(env)
		},
	}
	for where, body := range bodies {
		t.Run(where, func(t *testing.T) {
			r := newRun(t, newStart(), body)
			_, err := r.step()
			if err == nil {
				_, err = r.step()
			}
			var p *replay.PanicError
			if !errors.As(err, &p) || p.Coroutine != where || fmt.Sprint(p.Value) != "workflow code called runtime.Goexit" {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("query", func(t *testing.T) {
		r := newRun(t, newStart(), func(env *replay.Env) {
			env.OnQuery(func(name string, _ *common.Payloads) (*common.Payloads, error) {
				if name == "exit" {
					runtime.Goexit()
				}
				return text(name), nil
			})
			block(env)
		})
		r.mustStep()
		var p *replay.PanicError
		if _, err := r.m.Query("exit", nil); !errors.As(err, &p) || p.Coroutine != "a query handler" {
			t.Errorf("got %v", err)
		}
		if got, err := r.m.Query("alive", nil); err != nil || untext(got) != "alive" {
			t.Errorf("after the exit: %v, %v", got, err)
		}
		r.mustStep(signal("s", ""))
	})
}

// Code that blocks outside the API is named by Running, and found by its goroutine in a dump.
func TestRunningNamesTheCulprit(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	stuck := func() {
		entered <- struct{}{}
		<-release
	}
	r := newRun(t, newStart(), func(env *replay.Env) {
		env.Go("culprit", stuck)
		ready := false
		env.Block("predicate", func() bool {
			if !ready {
				ready = true
				stuck()
			}
			return ready
		})
		env.Complete(nil)
	})
	if got := r.m.Running(); got != (replay.Running{}) {
		t.Errorf("before: %+v", got)
	}
	done := make(chan error)
	go func() {
		_, err := r.step()
		done <- err
	}()
	for _, want := range []string{"culprit", "a callback, ready predicate or query handler"} {
		<-entered
		got := r.m.Running()
		dump := make([]byte, 1<<20)
		dump = dump[:runtime.Stack(dump, true)]
		_, stack, ok := strings.Cut(string(dump), fmt.Sprintf("goroutine %d [", got.Goroutine))
		stack, _, _ = strings.Cut(stack, "\n\n")
		if got.Coroutine != want || !ok || !strings.Contains(stack, "TestRunningNamesTheCulprit.func1") {
			t.Errorf("running is %+v, want %s; its stack:\n%s", got, want, stack)
		}
		release <- struct{}{}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := r.m.Running(); got != (replay.Running{}) {
		t.Errorf("after: %+v", got)
	}
}

// Calls from outside the workflow must fail loudly where they are made.
func TestMisuseOutside(t *testing.T) {
	var leaked *replay.Env
	r := newRun(t, newStart(), func(env *replay.Env) { leaked = env; block(env) })
	r.mustStep()
	calls := map[string]func(){
		"Block":            func() { block(leaked) },
		"ScheduleActivity": func() { schedule(leaked, "A") },
		"Go":               func() { leaked.Go("", nil) },
		"Complete":         func() { leaked.Complete(nil) },
	}
	for name, f := range calls {
		func() {
			defer func() {
				misuse, ok := recover().(*replay.MisuseError)
				if !ok || misuse.Error() != name+" called from outside the workflow's coroutines: only the coroutines of the workflow may do so" {
					t.Errorf("%s: recovered %v", name, misuse)
				}
			}()
			f()
		}()
	}
}

// What a record holds was within the limit of its time.
func TestLoweredLimitDoesNotDiverge(t *testing.T) {
	r := newRun(t, newStart(), func(env *replay.Env) {
		_, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: "A", Input: text(strings.Repeat("d", 100))},
			func(replay.Outcome) {})
		if err != nil {
			t.Error(err)
		}
		block(env)
	})
	r.mustStep()
	body := func(env *replay.Env) {
		for range 2 {
			_, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: "A", Input: text(strings.Repeat("d", 100))},
				func(replay.Outcome) {})
			if err != nil {
				env.StartTimer(time.Second, "", func() {})
			}
		}
		block(env)
	}
	m := replay.New(replay.Config{Start: newStart(), Body: body, MaxPayload: 10})
	defer m.Destroy()
	var n *replay.NonDeterminismError
	// The first call repeats the record; the second goes beyond it and is refused.
	if err := m.Apply(r.records[0]); !errors.As(err, &n) || n.EventID != 3 || n.Actual != "TimerStarted 1s" {
		t.Errorf("got %v", err)
	}
}

func TestThousandCoroutines(t *testing.T) {
	const n = 1000
	r := newRun(t, newStart(), fanOut(n))
	if rec := r.mustStep(); len(rec.Events) != n {
		t.Fatalf("%d events decided, want %d", len(rec.Events), n)
	}
	var results []*history.Message
	for i := range n {
		results = append(results, completed(int64(n+1-i), "1"))
	}
	r.mustStep(results[:n/2]...)
	half, err := r.replayOn(fanOut(n)) // left open: its cleanup must end the other half
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(half.StackTrace(), "[blocked on activity"); got != n/2 {
		t.Errorf("%d branches are blocked, want %d", got, n/2)
	}
	rec := r.mustStep(results[n/2:]...)
	if last := rec.Events[len(rec.Events)-1]; !last.IsClosing() {
		t.Errorf("last event is %v", last)
	}
	if _, err := r.replayOn(fanOut(n)); err != nil {
		t.Error(err)
	}
}

// The work for one event must not grow with the number of events before it: here the scheduler's, counted in looks at
// a predicate. BenchmarkReplaySequential has the times.
func TestTenThousandActivities(t *testing.T) {
	const n = 10000
	looks := 0
	body := func(env *replay.Env) {
		for range n {
			f := schedule(env, "Step")
			env.Block("step", func() bool { looks++; return f.done })
		}
		env.Complete(nil)
	}
	r := newRun(t, newStart(), body)
	r.mustStep()
	for i := range n {
		r.mustStep(completed(2+2*int64(i), ""))
	}
	if !r.m.State().Closed() || r.m.State().LastEvent != 2+2*n {
		t.Fatalf("closed %v, last event %d", r.m.State().Closed(), r.m.State().LastEvent)
	}
	if looks > 2*n {
		t.Errorf("%d looks for %d activities", looks, n)
	}
	m, err := r.replayOn(body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffStates(r.m.State(), m.State()); diff != "" {
		t.Error(diff)
	}
}

func TestStackTraceShowsAuthorsCode(t *testing.T) {
	r := newRun(t, newStart(), func(env *replay.Env) {
		env.Go("", func() { waitForLuck(env) })
		block(env)
	})
	r.mustStep()
	for range 2 { // a look must not change anything
		p, err := r.m.Query(replay.StackTraceQuery, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := untext(p)
		for _, part := range []string{`coroutine root [blocked on ever]:\n`, `coroutine 2 [blocked on luck]:\n`,
			`replay_test.waitForLuck(...)\n\t`, `protocol_test.go:`} {
			if !strings.Contains(got, part) {
				t.Errorf("no %q in\n%s", part, got)
			}
		}
		if strings.Contains(got, "internal/replay.") || strings.Contains(got, "iter.") {
			t.Errorf("the engine's frames are not trimmed:\n%s", got)
		}
	}
}

//go:noinline
func waitForLuck(env *replay.Env) { env.Block("luck", func() bool { return false }) }

// A suspended coroutine must count as durably blocked, or no test of a coordinator can use a bubble's clock; and a
// machine may be driven from one goroutine after the other.
func TestInSynctestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, newStart(), sequence(1))
		r.mustStep()
		begin := time.Now()
		done := make(chan *history.Transition)
		go func() {
			time.Sleep(time.Hour)
			done <- r.mustStep(completed(2, "ok"))
		}()
		if rec := <-done; !rec.Events[len(rec.Events)-1].IsClosing() || time.Since(begin) != time.Hour {
			t.Errorf("after %v: %v", time.Since(begin), rec.Events)
		}
	})
}
