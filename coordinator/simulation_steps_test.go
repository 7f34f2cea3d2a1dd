package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// steps is what the looks at every step remember.
type steps struct {
	sync.Mutex // one look at a time
	// states are those of runs up to some record, so that a look reads only what is new.
	states map[history.Run]*history.State
	// begun are the runs whose start was acknowledged.
	begun map[history.Run]bool
}

// fold is the state of a run as the broker has it now, nil when there is no such run.
func (s *simulation) fold(run history.Run) *history.State {
	state := s.steps.states[run]
	if state == nil {
		found, err := s.model.FindStart(s.ctx, run)
		if errors.Is(err, streams.ErrNotFound) {
			return nil
		}
		if err != nil {
			s.violation("start of run %s: %v", run, err)
			return nil
		}
		start, err := history.DecodeStart(found.Data)
		if err != nil {
			s.violation("start of run %s: %v", run, err)
			return nil
		}
		state = history.NewState(start)
	}
	loaded, err := s.model.Load(s.ctx, run, state.Transitions)
	if err != nil {
		s.violation("history of run %s: %v", run, err)
		return nil
	}
	for i := range loaded.Records {
		t, err := s.transitionOf(s.ctx, s.model, &loaded.Records[i])
		if err == nil {
			err = state.Apply(t)
		}
		if err != nil {
			s.violation("history of run %s: %v", run, err)
			return nil
		}
	}
	s.steps.states[run] = state
	return state
}

// transitionOf is streams.TransitionOf, which decodes a record once: the looks at the steps, the workers and the operator
// read the same ones again and again. The check at the end decodes what is stored.
func (s *simulation) transitionOf(ctx context.Context, bodies streams.Bodies, r *streams.Record) (*history.Transition, error) {
	s.mu.Lock()
	known := s.decoded[r.Seq]
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	t, err := streams.TransitionOf(ctx, bodies, r)
	if err == nil && t.Body == nil {
		s.mu.Lock()
		s.decoded[r.Seq] = t
		s.mu.Unlock()
	}
	return t, err
}

// knownClosed says whether the looks at the steps have seen that the run is closed.
func (s *simulation) knownClosed(run history.Run) bool {
	s.steps.Lock()
	defer s.steps.Unlock()
	state := s.steps.states[run]
	return state != nil && state.Closed()
}

// acknowledging looks, the moment before an acknowledgement reaches the broker, whether the run can do without that
// message: its own content is settled, and everything that the run still waits for is on its way or covered by what
// remains. Whether the acknowledgement arrives makes no difference, because its sender will not know.
func (s *simulation) acknowledging(process string, d *streams.Delivery) {
	s.steps.Lock()
	defer s.steps.Unlock()
	s.faultless(func() {
		run, identity := d.Run.Run, history.StartIdentity
		state := s.fold(run)
		var message *history.Message
		if d.Lane == streams.LaneInbox {
			m, err := history.DecodeMessage(d.Data)
			if err != nil {
				s.violation("message of run %s: %v", run, err)
				return
			}
			message, identity = m, m.Identity()
		} else {
			s.steps.begun[run] = true
		}
		what := fmt.Sprintf("%s acknowledges %s of run %s", process, identity, run)
		switch {
		case state == nil:
			// A request to end is done where there is nothing: a parent may close before its child has started.
			ends := message != nil && (message.Cancel != nil || message.Terminate != nil)
			if !ends && !s.isDeadLetter(run, message) {
				s.violation("%s, which is nowhere", what)
			}
			return
		case message == nil && state.Transitions == 0:
			s.violation("%s, which has not begun", what)
			return
		case message != nil:
			s.checkSettled(what, state, message)
		}
		if !state.Closed() {
			s.checkCovered(what, d.Run, state, d)
		}
	})
}

// checkSettled says whether nothing would come of the message any more.
func (s *simulation) checkSettled(what string, state *history.State, m *history.Message) {
	if m.WakeUp != nil || m.Update != nil {
		return // what a wake-up is for, checkCovered sees; updates are held against their answers at the end
	}
	switch v := state.Draft(time.Now()).Add(m); v {
	case history.Settled:
	case history.Leftover:
		if m.Signal != nil && !s.passedOn(state, m) {
			s.violation("%s: the run is closed, and the signal is nowhere else", what)
		}
	default:
		s.violation("%s, which is not consumed (verdict %d)", what, v)
	}
}

// passedOn says whether a later run of the chain has the message, or has consumed it, or whether it has become a dead
// letter on the way.
func (s *simulation) passedOn(state *history.State, m *history.Message) bool {
	for state != nil {
		if s.isDeadLetter(state.Start.Run.Run, m) {
			return true
		}
		next := state.SuccessorStart()
		if next == nil {
			return false
		}
		if state = s.fold(next.Run.Run); state != nil && state.Seen(m.Identity()) {
			return true
		}
		if slices.ContainsFunc(s.waiting(next.Run), func(w streams.Waiting) bool { return identityOf(w) == m.Identity() }) {
			return true
		}
	}
	return false
}

func identityOf(w streams.Waiting) string {
	m, err := history.DecodeMessage(w.Data)
	if err != nil {
		return ""
	}
	return m.Identity()
}

func (s *simulation) isDeadLetter(run history.Run, m *history.Message) bool {
	return slices.ContainsFunc(s.deadLetters(), func(l streams.DeadLetter) bool {
		if l.Run != run || m == nil {
			return l.Run == run
		}
		letter, err := history.DecodeMessage(l.Data)
		return err == nil && letter.Identity() == m.Identity()
	})
}

// checkCovered looks for everything that an open run waits for once the delivery d is gone: it is on its way, or a
// message that remains covers it.
func (s *simulation) checkCovered(what string, run history.Address, state *history.State, d *streams.Delivery) {
	waiting := s.waiting(run)
	if d.Lane == streams.LaneInbox {
		waiting = slices.DeleteFunc(waiting, func(w streams.Waiting) bool { return w.Seq == d.Seq })
	}
	armed, err := s.model.ArmedWakeUp(s.ctx, run.Run)
	if err != nil && !errors.Is(err, streams.ErrNotFound) {
		s.violation("%s: %v", what, err)
	}
	covered := func(cover string) bool {
		if cover == history.StartIdentity && !s.steps.begun[run.Run] {
			return true
		}
		if !armed.IsZero() && s.covers(history.NewWakeUp(armed), cover) {
			return true
		}
		return slices.ContainsFunc(waiting, func(w streams.Waiting) bool {
			m, err := history.DecodeMessage(w.Data)
			return err == nil && s.covers(m, cover)
		})
	}
	from := func(source history.Source) bool {
		return slices.ContainsFunc(waiting, func(w streams.Waiting) bool { return w.Source == source })
	}
	for id, a := range state.Activities {
		if c := a.Control; c != nil && c.Parked && c.Paused && !a.CancelRequested {
			continue // somebody has to unpause it
		}
		onItsWay := !a.Eager && s.queued(run, id) || from(history.ActivitySource(id))
		if !onItsWay && !covered(a.Cover) {
			s.violation("%s: activity %d (eager %t) has no task, no result and no cover %q", what, id, a.Eager, a.Cover)
		}
	}
	for id, c := range state.Children {
		if c.RunID == "" && !from(history.ChildSource(id)) && !covered(c.Cover) &&
			s.fold(history.Run{WorkflowID: c.Initiated.WorkflowID, RunID: c.Initiated.RunID}) == nil {
			s.violation("%s: child %d was not started and has no cover %q", what, id, c.Cover)
		}
	}
	for id, x := range state.Externals {
		if !from(history.ExternalSource(id)) && !covered(x.Cover) {
			s.violation("%s: request %d to another run has no answer and no cover %q", what, id, x.Cover)
		}
	}
	next := state.NextDeadline(time.Now())
	late := armed.IsZero() || armed.After(next.Add(time.Millisecond))
	if !next.IsZero() && late && !from(history.SourceWakeUp) && !covered(state.ArmCover) {
		s.violation("%s: nothing will wake the run at %s: armed in history %s, at the broker %s, cover %q",
			what, next.Format("05.000"), state.Armed.Format("05.000"), armed.Format("05.000"), state.ArmCover)
	}
	for id, a := range state.Activities {
		// A ScheduleToStart time-out that has passed is looked at by whatever wakes the run, and whoever is given the
		// cover of the wake-up that the history holds arms it.
		due := a.StartDeadline()
		if due.IsZero() || due.After(time.Now()) || !armed.IsZero() || from(history.SourceWakeUp) ||
			covered(a.Cover) || !state.Armed.IsZero() && covered(state.ArmCover) {
			continue
		}
		started, err := s.model.Started(s.ctx, run.Run, id)
		if err != nil || !started && !from(history.ActivitySource(id)) {
			s.violation("%s: nobody will see that activity %d was not started by %s: %v", what, id, due.Format("05.000"), err)
		}
	}
}
