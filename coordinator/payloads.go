package coordinator

import (
	"context"
	"errors"
	"slices"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

// Payloads moves large payloads out of records and back: internal/payloads implements it. All methods are safe for
// concurrent use. An error that wraps converter.ErrPayloadLost is final, any other may pass.
type Payloads interface {
	// Put stores what is large among arguments or results of a run and returns the list with references in its place.
	Put(ctx context.Context, run history.Run, list *common.Payloads) (*common.Payloads, error)
	// PutEvents is Put for the events of a run, which are to refer to payloads of that run only. It does not change them,
	// and costs next to nothing where all is small.
	PutEvents(ctx context.Context, run history.Run, events []history.Event) ([]history.Event, error)
	// Fits says whether Put will find room for a list: else what cannot be stored is of more than limit bytes.
	Fits(list *common.Payloads) (size, limit int, ok bool)
	// Fetch fetches what a list refers to, so that code that decodes it does not wait.
	Fetch(ctx context.Context, list *common.Payloads) error
	// FetchEvents is Fetch for what code may read of a start, nil for none, and of events.
	FetchEvents(ctx context.Context, start *history.Start, events []history.Event) error
}

// outsource returns the events as the record holds them, with references in place of large payloads.
func (c *Coordinator) outsource(ctx context.Context, e *entry, events []history.Event) ([]history.Event, error) {
	if c.cfg.Payloads != nil {
		var err error
		if events, err = c.cfg.Payloads.PutEvents(ctx, e.run(), events); err != nil {
			return nil, err
		}
	}
	return c.cutFailure(events), nil
}

// cutFailure shortens the failure with which the run closes, if it would not fit the message that tells its parent.
func (c *Coordinator) cutFailure(events []history.Event) []history.Event {
	last := len(events) - 1
	if last < 0 {
		return events
	}
	failed, ok := events[last].Attributes.(*history.WorkflowExecutionFailed)
	if !ok || history.FailureSize(failed.Failure) <= c.cfg.MaxFailure {
		return events
	}
	short := *failed
	short.Failure = history.CutFailure(failed.Failure, c.cfg.MaxFailure)
	events = slices.Clone(events)
	events[last].Attributes = &short
	return events
}

// fetch fetches what the code is about to read: of the start before the first transition, and of events.
func (c *Coordinator) fetch(ctx context.Context, e *entry, events []history.Event) error {
	if c.cfg.Payloads == nil {
		return nil
	}
	var start *history.Start
	if e.state().Transitions == 0 && e.start.AnyPayload(converter.IsReference) {
		start = e.start
	}
	if start == nil && !anyPayload(events, converter.IsReference) {
		return nil
	}
	return fetchOutcome(c.cfg.Payloads.FetchEvents(ctx, start, events))
}

// fetchArgs fetches what the arguments of a query or an update refer to.
func (c *Coordinator) fetchArgs(ctx context.Context, args *common.Payloads) error {
	if c.cfg.Payloads == nil || !slices.ContainsFunc(args.GetPayloads(), converter.IsReference) {
		return nil
	}
	return fetchOutcome(c.cfg.Payloads.Fetch(ctx, args))
}

func fetchOutcome(err error) error {
	if err == nil || errors.Is(err, converter.ErrPayloadLost) {
		return err
	}
	return &fetchError{err}
}

func anyPayload(events []history.Event, test func(*common.Payload) bool) bool {
	for _, e := range events {
		if e.AnyPayload(test) {
			return true
		}
	}
	return false
}

// apply replays transitions. Those that refer to stored payloads are replayed one by one, so that no more is fetched than
// the next of them needs.
func (c *Coordinator) apply(ctx context.Context, e *entry, machine *replay.Machine, transitions []*history.Transition) error {
	for len(transitions) > 0 {
		n := c.withoutPayloads(e, transitions)
		if n == 0 {
			n = 1
			if err := c.fetch(ctx, e, transitions[0].Events); err != nil {
				return err
			}
		}
		err := c.execute(ctx, e, func(progress func()) error {
			for _, t := range transitions[:n] {
				if err := machine.Apply(t); err != nil {
					return err
				}
				progress()
			}
			return nil
		})
		if err != nil {
			return err
		}
		transitions = transitions[n:]
	}
	return nil
}

// withoutPayloads counts the transitions before the first that refers to stored payloads.
func (c *Coordinator) withoutPayloads(e *entry, transitions []*history.Transition) int {
	if c.cfg.Payloads == nil {
		return len(transitions)
	}
	if e.state().Transitions == 0 && e.start.AnyPayload(converter.IsReference) {
		return 0
	}
	for i, t := range transitions {
		if anyPayload(t.Events, converter.IsReference) {
			return i
		}
	}
	return len(transitions)
}

// isOutage says whether err is about reaching stored payloads rather than about code.
func isOutage(err error) bool {
	var unavailable *fetchError
	return errors.As(err, &unavailable)
}

// fetchError says that stored payloads could not be fetched for now.
type fetchError struct{ cause error }

func (e *fetchError) Error() string { return "fetch payloads: " + e.cause.Error() }
func (e *fetchError) Unwrap() error { return e.cause }
