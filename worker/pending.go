package worker

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
)

// An activity that will be completed from outside gives its slot up: its task waits in the queue, noted as pending, and
// is looked at when its time is over. Whoever completes the activity sends its result; that the task is then still there
// does not matter.

// maxPendingRest is how long the task of an activity without any time-out rests before somebody looks at it.
const maxPendingRest = time.Hour

// leavePending gives the task up until the attempt can have timed out.
func (a *attempt) leavePending(ctx context.Context) {
	b, _ := a.pulse.seal()
	b.Pending = true
	b.Expires, _ = deadlineOf(a.task, b.Started)
	a.surrender(ctx, &b, pendingRest(a.task, &b, time.Now()))
}

// resumePending looks at an attempt that is being completed from outside, and has no result yet.
func (a *attempt) resumePending(ctx context.Context) {
	b := *a.found
	// This delivery makes no attempt of its own.
	b.Free++
	a.number, a.beat = b.Attempt, &b
	a.pulse.begin(a.beat, true)
	now := time.Now()
	if rest := pendingRest(a.task, &b, now); rest > 0 {
		a.surrender(ctx, &b, rest)
		return
	}
	kind := enums.TIMEOUT_TYPE_HEARTBEAT
	if passed(b.Expires, now) {
		_, kind = deadlineOf(a.task, b.Started)
	}
	a.fail(ctx, timeoutFailure(kind, &b))
}

// pendingRest is how long a pending attempt may still take before one of its time-outs expires, 0 when one has.
func pendingRest(task *history.Task, b *history.Beat, now time.Time) time.Duration {
	rest := maxPendingRest
	if !b.Expires.IsZero() {
		rest = b.Expires.Sub(now)
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
