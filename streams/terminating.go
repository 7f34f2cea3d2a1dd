package streams

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/internal/history"
)

// Terminator is what TerminateRun needs of a namespace.
type Terminator interface {
	Endings
	Send(ctx context.Context, to history.Address, m *history.Message) error
	Append(ctx context.Context, run history.Run, data []byte, info RecordInfo, expected uint64) (uint64, error)
	Notifier
}

// TerminateRun orders a run to be terminated and closes it at once, so that it ends also when nobody serves its task
// queue. The order is a message in the inbox first: it covers the closing record, and whoever serves the queue, now or
// later, sends what the close asks for. If a coordinator appends in between, it finds the order itself.
func TerminateRun(ctx context.Context, s Terminator, found *StoredStart, m *history.Message) error {
	if err := s.Send(ctx, found.Run, m); err != nil {
		return fmt.Errorf("order to terminate run %s: %w", found.Run.Run, err)
	}
	err := appendTermination(ctx, s, found, m)
	if errors.Is(err, ErrConflict) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("terminate run %s, which was ordered: %w", found.Run.Run, err)
	}
	return nil
}

func appendTermination(ctx context.Context, s Terminator, found *StoredStart, m *history.Message) error {
	run, err := ReadRun(ctx, s, found)
	if err != nil {
		return err
	}
	state, err := run.State()
	if err != nil {
		return err
	}
	expected := run.Loaded.LastSeq
	t := &history.Transition{RunID: found.Run.RunID, CommitID: uuid.NewString(), Previous: expected, Cover: m.Identity()}
	if n := len(run.Loaded.Records); n > 0 {
		t.PreviousHash = history.HashRecord(run.Loaded.Records[n-1].Data)
	}
	draft := state.Draft(time.Now())
	if draft.Add(m) != history.Taken {
		return nil // closed already, or terminated by a coordinator that was quicker
	}
	t.Number, t.Time = state.Transitions+1, draft.Time()
	t.Consumed, t.Events = draft.Consumed(), draft.Events()
	if t.Number == 1 {
		t.Consumed = append([]string{history.StartIdentity}, t.Consumed...)
	}
	data, err := history.Encode(t)
	if err != nil {
		return err
	}
	last := t.Events[len(t.Events)-1]
	info := RecordInfo{Number: t.Number, CommitID: t.CommitID, Previous: t.Previous, Type: run.Start.Type,
		Status: last.ClosedStatus().String(), LastEvent: last.ID, Search: history.SearchText(state.Search)}
	if _, err = s.Append(ctx, found.Run.Run, data, info, expected); err != nil {
		return err
	}
	if waiter := run.Start.Waiter; waiter != "" {
		_ = s.NotifyClosed(found.Run.Run, waiter, data) // may be lost: who waits reads
	}
	return nil
}
