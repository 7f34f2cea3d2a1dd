package worker

import (
	"context"
	"errors"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// returned is what an activity function returned.
type returned struct {
	result *common.Payloads
	err    error
}

// execution is one call of an activity function, and what may end it.
type execution struct {
	*attempt
	function *function
	// end ends the function's context and says why.
	end  context.CancelCauseFunc
	done chan returned

	deadline     time.Time
	deadlineKind enums.TimeoutType
}

// execute runs the function and reports what comes of it. It returns when the function has returned, or when a worker
// that stops gives it up.
func (a *attempt) execute(ctx context.Context, f *function) {
	x := &execution{attempt: a, function: f, done: make(chan returned, 1)}
	x.deadline, x.deadlineKind = deadlineOf(a.task, a.beat.Started)
	env := newEnvironment(x)
	base, end := context.WithCancelCause(a.w.options.BackgroundActivityContext)
	defer end(nil)
	x.end = end
	fctx := activity.NewContext(base, env)
	if !x.deadline.IsZero() {
		var release context.CancelFunc
		fctx, release = context.WithDeadlineCause(fctx, x.deadline, activity.ErrTimedOut)
		defer release()
	}
	// The function may ignore its context and never return; then nobody can wait for it, and its goroutine is left.
	// It touches nothing of ours but the buffered channel.
	go func() {
		r := returned{err: errExited}
		defer func() { x.done <- r }()
		r.result, r.err = f.call(fctx, a.task.Input, a.w.dataConverter)
	}()
	x.await(ctx)
}

// await waits for whatever ends the attempt first.
func (x *execution) await(ctx context.Context) {
	var deadline, heartbeat <-chan time.Time
	if !x.deadline.IsZero() {
		t := time.NewTimer(time.Until(x.deadline))
		defer t.Stop()
		deadline = t.C
	}
	every := x.task.Heartbeat.Duration()
	silence := time.NewTimer(max(every, time.Nanosecond))
	defer silence.Stop()
	if every > 0 {
		heartbeat = silence.C
	}
	canceled := x.pulse.canceled
	for {
		select {
		case r := <-x.done:
			x.returned(ctx, r)
			return
		case <-deadline:
			x.timeOut(ctx, x.deadlineKind)
			return
		case <-heartbeat:
			if left := time.Until(x.pulse.lastBeat().Add(every)); left > 0 {
				silence.Reset(left)
				continue
			}
			x.timeOut(ctx, enums.TIMEOUT_TYPE_HEARTBEAT)
			return
		case <-canceled:
			canceled = nil
			x.end(activity.ErrCanceled)
		case <-x.w.expired:
			x.expire(ctx)
			return
		}
	}
}

// returned reports what the function returned.
func (x *execution) returned(ctx context.Context, r returned) {
	var canceled *millrace.CanceledError
	switch {
	case r.err == nil:
		x.complete(ctx, r.result)
	case errors.Is(r.err, activity.ErrResultPending):
		x.leavePending(ctx)
	case passed(x.deadline, time.Now()):
		// The function noticed the end of its time before we did.
		x.fail(ctx, x.timedOut(x.deadlineKind))
	case x.pulse.cancelRequested() && errors.As(r.err, &canceled):
		f := x.w.failureConverter.ErrorToFailure(canceled)
		if f == nil || f.CanceledFailureInfo == nil {
			f = canceledFailure(nil)
		}
		x.conclude(ctx, f, enums.RETRY_STATE_CANCEL_REQUESTED)
	case x.pulse.cancelRequested() && errors.Is(r.err, context.Canceled):
		x.conclude(ctx, canceledFailure(nil), enums.RETRY_STATE_CANCEL_REQUESTED)
	default:
		x.fail(ctx, x.w.failureConverter.ErrorToFailure(r.err))
	}
}

// timedOut describes the expiry of a time-out, with the last heartbeat of this attempt.
func (x *execution) timedOut(kind enums.TimeoutType) *failure.Failure {
	b, _ := x.pulse.seal()
	return timeoutFailure(kind, &b)
}

// timeOut ends the attempt although its function still runs: what that returns is dropped, but its slot stays taken.
func (x *execution) timeOut(ctx context.Context, kind enums.TimeoutType) {
	x.end(activity.ErrTimedOut)
	x.fail(ctx, x.timedOut(kind))
	select {
	case <-x.done:
		return
	case <-x.w.expired:
		x.lastWord()
	}
}

// expire ends the function because the worker stops. A result that it still returns counts; an error is taken for the
// consequence of the stop, and the task goes to another worker.
func (x *execution) expire(ctx context.Context) {
	x.end(activity.ErrWorkerStopped)
	r, ok := x.lastWord()
	switch {
	case ok && (r.err == nil || errors.Is(r.err, activity.ErrResultPending) || atMostOnce(x.task)):
		// An activity that runs at most once has had its attempt, however that ended.
		x.returned(ctx, r)
	case ok || !atMostOnce(x.task):
		x.handBack(ctx, 0)
	}
}

// lastWord gives a function whose context has ended a last moment to return. One that does not is left behind.
func (x *execution) lastWord() (returned, bool) {
	timer := time.NewTimer(returnGrace)
	defer timer.Stop()
	select {
	case r := <-x.done:
		return r, true
	case <-timer.C:
		x.logger.Error("activity function ignores the end of its context and is left behind", "attempt", x.number)
		return returned{}, false
	}
}
