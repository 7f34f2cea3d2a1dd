package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/retry"
)

// returned is what an activity function returned.
type returned struct {
	result *common.Payloads
	err    error
}

// execution is one call of an activity function, and what may end it. The function runs on the attempt's own goroutine;
// time-outs and the worker's stop come from elsewhere, since it may ignore its context and never return. Whoever ends the
// attempt claims it first, and then reports.
type execution struct {
	*attempt
	// ctx is for what the attempt tells the broker.
	ctx context.Context
	// own says that the function returned first.
	own bool

	// function is the function's context.
	function functionContext

	deadline     time.Time
	deadlineKind enums.TimeoutType

	mu       sync.Mutex  // guards the rest
	alarm    *time.Timer // for the time-outs, nil when there are none, or none before the first look
	claimed  bool
	returned bool
	stopping bool          // the worker has ended the function
	gone     chan struct{} // closed when the function has returned; made by who waits for that
}

// execute runs the function and sees to it that what comes of it is reported. It returns when the function has returned.
func (a *attempt) execute(ctx context.Context, f *function) { newExecution(ctx, a).run(f) }

// newExecution waits for the gate, which takes none of the attempt's time.
func newExecution(ctx context.Context, a *attempt) *execution {
	if a.w.gate.Enter(a.alone.Context(ctx)) {
		a.beat.Started = time.Now()
	}
	x := &execution{attempt: a, ctx: ctx}
	x.deadline, x.deadlineKind = deadlineOf(a.task, a.beat.Started)
	x.function.init(x, a.w.options.BackgroundActivityContext)
	return x
}

// end ends the function's context and says why, nil when it has returned.
func (x *execution) end(cause error) { x.function.finish(cause) }

func (x *execution) run(f *function) {
	defer x.end(nil)
	x.w.begun(x)
	defer x.w.ended(x)
	x.pulse.tellCause(x.end)
	x.watch()
	r := returned{err: errExited}
	defer func() { x.back(r) }() // also when the function ends its goroutine
	if x.w.intercept == nil && len(x.w.propagators) == 0 && !x.w.aware && !x.w.contextual {
		r.result, r.err = f.call(&x.function, x.task.Input, x.w.dataConverter)
	} else {
		r.result, r.err = x.callIntercepted(f)
	}
}

// reportEnds is where a report ends, whatever became of it.
func (x *execution) reportEnds() {
	x.pulse.end()
	if !x.own {
		x.hold.early()
	}
}

// watch sees to it that the next time-out is noticed. Most functions have returned long before, without having cost a
// timer.
func (x *execution) watch() {
	if next := x.nextTimeOut(x.deadline); !next.IsZero() && !x.pulse.watchLater(x, next) {
		x.setAlarm()
	}
}

// setAlarm sets the alarm for the next time-out.
func (x *execution) setAlarm() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.claimed {
		x.alarm = time.AfterFunc(time.Until(x.nextTimeOut(x.deadline)), x.checkTime)
	}
}

// nextTimeOut is when the next time-out expires unless there is a heartbeat before, zero for never.
func (a *attempt) nextTimeOut(deadline time.Time) time.Time {
	next := deadline
	if every := a.task.Heartbeat.Duration(); every > 0 {
		if silent := a.pulse.lastBeat().Add(every); next.IsZero() || silent.Before(next) {
			next = silent
		}
	}
	return next
}

// checkTime ends the attempt if one of its time-outs has expired, although its function still runs: what that returns is
// dropped, but its slot stays taken.
func (x *execution) checkTime() {
	x.mu.Lock()
	next := x.nextTimeOut(x.deadline)
	if x.claimed {
		x.mu.Unlock()
		return
	}
	if !passed(next, time.Now()) {
		x.alarm.Reset(time.Until(next))
		x.mu.Unlock()
		return
	}
	x.claimed = true
	x.w.busy.Add(1) // the function still counts, too
	x.mu.Unlock()
	defer x.w.busy.Done()
	defer x.reportEnds()
	kind := enums.TIMEOUT_TYPE_HEARTBEAT
	if next.Equal(x.deadline) {
		kind = x.deadlineKind
	}
	x.end(activity.ErrTimedOut)
	x.fail(x.ctx, x.timedOut(kind))
}

// back takes what the function has returned. It counts unless the attempt has ended before.
func (x *execution) back(r returned) {
	x.w.gate.Leave()
	x.measure(r)
	x.mu.Lock()
	mine, stopping := !x.claimed, x.stopping
	x.claimed, x.returned = true, true
	if x.gone != nil {
		close(x.gone)
	}
	if x.alarm != nil {
		x.alarm.Stop()
	}
	x.mu.Unlock()
	if !mine {
		return
	}
	x.own = true
	defer x.reportEnds()
	if stopping && r.err != nil && !errors.Is(r.err, activity.ErrResultPending) && !atMostOnce(x.task) {
		// An error is taken for the consequence of the stop. An activity that runs at most once has had its attempt,
		// however that ended.
		x.handBack(x.ctx, 0)
	} else {
		x.report(x.ctx, r)
	}
}

// report reports what the function returned.
func (x *execution) report(ctx context.Context, r returned) {
	switch {
	case r.err == nil:
		x.complete(ctx, r.result)
	case errors.Is(r.err, activity.ErrResultPending):
		x.leavePending(ctx)
	default:
		x.reportError(ctx, r.err)
	}
}

func (x *execution) reportError(ctx context.Context, err error) {
	var canceled *millrace.CanceledError
	switch {
	case passed(x.deadline, time.Now()):
		// The function noticed the end of its time before we did.
		x.fail(ctx, x.timedOut(x.deadlineKind))
	case x.pulse.cancelRequested() && errors.As(err, &canceled):
		f := x.failures().ErrorToFailure(canceled)
		if f == nil || f.CanceledFailureInfo == nil {
			f = canceledFailure(nil)
		}
		x.conclude(ctx, f, enums.RETRY_STATE_CANCEL_REQUESTED)
	case x.pulse.cancelRequested() && errors.Is(err, context.Canceled):
		x.conclude(ctx, canceledFailure(nil), enums.RETRY_STATE_CANCEL_REQUESTED)
	default:
		f := x.failures().ErrorToFailure(retry.Unasked(err))
		if x.interrupted(f) {
			x.handBack(ctx, 0)
			return
		}
		x.fail(ctx, f)
	}
}

// interrupted says whether a failure is taken for the consequence of a pause or a reset, of which the function was told. An
// activity that runs at most once has had its attempt, however that ended.
func (x *execution) interrupted(f *failure.Failure) bool {
	if !x.pulse.interrupted() || atMostOnce(x.task) {
		return false
	}
	_, state := afterFailure(x.task, 1, time.Now(), false, f)
	return f.CanceledFailureInfo != nil || state != enums.RETRY_STATE_NON_RETRYABLE_FAILURE
}

// timedOut describes the expiry of a time-out, with the last heartbeat of this attempt.
func (x *execution) timedOut(kind enums.TimeoutType) *failure.Failure {
	b, _ := x.pulse.seal()
	return timeoutFailure(kind, &b)
}

// expire ends the function because the worker stops, and gives it a last moment to return. One that does not is left
// behind.
func (x *execution) expire() {
	x.mu.Lock()
	x.stopping = true
	if x.returned {
		x.mu.Unlock()
		return
	}
	gone := make(chan struct{})
	x.gone = gone
	x.mu.Unlock()
	x.end(activity.ErrWorkerStopped)
	timer := time.NewTimer(returnGrace)
	defer timer.Stop()
	select {
	case <-gone:
		return
	case <-timer.C:
	}
	x.mu.Lock()
	returned, mine := x.returned, !x.claimed
	x.claimed = true
	x.mu.Unlock()
	if returned {
		return
	}
	defer x.leave()
	x.log().Error("activity function ignores the end of its context and is left behind", "attempt", x.number)
	if !mine {
		return
	}
	defer x.reportEnds()
	if !atMostOnce(x.task) {
		x.handBack(x.ctx, 0)
	}
}
