package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
)

// The delays with which messages are handed back, by reason.
const (
	// unavailableDelay is for a broker that did not answer.
	unavailableDelay = 500 * time.Millisecond
	// minUnknownTypeDelay is for a workflow type that another process may have; it grows as the others do.
	minUnknownTypeDelay = time.Second
	// The code of a run that panics, blocks or differs from its history is tried again until somebody deploys better
	// code: after minTroubleDelay at first, then twice as long each time up to maxTroubleDelay.
	minTroubleDelay = 500 * time.Millisecond
	maxTroubleDelay = 10 * time.Second
)

// unserved ends the items that err left behind.
func (c *Coordinator) unserved(ctx context.Context, e *entry, items []*item, err error) {
	run := items[0].run
	var delayed *delayedError
	var unverified *unverifiedError
	delay, reason, cause := unavailableDelay, "", CauseCode
	switch {
	case errors.Is(err, errQuarantined):
		c.quarantine(ctx, run, items)
		return
	case errors.As(err, &delayed):
		delay = delayed.left
	case errors.As(err, &unverified):
		if unverified.final || c.cfg.Now().Sub(e.found.Time) > grace && mostDeliveries(items) >= believed {
			c.rejectStart(ctx, items, unverified.reason)
			return
		}
		delay = growing(items, time.Second, maxTroubleDelay)
	case errors.Is(err, streams.ErrConflict), errors.Is(err, errStale):
		delay = conflictDelay()
	case errors.Is(err, errElsewhere):
		delay = growing(items, minElsewhereDelay, maxElsewhereDelay)
	case errors.Is(err, errUnknownType):
		delay = growing(items, minUnknownTypeDelay, maxTroubleDelay)
	case errors.Is(err, history.ErrNewerFormat):
		delay = growing(items, newerFormatDelay, maxTroubleDelay)
	case errors.Is(err, errNoCover):
	case errors.Is(err, errInterrupted):
		delay = 0
	case errors.Is(err, streams.ErrDamaged):
		delay, reason = growing(items, minQuarantineDelay, maxQuarantineDelay), err.Error()
		cause = CauseDamaged
		c.cfg.Logger.Error("history of run is damaged; the run is left alone", "run", run.String(), "error", err)
	case isTrouble(err):
		delay, reason = troubleDelay(items), err.Error()
		c.measureTrouble(e, err)
		c.cfg.Logger.Error("workflow code cannot go on; the run waits for code that can", "run", run.String(), "error", err)
	default:
		c.cfg.Logger.Warn("run handed back", "run", run.String(), "error", err)
	}
	if reason != "" {
		c.noteReason(ctx, run, reason, cause)
	}
	for _, it := range items {
		it.handBack(delay)
	}
}

// isTrouble says whether err is about the workflow code or the record itself, so that a person should know.
func isTrouble(err error) bool {
	var panicked *replay.PanicError
	var diverged *replay.NonDeterminismError
	var blocked *BlockedError
	var illegal *history.IllegalEventError
	var damaged *unreadableError
	return errors.As(err, &damaged) || errors.As(err, &panicked) || errors.As(err, &diverged) || errors.As(err, &blocked) || errors.As(err, &illegal) ||
		errors.Is(err, converter.ErrPayloadLost) || errors.Is(err, streams.ErrTooLarge)
}

// failDiverged lets the plan fail a run whose code differs from its history, where that is asked for.
func (c *Coordinator) failDiverged(e *entry, p *plan) bool {
	var diverged *replay.NonDeterminismError
	if !c.cfg.FailDiverged || !errors.As(e.codeErr, &diverged) {
		return false
	}
	p.draft.Fail(&failure.Failure{Message: diverged.Error(), Source: "millrace",
		ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: "NonDeterminismError", NonRetryable: true}})
	return true
}

// troubleDelay grows with the number of deliveries.
func troubleDelay(items []*item) time.Duration {
	return growing(items, minTroubleDelay, maxTroubleDelay)
}

func growing(items []*item, least, most time.Duration) time.Duration {
	delay := least
	for range mostDeliveries(items) - 1 {
		if delay *= 2; delay >= most {
			return most
		}
	}
	return delay
}

func mostDeliveries(items []*item) int {
	most := 0
	for _, it := range items {
		most = max(most, it.deliveries())
	}
	return most
}

// abandon ends a machine that cannot be used any more. One that is still running code cannot be ended.
func (c *Coordinator) abandon(e *entry, err error) {
	var blocked *BlockedError
	if errors.As(err, &blocked) {
		e.machine = nil
		e.codeErr = err
		return
	}
	e.destroy()
	e.codeErr = err
}

// noteReason records why the run cannot go on, when that concerns people.
func (c *Coordinator) noteReason(ctx context.Context, run history.Run, reason string, cause Cause) {
	t, err := c.trouble(ctx, run)
	if err != nil || t.Reason == reason {
		return
	}
	t.Reason, t.Since = reason, c.cfg.Now()
	c.note(ctx, run, t)
	c.cfg.Stuck(cause)
}

// trouble reads the run's note, an empty one when there is none. One from before the last transition does not count: the
// bucket keeps one value for each key, and a server that was killed after the last one was removed brings back the one
// before it.
func (c *Coordinator) trouble(ctx context.Context, run history.Run) (*history.Trouble, error) {
	none := &history.Trouble{}
	tail, err := c.broker.Tail(ctx, run)
	switch {
	case err == nil && !tail.Junk:
		none.Transition = tail.Number
	case err != nil && !errors.Is(err, streams.ErrNotFound):
		return nil, err
	}
	data, _, err := c.broker.GetBeat(ctx, run, 0)
	if errors.Is(err, streams.ErrNotFound) {
		return none, nil
	}
	if err != nil {
		return nil, err
	}
	if t, err := history.DecodeTrouble(data); err == nil && t.Transition == none.Transition {
		return t, nil
	}
	return none, nil
}

func (c *Coordinator) note(ctx context.Context, run history.Run, t *history.Trouble) {
	data, err := history.Encode(t)
	if err == nil {
		err = c.broker.PutNote(ctx, run, data)
	}
	if err != nil {
		c.cfg.Logger.Warn("trouble of run not noted", "run", run.String(), "error", err)
	}
}

// clearTrouble removes the note after a transition.
func (c *Coordinator) clearTrouble(ctx context.Context, e *entry) error {
	if !e.troubled {
		return nil
	}
	if err := c.broker.DeleteBeats(ctx, e.run(), 0); err != nil {
		return fmt.Errorf("clear trouble of run %s: %w", e.run(), err)
	}
	e.troubled = false
	return nil
}
