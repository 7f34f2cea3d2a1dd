package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// beOperator pauses, unpauses and resets activities until end.
func (s *simulation) beOperator(ctx context.Context, end time.Time) {
	p := s.newProcess("operator", -1)
	rng := rand.New(rand.NewPCG(s.seed, 400))
	for n := 0; time.Now().Before(end); n++ {
		time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
		last, err := p.LastStart(ctx, fmt.Sprint("w", rng.IntN(simulatedIDs)))
		if err == nil {
			s.askActivity(ctx, p, last.Run, &history.Message{ID: fmt.Sprint("operator-", n)}, rng)
		}
	}
}

// askActivity pauses, unpauses or resets an activity of a run that may have closed in between.
func (s *simulation) askActivity(ctx context.Context, p *process, run history.Address, m *history.Message, rng *rand.Rand) {
	state, err := s.readState(ctx, p, run.Run)
	if err != nil || state.Closed() || len(state.Activities) == 0 {
		return
	}
	ids := keys(state.Activities)
	id := ids[rng.IntN(len(ids))]
	m.Asked = &history.ActivityRequest{}
	paused := state.Activities[id].Control != nil && state.Activities[id].Control.Paused
	notBefore := time.Time{}
	if rng.IntN(4) == 0 {
		notBefore = time.Now().Add(time.Duration(rng.IntN(2000)) * time.Millisecond).UTC()
	}
	switch rng.IntN(4) {
	case 0:
		m.Asked.Reset = &history.ActivityTaskReset{Scheduled: id, KeepPaused: rng.IntN(2) == 0, NotBefore: notBefore}
	case 1, 2:
		if paused {
			m.Asked.Unpause = &history.ActivityTaskUnpaused{Scheduled: id, ResetAttempts: rng.IntN(2) == 0, NotBefore: notBefore}
			break
		}
		fallthrough
	default:
		m.Asked.Pause = &history.ActivityTaskPaused{Scheduled: id}
	}
	for tries := 0; tries < 20; tries++ {
		if err := p.Send(ctx, run, m); err == nil {
			return
		}
	}
}

// unpauseAll does what an operator does before the end.
func (s *simulation) unpauseAll() {
	for _, start := range s.starts() {
		if s.knownClosed(start.Run.Run) {
			continue
		}
		state, err := s.readState(s.ctx, s.newProcess("operator", -1), start.Run.Run)
		if err != nil {
			s.Fatal(err)
		}
		for id, a := range state.Activities {
			if state.Closed() || a.Control == nil || !a.Control.Paused {
				continue
			}
			s.asks++
			m := &history.Message{ID: fmt.Sprint("unpause-", s.asks), Asked: &history.ActivityRequest{Unpause: &history.ActivityTaskUnpaused{Scheduled: id}}}
			if err := s.model.Send(s.ctx, start.Run, m); err != nil {
				s.Fatal(err)
			}
		}
	}
}

// bars says whether the worker of a task sees that something was asked since it was queued.
func (s *simulation) bars(ctx context.Context, p *process, task *history.Task) (bool, error) {
	asked, err := p.Asked(ctx, task.Run.Run, task.Event)
	if err != nil || asked.Control == 0 {
		return false, err
	}
	state, err := s.readState(ctx, p, task.Run.Run)
	if err != nil {
		return false, err
	}
	a := state.Activities[task.Event]
	return a != nil && a.Control.Bars(task.Generation), nil
}

// simulatedWord is what an attempt says of itself, and the sequence of the last word that it knows.
type simulatedWord struct {
	history.Beat
	last uint64
}

// beginAsked begins an attempt as workers do: one that is not the first leaves word, and then looks what was asked. It
// returns nil when the attempt does not begin.
func (s *simulation) beginAsked(ctx context.Context, p *process, d *streams.Delivery, task *history.Task) *simulatedWord {
	next := task.FirstAttempt + int32(d.Deliveries) - 1
	word := &simulatedWord{Beat: history.Beat{Attempt: next, Generation: task.Generation, Identity: p.name, Started: time.Now()}}
	fresh := d.Deliveries == 1 && !task.Asked && task.FirstAttempt == 1 && time.Since(d.Published) < time.Second
	if fresh {
		return word
	}
	found, err := s.readWord(ctx, p, d, word)
	if err != nil {
		return nil
	}
	if found != nil && found.Generation > task.Generation {
		s.park(ctx, p, d, task, found.Attempt+1)
		return nil
	}
	if canceled, err := p.CancelRequested(ctx, d.Run.Run, d.Activity); err != nil {
		return nil
	} else if canceled {
		r := &history.ActivityResult{Scheduled: d.Activity, Attempt: next,
			Failure: &failure.Failure{Message: "canceled", CanceledFailureInfo: &failure.CanceledFailureInfo{}}}
		if err := p.Send(ctx, task.Run, &history.Message{ID: fmt.Sprint(d.Deliveries), Activity: r}); err == nil {
			_ = d.Ack(ctx)
		}
		return nil // it does not begin, but ends
	}
	if d.Deliveries > 1 || task.FirstAttempt > 1 || task.Generation > 0 {
		if task.ScheduleToStart > 0 && p.MarkStarted(ctx, d.Run.Run, d.Activity) != nil {
			return nil
		}
		if !s.leaveWord(ctx, p, d, word) {
			return nil
		}
	}
	barred, err := s.bars(ctx, p, task)
	if barred {
		s.park(ctx, p, d, task, next)
	}
	if err != nil || barred {
		return nil
	}
	return word
}

// giveBack ends an attempt that is to be made again.
func (s *simulation) giveBack(ctx context.Context, p *process, d *streams.Delivery, task *history.Task, word *simulatedWord, delay time.Duration) {
	s.mu.Lock()
	delete(s.attempts[streams.TaskRef{Run: task.Run.Run, Activity: task.Event}], d)
	s.mu.Unlock()
	word.Ended = time.Now()
	if !s.leaveWord(ctx, p, d, word) {
		return
	}
	if barred, err := s.bars(ctx, p, task); err != nil {
		return
	} else if barred {
		s.park(ctx, p, d, task, word.Attempt+1)
		return
	}
	_ = d.Nak(delay)
}

// leaveWord puts the attempt's word after the last one, unless that is a newer one.
func (s *simulation) leaveWord(ctx context.Context, p *process, d *streams.Delivery, word *simulatedWord) bool {
	data, err := history.Encode(&word.Beat)
	if err != nil {
		s.Error(err)
	}
	for range 5 {
		seq, err := p.PutBeat(ctx, d.Run.Run, d.Activity, data, word.last)
		if err == nil {
			word.last = seq
			return true
		}
		if !errors.Is(err, streams.ErrConflict) {
			return false
		}
		if found, err := s.readWord(ctx, p, d, word); err != nil || found != nil && found.Outdates(&word.Beat) {
			return false
		}
	}
	return false
}

// readWord reads the last word about the activity, nil for none.
func (s *simulation) readWord(ctx context.Context, p *process, d *streams.Delivery, word *simulatedWord) (*history.Beat, error) {
	data, seq, err := p.GetBeat(ctx, d.Run.Run, d.Activity)
	word.last = seq
	if errors.Is(err, streams.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return history.DecodeBeat(data)
}

func (s *simulation) park(ctx context.Context, p *process, d *streams.Delivery, task *history.Task, next int32) {
	m := history.NewParked(history.ActivityParked{Scheduled: task.Event, Generation: task.Generation, Attempt: next})
	if err := p.Send(ctx, task.Run, m); err == nil {
		_ = d.Ack(ctx)
	}
}

// generationKey is an activity's task of one generation.
type generationKey struct {
	run        history.Run
	activity   int64
	generation int64
}

func generationOf(task *history.Task) generationKey {
	return generationKey{task.Run.Run, task.Event, task.Generation}
}

// delivered notes that a task is delivered: whoever had it before has lost it, or the broker doubles its deliveries.
func (s *simulation) delivered(d *streams.Delivery, task *history.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := generationOf(task)
	if last := s.newest[key]; last == nil || isLater(d, last) {
		s.newest[key] = d
	}
	attempts := s.attempts[streams.TaskRef{Run: task.Run.Run, Activity: task.Event}]
	for other, a := range attempts {
		if a.generation == task.Generation && isLater(d, other) {
			delete(attempts, other)
		}
	}
}

// isLater compares deliveries of tasks of one generation, of which there are several where one is sent again.
func isLater(d, other *streams.Delivery) bool {
	return d.Seq > other.Seq || d.Seq == other.Seq && d.Deliveries > other.Deliveries
}

// simulatedAttempt is an attempt that a worker is making.
type simulatedAttempt struct {
	generation int64
	begun      time.Time
}

// attempting notes that an attempt is made until the function that it returns is called. Attempts of two generations never
// overlap, unless one has lost its task: it took too long, it was sent by somebody who did not know, or the broker has
// given it to somebody else.
func (s *simulation) attempting(p *process, d *streams.Delivery, task *history.Task) (end func()) {
	ref := streams.TaskRef{Run: task.Run.Run, Activity: task.Event}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempts[ref] == nil {
		s.attempts[ref] = map[*streams.Delivery]simulatedAttempt{}
	}
	if s.newest[generationOf(task)] != d {
		return func() {}
	}
	now := time.Now()
	for other, a := range s.attempts[ref] {
		if a.generation != task.Generation && now.Sub(other.Published) < 4*time.Second && now.Sub(a.begun) < 4*time.Second {
			s.violations = append(s.violations, fmt.Sprintf("%s %s makes attempts of generation %d of activity %d of run %s beside one of %d begun at %s",
				now.Format("05.000"), p.name, task.Generation, task.Event, task.Run, a.generation, a.begun.Format("05.000")))
		}
	}
	s.attempts[ref][d] = simulatedAttempt{task.Generation, now}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.attempts[ref], d)
	}
}
