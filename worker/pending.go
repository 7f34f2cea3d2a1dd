package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// An activity that will be completed from outside gives its slot up: its task waits in the queue, noted as pending, and
// is looked at from time to time. Whoever completes the activity sends its result; that the task is then still there
// does not matter. A failure that may be retried is left in HEARTBEATS instead: the worker that looks next applies the
// retry policy to it, as it does to a failure of its own.

// The task rests for a share of the attempt's age between two looks, so that a failure is found soon in relation to what
// the activity takes, and one that takes days costs a look a minute.
const (
	pendingLooksPerAge = 4
	minPendingRest     = time.Second
	maxPendingRest     = time.Minute
)

// leavePending gives the task up until somebody should look at it.
func (a *attempt) leavePending(ctx context.Context) {
	// Whoever completes the activity may have been faster than its function.
	reported, err := a.failReported(ctx)
	if err != nil {
		a.log().Debug("first look at a pending activity is left to the next delivery", "error", err)
	}
	if reported {
		return
	}
	b, _ := a.pulse.seal()
	b.Pending = true
	b.Expires, _ = deadlineOf(a.task, b.Started)
	a.surrender(ctx, &b, pendingRest(a.task, &b, time.Now()))
}

// resumePending looks at an attempt that is being completed from outside, and has no result yet. With an error the
// delivery is not answered.
func (a *attempt) resumePending(ctx context.Context) error {
	b := *a.found
	// This delivery makes no attempt of its own, and neither did the looks before it, which left no word.
	b.Free = freeDeliveries(a.task, a.delivery.Deliveries, b.Attempt)
	a.number, a.beat = b.Attempt, b
	a.pulse.begin(&a.beat, true)
	if reported, err := a.failReported(ctx); err != nil || reported {
		return err
	}
	now := time.Now()
	if rest := pendingRest(a.task, &b, now); rest > 0 {
		// Nothing is written: it would undo a heartbeat that comes from outside at this moment.
		if a.maySpeak(ctx) {
			a.release(nil, rest)
		}
		return nil
	}
	kind := enums.TIMEOUT_TYPE_HEARTBEAT
	if passed(b.Expires, now) {
		_, kind = deadlineOf(a.task, b.Started)
	}
	a.fail(ctx, timeoutFailure(kind, &b))
	return nil
}

// failReported ends the attempt, and answers the delivery, when somebody has reported that it failed.
func (a *attempt) failReported(ctx context.Context) (reported bool, err error) {
	f, err := a.reportedFailure(ctx)
	if err != nil || f == nil {
		return false, err
	}
	a.pulse.noteWritten()
	// A look has seen no cancel request before, and there is no retry after one.
	a.pulse.lookForRequests(ctx)
	a.fail(ctx, f)
	return true, nil
}

// reportedFailure is the failure of this attempt that was reported from outside, nil for none. One of another attempt
// came too late.
func (a *attempt) reportedFailure(ctx context.Context) (*failure.Failure, error) {
	data, err := a.w.broker.ReportedFailure(ctx, a.run(), a.task.Event)
	if errors.Is(err, streams.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reported failure of activity %d of run %s: %w", a.task.Event, a.run(), err)
	}
	m, err := history.DecodeMessage(data)
	if err != nil {
		a.log().Warn("reported failure of the activity is not readable and is ignored", "error", err)
		return nil, nil
	}
	if m.Activity == nil || m.Activity.Attempt != a.number {
		return nil, nil
	}
	return m.Activity.Failure, nil
}

// pendingRest is how long a pending attempt may rest until the next look, 0 when one of its time-outs has expired.
func pendingRest(task *history.Task, b *history.Beat, now time.Time) time.Duration {
	rest := min(max(now.Sub(b.Started)/pendingLooksPerAge, minPendingRest), maxPendingRest)
	if !b.Expires.IsZero() {
		rest = min(rest, b.Expires.Sub(now))
	}
	if task.Heartbeat > 0 {
		last := b.Started
		if b.Time.After(last) {
			last = b.Time
		}
		rest = min(rest, last.Add(task.Heartbeat.Duration()).Sub(now))
	}
	return max(rest, 0)
}
