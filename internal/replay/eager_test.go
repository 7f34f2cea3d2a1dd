package replay_test

import (
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

// TestHowAnActivityWasMadeDoesNotConcernTheCode: the same code gives the same commands whether an activity was made
// eagerly, and then queued, or is to be made so no more.
func TestHowAnActivityWasMadeDoesNotConcernTheCode(t *testing.T) {
	body := func(noEager bool) replay.Body {
		return func(env *replay.Env) {
			done := ""
			if _, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: "A", NoEager: noEager},
				func(o replay.Outcome) { done = untext(o.Result) }); err != nil {
				panic(err)
			}
			env.Block("activity", func() bool { return done != "" })
			sleep(env, time.Second)
			env.Complete(text(done))
		}
	}
	r := newRun(t, newStart(), body(false))
	decide := func(d *history.Draft) {
		t.Helper()
		events, err := r.m.Decide(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if a, ok := e.Attributes.(*history.ActivityTaskScheduled); ok {
				a.Eager = true // as a coordinator does that has a slot for it
			}
		}
		rec := roundTrip(t, &history.Transition{RunID: newStart().Run.RunID, Number: r.m.State().Transitions + 1, CommitID: "c",
			Cover: history.StartIdentity, Time: d.Time(), Consumed: d.Consumed(), Events: events})
		if err := r.m.Commit(rec); err != nil {
			t.Fatal(err)
		}
		r.records = append(r.records, rec)
	}
	decide(r.m.State().Draft(r.now))
	d := r.m.State().Draft(r.now.Add(time.Second))
	if v := d.Queue(history.ActivityTaskQueued{Scheduled: 2, Attempt: 2, NotBefore: r.now.Add(time.Minute)}); v != history.Taken {
		t.Fatalf("verdict is %d", v)
	}
	decide(d)
	if n := len(r.records[1].Events); n != 1 {
		t.Fatalf("the code decided something: %v", r.records[1].Events)
	}
	r.mustStep(completed(2, "x"))
	r.now = r.now.Add(2 * time.Second)
	r.mustStep()
	if !r.m.State().Closed() {
		t.Fatal("the run is open")
	}
	for _, noEager := range []bool{false, true} {
		m, err := r.replayOn(body(noEager))
		if err != nil {
			t.Fatal(err)
		}
		if diff := diffStates(r.m.State(), m.State()); diff != "" {
			t.Errorf("state after replay with NoEager %v:\n%s", noEager, diff)
		}
	}
}
