package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/log"
)

// A relay serves a task queue as a worker does, and has the activities run by workers elsewhere that the broker does not
// let at the streams. What a delivery means, retries and time-outs are decided here; those workers only run functions.

// RelayDesk knows the workers elsewhere. Package internal/gateway has one; programs have no use for it. A slot of its is a
// worker that waits for a task. Its methods are called concurrently.
type RelayDesk interface {
	SlotSupplier
	// Engage returns a worker that knows the activity type. It may wait a little for one.
	Engage(activityType string) (RemoteWorker, bool)
}

// RemoteWorker is a worker elsewhere that waits for a task, and then has one.
type RemoteWorker interface {
	// Identity is how the worker signs.
	Identity() string
	// Perform hands the task over. The channel has room for the outcome, of which there is one at most.
	Perform(t RemoteTask) <-chan RemoteOutcome
	// Cancel tells the worker that its activity is to be canceled.
	Cancel()
	// Release ends the engagement: without a task the worker waits on, and with one no outcome is taken any more.
	Release()
}

// RemoteTask is an attempt at an activity. Its values are not to be changed.
type RemoteTask struct {
	Task    *history.Task
	Attempt int32
	// Details are the last heartbeat's of the attempts before.
	Details *common.Payloads
	// Beat is called for each heartbeat.
	Beat func(details *common.Payloads)
}

// RemoteOutcome is how an attempt ended: by a result, unless one of the others is set.
type RemoteOutcome struct {
	Result  *common.Payloads
	Failure *failure.Failure
	// Pending, HandedBack and Lost: it will be completed from outside, was not made, was made by a worker of which nothing
	// more is heard.
	Pending, HandedBack, Lost bool
	// Details, unless nil, are a last heartbeat's.
	Details *common.Payloads
	// Reported is called when the outcome is durable or could not be made so.
	Reported func(error)
}

// RelayOptions configure a relay. Identity is that of the process.
type RelayOptions struct {
	Identity string
	Logger   log.Logger
}

// RunRelay relays the activities of a task queue of the client's namespace until ctx ends. Attempts that are under way then
// are left as activities that are completed from outside.
func RunRelay(ctx context.Context, c client.Client, queue string, desk RelayDesk, o RelayOptions) error {
	idle, err := NewFixedSizeSlotSupplier(1)
	if err != nil {
		return err
	}
	tuner, err := NewCompositeTuner(CompositeTunerOptions{WorkflowSlotSupplier: idle, LocalActivitySlotSupplier: idle, ActivitySlotSupplier: desk})
	if err != nil {
		return err
	}
	core, err := coreOf(c)
	if err != nil {
		return fmt.Errorf("relay task queue %q: %w", queue, err)
	}
	w := newWorker(c, core, queue, Options{Identity: o.Identity, Tuner: tuner})
	if w.refusal != nil {
		return fmt.Errorf("relay task queue %q: %w", queue, w.refusal)
	}
	a := w.newActivitiesOf(queue, log.With(o.Logger, "taskQueue", queue))
	a.relays = true
	a.find = func(activityType string) (*function, bool) {
		remote, ok := desk.Engage(activityType)
		return &function{name: activityType, remote: remote}, ok
	}
	return a.run(ctx)
}

// relayed is an attempt that is made elsewhere.
type relayed struct {
	*attempt
	worker   RemoteWorker
	outcomes <-chan RemoteOutcome
	deadline time.Time
	kind     enums.TimeoutType
}

// relay has the attempt made by a worker elsewhere, and reports what comes of it.
func (a *attempt) relay(ctx context.Context, w RemoteWorker) {
	defer a.pulse.end()
	defer w.Release()
	r := &relayed{attempt: a, worker: w}
	r.deadline, r.kind = deadlineOf(a.task, a.beat.Started)
	task := RemoteTask{Attempt: a.number, Details: a.beat.Details, Beat: a.pulse.record}
	whole := *a.task
	var err error
	if whole.Input, err = a.w.payloads.Whole(ctx, a.task.Input); err == nil {
		task.Details, err = a.w.payloads.Whole(ctx, a.beat.Details)
	}
	if err != nil {
		a.log().Error("arguments of the activity could not be read: its task is left to be delivered again", "error", err)
		return
	}
	task.Task = &whole
	r.outcomes = w.Perform(task)
	a.pulse.tellCause(func(cause error) {
		if errors.Is(cause, activity.ErrCanceled) { // of nothing else are workers elsewhere told
			w.Cancel()
		}
	})
	r.await(ctx)
}

// await waits for the outcome, or for a time-out to expire, or for the relay to stop.
func (r *relayed) await(ctx context.Context) {
	for {
		var alarm <-chan time.Time
		next := r.nextTimeOut(r.deadline)
		timer := time.NewTimer(time.Until(next))
		if !next.IsZero() {
			alarm = timer.C
		}
		select {
		case o := <-r.outcomes:
			timer.Stop()
			r.report(ctx, o)
			return
		case <-r.w.stopping:
			timer.Stop()
			r.give(ctx, func() { r.leavePending(ctx) })
			return
		case <-alarm:
		}
		if next = r.nextTimeOut(r.deadline); passed(next, time.Now()) {
			r.give(ctx, func() { r.expire(ctx, next) })
			return
		}
	}
}

// give ends the engagement and then the attempt, unless an outcome came first after all.
func (r *relayed) give(ctx context.Context, end func()) {
	r.worker.Release()
	select {
	case o := <-r.outcomes:
		r.report(ctx, o)
	default:
		end()
	}
}

func (r *relayed) expire(ctx context.Context, at time.Time) {
	kind := enums.TIMEOUT_TYPE_HEARTBEAT
	if at.Equal(r.deadline) {
		kind = r.kind
	}
	b, _ := r.pulse.seal()
	r.fail(ctx, timeoutFailure(kind, &b))
}

// report reports an outcome as if it were that of a function here.
func (r *relayed) report(ctx context.Context, o RemoteOutcome) {
	if o.Details != nil {
		r.pulse.record(o.Details)
	}
	told := &told{hold: r.hold}
	r.hold = told
	switch {
	case o.HandedBack:
		r.handBack(ctx, patienceAfter(r.delivery.Deliveries))
	case o.Pending:
		r.leavePending(ctx)
	case o.Lost:
		b, _ := r.pulse.seal()
		r.log().Warn("worker elsewhere was lost while it ran the activity", "attempt", r.number, "worker", r.worker.Identity())
		r.fail(ctx, lostFailure(r.task, &b))
	case o.Failure == nil:
		r.complete(ctx, o.Result)
	case passed(r.deadline, time.Now()):
		r.expire(ctx, r.deadline)
	case r.pulse.cancelRequested() && o.Failure.CanceledFailureInfo != nil:
		r.conclude(ctx, o.Failure, enums.RETRY_STATE_CANCEL_REQUESTED)
	default:
		r.fail(ctx, o.Failure)
	}
	if o.Reported != nil {
		o.Reported(told.err)
	}
}

// patienceAfter is how long a task rests that was handed back. A first hand-back costs nothing; those who only hand back
// get no more than a growing delay.
func patienceAfter(deliveries int) time.Duration {
	if deliveries <= 2 {
		return 0
	}
	return refusalDelay(deliveries - 2)
}

// told is a hold that remembers whether the outcome became durable.
type told struct {
	hold
	err error
}

func (t *told) finish(ctx context.Context, r *history.ActivityResult) error {
	t.err = t.hold.finish(ctx, r)
	return t.err
}
