package coordinator_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// Judges says that updates named "judged" are.
func (s *scripted) Judges(name string) bool { return name == "judged" }

// Validate rejects every other update that is judged.
func (s *scripted) Validate(u *history.UpdateRequest) *failure.Failure {
	if u.Name == "judged" && (s.signals+s.updates)%2 == 1 {
		return &failure.Failure{Message: "odd"}
	}
	return nil
}

// Accepted completes an update, some of them after a while.
func (s *scripted) Accepted(event int64, u *history.UpdateRequest) {
	s.GoFirst("update "+u.ID, func() {
		s.updates++
		if wait := time.Duration(len(u.ID)%3) * time.Second; wait > 0 {
			sleep(s.Env, wait)
		}
		s.CompleteUpdate(event, u.ID, text(fmt.Sprint(u.ID, " ", event)), nil)
	})
}

// toldUpdate is an answer that a client got.
type toldUpdate struct {
	client string
	*history.UpdateAnswer
}

// hearUpdates notes the answers to a client's updates.
func (s *simulation) hearUpdates(client string) (stop func()) {
	stop, err := s.model.ListenClosed(client, func(_ string, data []byte) {
		answer, err := history.DecodeUpdateAnswer(data)
		if err != nil {
			s.violation("answer to %s: %v", client, err)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, toldUpdate{client, answer})
	}, func() {})
	if err != nil {
		s.Fatal(err)
	}
	return stop
}

// sendUpdate sends an update, sometimes twice.
func (s *simulation) sendUpdate(ctx context.Context, p *process, to history.Address, client, id string, rng *rand.Rand) {
	u := &history.UpdateRequest{ID: id, Name: []string{"judged", "plain"}[rng.IntN(2)], Exact: rng.IntN(4) == 0,
		Asker: &history.UpdateAsker{Waiter: client, Key: id, Acceptance: rng.IntN(2) == 0}}
	for range 1 + rng.IntN(2) {
		_ = p.Send(ctx, to, &history.Message{ID: history.UpdateMessageID(id), Update: u}) // one that failed may have been stored
	}
}

// checkUpdates holds every answer against the histories, and looks for updates that were accepted twice.
func (s *simulation) checkUpdates(starts []*streams.StoredStart, states map[string]*history.State) {
	accepted := map[string]history.Run{}
	for _, start := range starts {
		for id := range states[start.Run.RunID].Updates {
			if other, twice := accepted[id]; twice {
				s.violation("update %s was accepted by runs %s and %s", id, other, start.Run.Run)
			}
			accepted[id] = start.Run.Run
		}
	}
	for _, told := range s.told {
		state := states[told.Run.RunID]
		truth := state.UpdateAnswer(told.ID)
		switch told.Step {
		case history.UpdateAccepted:
			if truth == nil {
				s.violation("%s was told that update %s was accepted, run %s knows nothing of it", told.client, told.ID, told.Run)
			}
		case history.UpdateCompleted:
			if truth == nil || truth.Step != told.Step || (truth.Failure == nil) != (told.Failure == nil) || truth.Result.Size() != told.Result.Size() {
				s.violation("%s was told that update %s came to %+v, run %s says %+v", told.client, told.ID, told.UpdateAnswer, told.Run, truth)
			}
		case history.UpdateTooLate:
			if truth != nil || !state.Closed() {
				s.violation("%s was told that update %s came too late, run %s says %+v", told.client, told.ID, told.Run, truth)
			}
		}
	}
	s.Logf("%d updates accepted, %d answers", len(accepted), len(s.told))
}
