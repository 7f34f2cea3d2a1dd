package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// Each function of this file ends the attempt, once: they return when the outcome is reported or the task given back, or
// log why it is not. Then the task is delivered again after AckWait, and whoever gets it finds out what happened.

// complete reports success, the one thing that a fenced worker may still say.
func (a *attempt) complete(ctx context.Context, result *common.Payloads) {
	if n := result.Size(); n > a.w.maxPayload {
		a.fail(ctx, a.tooLarge(n, a.w.maxPayload))
		return
	}
	stored, err := a.outsource(ctx, result)
	_, written := a.pulse.seal()
	if err == nil {
		err = a.send(ctx, &history.ActivityResult{Result: stored})
	}
	if errors.Is(err, streams.ErrTooLarge) {
		a.fail(ctx, a.tooLarge(result.Size(), a.w.maxPayload))
		return
	}
	if err != nil {
		a.log().Error("activity result could not be sent and is lost", "attempt", a.number, "error", err)
		return
	}
	a.acknowledge(ctx, written)
}

// outsource stores what is large in a result. That of an eager attempt goes to the code as it is: the coordinator stores
// it with its record.
func (a *attempt) outsource(ctx context.Context, result *common.Payloads) (*common.Payloads, error) {
	if a.delivery == nil {
		return result, nil
	}
	return a.w.payloads.Put(ctx, a.run(), result)
}

func (a *attempt) tooLarge(size, limit int) *failure.Failure {
	return a.failures().ErrorToFailure(millrace.NewNonRetryableApplicationError(
		fmt.Sprintf("result of activity %s has %d bytes, the limit is %d", a.task.Type, size, limit), "ResultTooLarge", nil))
}

// fail reports that the attempt failed: the retry policy decides whether there is another one.
func (a *attempt) fail(ctx context.Context, f *failure.Failure) {
	delay, state := afterFailure(a.task, a.number, time.Now(), a.pulse.cancelRequested(), f)
	if state == enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED && a.restarts(ctx) {
		delay, state = afterFailure(a.task, 1, time.Now(), false, f)
	}
	a.logFailure(f, state)
	if state != enums.RETRY_STATE_IN_PROGRESS {
		a.conclude(ctx, f, state)
		return
	}
	b, _ := a.pulse.seal()
	b.Failure, b.Ended, b.Pending = a.fitting(ctx, f), time.Now(), false
	withdrawSuspicion(&b)
	a.surrender(ctx, &b, delay)
}

// conclude reports a failure that ends the activity.
func (a *attempt) conclude(ctx context.Context, f *failure.Failure, state enums.RetryState) {
	_, written := a.pulse.seal()
	if !a.maySpeak(ctx) {
		return
	}
	err := a.send(ctx, &history.ActivityResult{Failure: a.fitting(ctx, f), Retry: state})
	if err != nil {
		a.log().Error("activity failure could not be sent and is lost", "attempt", a.number, "error", err)
		return
	}
	a.acknowledge(ctx, written)
}

// handBack gives the task to another worker without using an attempt.
func (a *attempt) handBack(ctx context.Context, delay time.Duration) {
	b, _ := a.pulse.seal()
	a.surrender(ctx, handedBack(b, a.lost, time.Now()), delay)
}

// surrender leaves word for the next delivery, BEFORE the task is released.
func (a *attempt) surrender(ctx context.Context, b *history.Beat, delay time.Duration) {
	if !a.lasts() {
		return
	}
	if a.delivery == nil {
		// The queue's first delivery comes at once, and is handed back without a word when that is too early.
		b.Free = 1
	}
	if err := a.putBeat(ctx, b); errors.Is(err, errOutdated) {
		a.sayLate()
		return
	} else if err != nil {
		a.log().Warn("activity task could not be handed back and is left to be delivered again", "error", err)
		return
	}
	if a.delivery != nil && !b.Pending {
		// AFTER the record was stored: who asks something later sees by it that no attempt is made.
		c, err := a.askedByNow(ctx)
		if err != nil {
			a.log().Warn("activity task could not be handed back and is left to be delivered again", "error", err)
			return
		}
		if c.Bars(a.task.Generation) {
			a.park(ctx, b.Attempt+1)
			return
		}
	}
	a.release(b, delay)
}

// lasts says whether the attempt still has its task by this worker's clocks.
func (a *attempt) lasts() bool {
	if !a.hold.lasts() {
		a.log().Warn("task was out of contact with the broker for too long: its failure is not reported", "attempt", a.number)
		return false
	}
	return true
}

// maySpeak says whether the delivery is still this worker's to end. A newer attempt proves that it is not, even where
// this worker's clocks say that it is.
func (a *attempt) maySpeak(ctx context.Context) bool {
	if !a.lasts() {
		return false
	}
	if a.pulse.isLate() { // it has said so itself, and ended the function: that is no failure of the activity
		a.sayLate()
		return false
	}
	newest, _, err := a.readWord(ctx)
	if err != nil {
		a.log().Warn("failure of the activity could not be reported", "attempt", a.number, "error", err)
		return false
	}
	if newest = inherited(a.task, newest); newest != nil && (newest.Generation > a.task.Generation || newest.Attempt > a.number) {
		a.sayLate("newest", newest.Attempt)
		return false
	}
	return a.hold.lasts()
}

func (a *attempt) sayLate(more ...any) {
	a.log().Info("failure of the activity is ignored: a newer attempt has begun", append([]any{"attempt", a.number}, more...)...)
}

// send reports the outcome.
func (a *attempt) send(ctx context.Context, r *history.ActivityResult) error {
	r.Scheduled, r.Attempt = a.task.Event, a.number
	r.Identity, r.Started = a.identity, a.beat.Started
	return a.hold.finish(ctx, r)
}

// acknowledge removes the task, AFTER its outcome is durable. written says whether a record was left in HEARTBEATS.
//
// The signs of life end first: one that arrives later would undo a hand-back, and prolong what is over.
func (a *attempt) acknowledge(ctx context.Context, written bool) {
	a.pulse.end()
	a.hold.drop(ctx, written || a.task.ScheduleToStart > 0 || a.pulse.cancelRequested())
}

// release gives the task back for after a delay. b is the record that was left for the next attempt, if one was.
func (a *attempt) release(b *history.Beat, delay time.Duration) {
	a.pulse.end()
	a.hold.release(b, delay)
}

// fitting is f with large details stored, or what fits of it: a failure must not be lost for being long.
func (a *attempt) fitting(ctx context.Context, f *failure.Failure) *failure.Failure {
	if stored, err := a.w.payloads.PutFailure(ctx, a.run(), f); err == nil {
		f = stored
	} else {
		a.log().Warn("details of a failure could not be stored", "error", err)
	}
	return history.CutFailure(f, a.w.maxFailure)
}

// logFailure tells how the attempt ended, quietly for what belongs to normal operation.
func (a *attempt) logFailure(f *failure.Failure, state enums.RetryState) {
	say := a.log().Warn
	if info := f.ApplicationFailureInfo; info != nil && info.Category == enums.APPLICATION_ERROR_CATEGORY_BENIGN {
		say = a.log().Debug
	}
	say("activity failed", "attempt", a.number, "error", f.Message, "retryState", state.String())
}
