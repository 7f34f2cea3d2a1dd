package worker

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/history"
)

var _ coordinator.EagerRunner = (*activities)(nil)

// serveEager says whether eager attempts may begin.
func (w *activities) serveEager(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serving = yes
}

// Reserve takes a slot for the first attempt of an activity that this process's coordinator has just scheduled.
func (w *activities) Reserve(task *history.Task) coordinator.EagerAttempt {
	if task.Queue != w.queue || atMostOnce(task) || task.ScheduleToStart > 0 {
		return nil
	}
	f, known := w.find(task.Type)
	if !known {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.serving || !w.slots.takeEager() {
		return nil
	}
	if w.limit != nil && !w.limit.Allow() {
		w.slots.giveEager()
		return nil
	}
	w.busy.Add(1) // while the worker serves nobody waits for busy yet
	return &eagerAttempt{attempt: attempt{w: w, task: task, identity: w.identity}, function: f}
}

// eagerAttempt is a first attempt that has a slot and no task in the queue. It holds its task by the coordinator's word:
// nobody else is given it while the attempt runs, and if somebody should be all the same, what the attempt reports is
// refused where it matters, by the history.
type eagerAttempt struct {
	attempt
	function *function
	outcome  coordinator.EagerOutcome
	// tellEarly takes the outcome of an attempt that ends before its function returns.
	tellEarly func(coordinator.EagerOutcome)
}

func (e *eagerAttempt) Release() {
	e.w.slots.giveEager()
	e.leave()
}

// Run makes the attempt. Time-outs and the worker's stop may end it before its function returns, which then keeps the
// slot.
func (e *eagerAttempt) Run(ctx context.Context, early func(coordinator.EagerOutcome)) (outcome coordinator.EagerOutcome, ended bool) {
	e.hold, e.tellEarly = (*eagerHold)(e), early
	now := time.Now()
	e.pulse.start(ctx, &e.attempt, now)
	e.number = 1
	e.begin(now)
	x := newExecution(ctx, &e.attempt)
	defer func() {
		if x.own && !ended { // the function ends this goroutine
			early(e.outcome)
		}
		e.Release()
	}()
	x.run(e.function)
	return e.outcome, x.own
}

// eagerHold makes an outcome for the coordinator of what an attempt reports.
type eagerHold eagerAttempt

// lasts is always so: who writes for a later attempt looks for a newer one, and the coordinator's record is conditional.
func (h *eagerHold) lasts() bool { return true }

// keepAlive has nothing to do: the coordinator keeps the message alive that covers the activity.
func (h *eagerHold) keepAlive(context.Context) {}

func (h *eagerHold) finish(_ context.Context, r *history.ActivityResult) error {
	h.outcome.Result = r
	return nil
}

func (h *eagerHold) drop(_ context.Context, keys bool) { h.outcome.Keys = keys }

// release sends the activity to its queue, for its next attempt, or for the one that did not count or is completed from
// outside.
func (h *eagerHold) release(b *history.Beat, delay time.Duration) {
	next := b.Attempt + 1
	if b.Pending {
		next = b.Attempt
	}
	// Never zero: it also tells the queue's first delivery that there is a record.
	h.outcome.Requeue = &coordinator.EagerRequeue{Attempt: next, NotBefore: time.Now().Add(delay)}
}

func (h *eagerHold) early() { h.tellEarly(h.outcome) }
