package streams

import (
	"context"
	"fmt"

	"github.com/millrace-dev/millrace/internal/history"
)

// StoredRun is a run as it is stored: its start and its transitions so far, with their bodies.
type StoredRun struct {
	Start       *history.Start
	Transitions []*history.Transition
	// Loaded are the records that the transitions were decoded from.
	Loaded *Loaded
}

// Decode is the start that the message holds, of the run that its subject names.
func (s *StoredStart) Decode() (*history.Start, error) {
	start, err := history.DecodeStart(s.Data)
	if err != nil {
		return nil, fmt.Errorf("start of run %s: %w", s.Run.Run, err)
	}
	start.Run = s.Run
	return start, nil
}

// ReadRun reads the whole run that a start began.
func ReadRun(ctx context.Context, s Endings, found *StoredStart) (*StoredRun, error) {
	start, err := found.Decode()
	if err != nil {
		return nil, err
	}
	loaded, transitions, err := ReadTransitions(ctx, s, found.Run.Run, 0)
	if err != nil {
		return nil, err
	}
	return &StoredRun{Start: start, Transitions: transitions, Loaded: loaded}, nil
}

// ReadTransitions reads the records after transition number after, with what they decode to.
func ReadTransitions(ctx context.Context, s Endings, run history.Run, after uint64) (*Loaded, []*history.Transition, error) {
	loaded, err := s.Load(ctx, run, after)
	if err != nil {
		return nil, nil, fmt.Errorf("load run %s: %w", run, err)
	}
	transitions := make([]*history.Transition, len(loaded.Records))
	for i := range loaded.Records {
		if transitions[i], err = TransitionOf(ctx, s, &loaded.Records[i]); err != nil {
			return nil, nil, fmt.Errorf("load run %s: %w", run, err)
		}
	}
	return loaded, transitions, nil
}

// State folds the run without its code.
func (r *StoredRun) State() (*history.State, error) {
	s := history.NewState(r.Start)
	for _, t := range r.Transitions {
		if err := s.Apply(t); err != nil {
			return nil, err
		}
	}
	return s, nil
}
