package coordinator_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
)

// faultless makes the test's own calls without faults.
func (s *simulation) faultless(f func()) {
	s.own.Add(1)
	defer s.own.Add(-1)
	f()
}

// appended looks, the moment after a record became durable, whether its cover is still there to be delivered again.
func (s *simulation) appended(run history.Run, data []byte) {
	s.faultless(func() {
		t, err := history.DecodeTransition(data)
		if err != nil {
			s.violation("record of run %s: %v", run, err)
			return
		}
		s.noteResults(run, t)
		found, err := s.model.FindStart(s.ctx, run)
		if err != nil || t.Cover == history.StartIdentity {
			return // whether a start is acknowledged nobody can see
		}
		for _, w := range s.waiting(found.Run) {
			if m, err := history.DecodeMessage(w.Data); err == nil && s.covers(m, t.Cover) {
				return
			}
		}
		if armed, err := s.model.ArmedWakeUp(s.ctx, run); err == nil && s.covers(history.NewWakeUp(armed), t.Cover) {
			return
		}
		s.violation("transition %d of run %s is covered by %q, which is not there", t.Number, run, t.Cover)
	})
}

// covers says whether m is the message that is named as a cover, or a wake-up before the one that is.
func (s *simulation) covers(m *history.Message, cover string) bool {
	if m.WakeUp != nil && strings.HasPrefix(cover, "w:") {
		return m.Identity() <= cover // milliseconds of one length
	}
	return m.Identity() == cover
}

func (s *simulation) noteResults(run history.Run, t *history.Transition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range t.Events {
		if a, ok := e.Attributes.(interface{ End() *history.ActivityEnd }); ok {
			s.resolved[streams.TaskRef{Run: run, Queue: queue, Activity: a.End().Scheduled}] = time.Now()
		}
	}
}

// resultAge is for how long an activity has had its result, in the inbox or in history; 0 for not at all.
func (s *simulation) resultAge(ref streams.TaskRef) (age time.Duration) {
	ref.TaskLane, ref.Weight = streams.TaskLane{}, 0 // where the task waits does not matter
	s.faultless(func() {
		s.mu.Lock()
		at, ok := s.resolved[ref]
		s.mu.Unlock()
		if ok {
			age = time.Since(at)
		}
		waiting, err := s.model.ReadInbox(s.ctx, history.Address{Run: ref.Run, Queue: queue}, history.ActivitySource(ref.Activity), 0)
		for _, w := range waiting {
			if m, bad := history.DecodeMessage(w.Data); err == nil && bad == nil && m.Parked == nil {
				age = max(age, time.Since(w.Time))
				break
			}
		}
	})
	return age
}

func (s *simulation) starts() []*streams.StoredStart {
	var all []*streams.StoredStart
	for start, err := range s.model.ListStarts(s.ctx, streams.StartFilter{}) {
		if err != nil {
			s.Fatal(err)
		}
		all = append(all, start)
	}
	slices.Reverse(all)
	return all
}

// finished says whether all runs are closed.
func (s *simulation) finished() bool {
	for _, start := range s.starts() {
		closed, err := streams.RunClosed(s.ctx, s.model, start.Run.Run)
		if err != nil {
			s.Fatal(err)
		}
		if closed == nil {
			return false
		}
	}
	return true
}

// logEntry is a start or a closing record in the order of the log.
type logEntry struct {
	seq    uint64
	run    history.Run
	closes bool
}

// check holds what is left to the rules.
func (s *simulation) check() {
	var entries []logEntry
	consumed := map[string]bool{} // workflow ID and identity
	known := map[string]bool{}    // run IDs
	states := map[string]*history.State{}
	for _, start := range s.starts() {
		known[start.Run.RunID] = true
		entries = append(entries, logEntry{seq: start.Seq, run: start.Run.Run})
		state := s.checkRun(start, &entries, consumed)
		states[start.Run.RunID] = state
	}
	for id, state := range states {
		if next := state.Successor(); next != nil && !known[next.RunID] {
			s.violation("successor %s of run %s was never started", next.RunID, id)
		}
	}
	s.checkOneOpen(entries)
	s.checkSignals(consumed)
	s.checkUpdates(s.starts(), states)
	for _, v := range s.violations {
		s.Error(v)
	}
	if testing.Verbose() || s.Failed() {
		s.Logf("%d calls, trace %x", len(s.trace), s.traceHash())
	}
	if s.Failed() {
		s.Logf("repeat with: go test ./coordinator -run '%s' -seed %d", s.Name(), s.seed)
	}
	if s.Failed() || *simulationSeed != 0 && testing.Verbose() {
		s.dump()
	}
}

// traceHash is the same for runs of a seed that are the same call by call.
func (s *simulation) traceHash() uint64 {
	h := fnv.New64a()
	for _, c := range s.trace {
		_, _ = fmt.Fprintln(h, c.at.UnixNano(), c.process, c.op, c.run, c.err) // a hash takes everything
	}
	return h.Sum64()
}

// checkRun folds and replays one run.
func (s *simulation) checkRun(found *streams.StoredStart, entries *[]logEntry, consumed map[string]bool) *history.State {
	run := found.Run
	start, err := history.DecodeStart(found.Data)
	if err != nil {
		s.Fatal(err)
	}
	state := history.NewState(start)
	body, _ := s.definition(start.Type)
	due := map[int64]time.Time{}
	machine := replay.New(replay.Config{Start: start, Body: body, MaxPayload: 512 << 10})
	defer machine.Destroy()
	loaded, err := s.model.Load(s.ctx, run.Run, 0)
	if err != nil {
		s.Fatal(err)
	}
	size := int64(len(found.Data))
	for i := range loaded.Records {
		t, err := streams.TransitionOf(s.ctx, s.model, &loaded.Records[i])
		if err != nil {
			s.Fatal(err)
		}
		if len(t.Events) == 0 && t.Number > 1 {
			s.violation("transition %d of run %s is empty", t.Number, run)
		}
		if t.HistorySize != size {
			s.violation("transition %d of run %s: the history before it has %d bytes, it says %d", t.Number, run, size, t.HistorySize)
		}
		size += int64(len(loaded.Records[i].Data))
		if t.Body != nil {
			size += t.Body.Size
		}
		s.checkCover(run, t, state)
		if err := state.Apply(t); err != nil {
			s.violation("fold: %v", err)
			return state
		}
		if err := machine.Apply(t); err != nil {
			s.violation("replay: %v", err)
			return state
		}
		s.checkTransition(run, t, due)
		for _, id := range t.Consumed {
			consumed[run.WorkflowID+" "+id] = true
		}
		if state.Closed() {
			*entries = append(*entries, logEntry{seq: loaded.Records[i].Seq, run: run.Run, closes: true})
		}
	}
	s.checkDrained(run, state)
	return state
}

// checkTransition notes in due when timers are due.
func (s *simulation) checkTransition(run history.Address, t *history.Transition, due map[int64]time.Time) {
	for _, e := range t.Events {
		switch a := e.Attributes.(type) {
		case *history.TimerStarted:
			due[e.ID] = a.Due
		case *history.TimerFired:
			if early := due[a.Started].Sub(t.Time); early > 0 {
				s.violation("timer %d of run %s fired %v early", a.Started, run, early)
			}
		}
	}
}

// checkCover looks whether nobody else can have settled the transition's cover. Before is the state that it was decided
// on.
func (s *simulation) checkCover(run history.Address, t *history.Transition, before *history.State) {
	if !slices.Contains(t.Consumed, t.Cover) && !strings.HasPrefix(t.Cover, "w:") && len(before.Eager(t.Cover)) == 0 {
		s.violation("transition %d of run %s is covered by %q, which it did not consume: %v", t.Number, run, t.Cover, t.Consumed)
	}
}

// checkDrained holds a run to its end: closed, nothing waiting, nothing queued.
func (s *simulation) checkDrained(run history.Address, state *history.State) {
	if !state.Closed() {
		armed, err := s.model.ArmedWakeUp(s.ctx, run.Run)
		s.violation("run %s is open after %d transitions: activities %v timers %v children %v externals %v, armed in history %s, at the broker %s %v",
			run, state.Transitions, keys(state.Activities), keys(state.Timers), keys(state.Children), keys(state.Externals),
			state.Armed.Format("05.000"), armed.Format("05.000"), err)
	}
	for _, w := range s.waiting(run) {
		m, _ := history.DecodeMessage(w.Data)
		s.violation("message %s still waits for run %s", m.Identity(), run)
	}
	for id := int64(2); id <= state.LastEvent; id++ {
		if s.queued(run, id) {
			s.violation("activity %d of run %s still has a task", id, run)
		}
	}
}

func keys[V any](m map[int64]V) []int64 { return slices.Sorted(maps.Keys(m)) }

// checkOneOpen looks at every prefix of the log.
func (s *simulation) checkOneOpen(entries []logEntry) {
	slices.SortFunc(entries, func(a, b logEntry) int { return int(int64(a.seq) - int64(b.seq)) })
	open := map[string]history.Run{}
	for _, e := range entries {
		other, taken := open[e.run.WorkflowID]
		switch {
		case e.closes:
			delete(open, e.run.WorkflowID)
		case taken:
			s.violation("run %s was started while %s was open", e.run, other)
		default:
			open[e.run.WorkflowID] = e.run
		}
	}
}

// checkSignals looks for every signal whose sender was told that it is durably queued.
func (s *simulation) checkSignals(consumed map[string]bool) {
	letters := map[string]bool{}
	for _, d := range s.deadLetters() {
		if m, err := history.DecodeMessage(d.Data); err == nil && m.Signal != nil {
			letters[d.Run.WorkflowID+" "+m.Identity()] = true
		} else if err != nil || m.Update == nil {
			s.violation("dead letter of run %s: %s", d.Run, d.Reason)
		}
	}
	for _, sig := range s.signals {
		key := sig.workflowID + " " + sig.id
		if !consumed[key] && !letters[key] {
			s.violation("signal %s was acknowledged and is nowhere", key)
		}
	}
}

// dump logs all calls, all histories and the notes of trouble.
func (s *simulation) dump() {
	for _, c := range s.trace {
		if c.op != "KeepAlive" {
			s.Logf("call %s %s %s %s %v", c.at.Format("05.000000"), c.process, c.op, c.run, c.err)
		}
	}
	for _, start := range s.starts() {
		s.Logf("%v start %s seq=%d at %s expected=%d", start.Type, start.Run, start.Seq, start.Time.Format("05.000"), start.Expected)
		for _, d := range s.deadLetters() {
			if d.Run == start.Run.Run {
				s.Logf("  dead letter: %s", d.Reason)
			}
		}
		if t := s.trouble(start.Run); t != (history.Trouble{}) {
			s.Logf("  trouble: %+v", t)
		}
		loaded, err := s.model.Load(context.Background(), start.Run.Run, 0)
		if err != nil {
			s.Fatal(err)
		}
		for i := range loaded.Records {
			t, err := streams.TransitionOf(s.ctx, s.model, &loaded.Records[i])
			if err != nil {
				s.Fatal(err)
			}
			s.Logf("  %d at %s seq=%d cover=%s consumed=%v %v", t.Number, t.Time.Format("05.000"), loaded.Records[i].Seq, t.Cover, t.Consumed, t.Events)
		}
	}
}
