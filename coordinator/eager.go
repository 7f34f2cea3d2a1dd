package coordinator

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

// EagerRunner runs first attempts of activities in the process that has just scheduled them, without a task message.
// A worker that serves the activities of the same queue implements it. All methods are safe for concurrent use.
type EagerRunner interface {
	// Reserve takes a slot for the task's first attempt and returns it, or nil when this process cannot run it now: it
	// does not serve the task's queue, does not know the activity, has no slot free, is rate limited or is stopping.
	// It never blocks. Either Run or Release must be called, once.
	Reserve(task *history.Task) EagerAttempt
}

// EagerAttempt is a reserved slot for one first attempt.
type EagerAttempt interface {
	// Run calls the activity's function in this goroutine, gives the slot back and says how the attempt ended. An attempt
	// may end before its function returns, by a time-out or because the worker stops: then early is called, in another
	// goroutine, and ended is false whenever Run should return. A function that ends the goroutine ends its attempt early,
	// too. Ctx is for what the attempt asks of the broker.
	Run(ctx context.Context, early func(EagerOutcome)) (outcome EagerOutcome, ended bool)
	// Release gives the slot back without a call.
	Release()
}

// EagerOutcome says how an eager attempt ended. At most one of Result and Requeue is set; with neither the attempt is
// lost, and counts.
type EagerOutcome struct {
	// Result ends the activity: success, or a failure that is not retried.
	Result *history.ActivityResult
	// Requeue sends the activity to its task queue.
	Requeue *EagerRequeue
	// Keys says that HEARTBEATS holds keys of the activity, a cancel request among them perhaps. They are to be deleted
	// AFTER Result is in the history, not before: who makes the attempt again, had this process died, needs them.
	Keys bool
}

// EagerRequeue is how an activity goes to its task queue after an eager attempt. What the next worker needs to know
// about the attempt (failure, heartbeat details, pending completion) stands in HEARTBEATS before it is returned.
type EagerRequeue struct {
	// Attempt is the number of the attempt that the queue's first delivery makes: 2 after a failure, 1 when the
	// activity is to be completed from outside or the attempt was handed back and does not count.
	Attempt int32
	// NotBefore is when that attempt may begin, zero for at once.
	NotBefore time.Time
}

// maxEager bounds the StartToClose time-out of an activity whose first attempt is made eagerly: so long the message that
// covers it stays unacknowledged, and so late, plus AckWait, a lost attempt is noticed.
const maxEager = 10 * time.Second

// eagerCall is an activity that this process runs itself. The message that covers it is held until the activity has an
// outcome or a task in the history.
//
// Whoever else is given that message, because this process froze or the broker lost what it was doing, must not
// acknowledge it while the activity is without an outcome: he queues the activity by a record, and what this process
// appends later is refused. So records that go on from an eager outcome have a cover that everybody respects, although
// they do not consume it, and nobody needs to know for certain that he still holds it.
type eagerCall struct {
	held     *item
	activity int64
	attempt  EagerAttempt
	outcome  EagerOutcome
	// item is what the outcome is given to the run as, message what is in it.
	item    item
	message history.Message
}

type eagerKey struct {
	run      history.Run
	activity int64
}

// reserve finds the activities among a transition's new events whose first attempt this process makes, and marks them. It
// needs a message that is held and that nobody else interprets: wake-ups are covers of each other. Nor may it be one whose
// eager activities this transition takes over: who began these learns from the history that they are not his any more, and
// then acknowledges the message. So all that is ever eager under one message is of one process.
func (c *Coordinator) reserve(e *entry, p *plan, events []history.Event, held *item) []*eagerCall {
	if c.cfg.Eager == nil || held == nil || held == p.covering || held.isWakeUp() || isClosing(events) {
		return nil
	}
	var calls []*eagerCall
	at := p.draft.Time()
	for i := range events {
		at = events[i].DecidedAt(at)
		a, ok := events[i].Attributes.(*history.ActivityTaskScheduled)
		if !ok || !mayBeEager(a) {
			continue
		}
		if c.cfg.MaxEager > 0 && len(calls) >= c.cfg.MaxEager {
			break
		}
		pending := &history.PendingActivity{Event: events[i].ID, Scheduled: a, At: at, FirstAttempt: 1}
		attempt := c.cfg.Eager.Reserve(e.state().Task(pending))
		if attempt == nil {
			continue
		}
		a.Eager = true
		calls = append(calls, &eagerCall{held: held, activity: events[i].ID, attempt: attempt})
	}
	return calls
}

func mayBeEager(a *history.ActivityTaskScheduled) bool {
	once := a.RetryPolicy != nil && a.RetryPolicy.MaximumAttempts == 1
	return !a.NoEager && !once && a.ScheduleToStart == 0 && a.StartToClose > 0 && a.StartToClose.Duration() <= maxEager
}

// launch begins the attempts of a committed transition. The last of them is left to the goroutine that serves the run,
// when that has nothing else to do.
func (c *Coordinator) launch(ctx context.Context, e *entry, calls []*eagerCall) {
	for i, call := range calls {
		call.held.eager++
		c.running.add(eagerKey{e.run(), call.activity})
		if i == len(calls)-1 {
			e.left = call
		} else {
			c.spawn(ctx, e.run(), call)
		}
	}
}

// spawn makes an attempt in a goroutine of its own and gives the outcome to the run's mailbox, also when stopping: what
// has begun is finished.
func (c *Coordinator) spawn(ctx context.Context, run history.Run, call *eagerCall) {
	c.busy.Add(1)
	c.pool.Run(func() {
		if it := c.attempt(ctx, run, call); it != nil {
			c.postOutcome(ctx, it)
			c.busy.Done()
		}
	})
}

// attempt makes an attempt and returns its outcome; nil when that came early. Then nobody waits for the goroutine any
// more.
func (c *Coordinator) attempt(ctx context.Context, run history.Run, call *eagerCall) *item {
	outcome, ended := call.attempt.Run(ctx, func(early EagerOutcome) {
		c.postOutcome(ctx, c.outcome(run, call, early))
		c.busy.Done()
	})
	if !ended {
		return nil
	}
	return c.outcome(run, call, outcome)
}

func (c *Coordinator) postOutcome(ctx context.Context, it *item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.postLocked(ctx, it)
}

// outcome makes the item of an outcome, of which a call has one.
func (c *Coordinator) outcome(run history.Run, call *eagerCall, outcome EagerOutcome) *item {
	call.outcome = outcome
	call.item = item{run: run, call: call, running: &c.running}
	if r := call.outcome.Result; r != nil {
		call.message = history.Message{ID: strconv.Itoa(int(r.Attempt)), Activity: r}
		call.item.message = &call.message
	}
	return &call.item
}

// queued is the event that puts the activity of an eager call without a result into its queue. A lost attempt counts.
func (call *eagerCall) queued() history.ActivityTaskQueued {
	q := history.ActivityTaskQueued{Scheduled: call.activity, Attempt: 2}
	if r := call.outcome.Requeue; r != nil {
		q.Attempt, q.NotBefore = r.Attempt, r.NotBefore.Round(0).UTC()
	}
	return q
}

// planCall drafts what follows from an eager outcome. Where somebody has queued the activity since, nothing may be
// appended under the cover: whoever did so may have acknowledged it.
func (c *Coordinator) planCall(e *entry, p *plan, it *item) {
	a, pending := e.state().Activities[it.call.activity]
	switch {
	case pending && !a.Eager:
		p.outrun = append(p.outrun, it)
	case it.message == nil:
		p.place(it, p.draft.Queue(it.call.queued()))
	default:
		p.place(it, p.draft.Add(it.message))
	}
}

// report sends the result of an outrun activity to the run's inbox, as any worker does that has come too late. Its
// failures interest nobody.
func (c *Coordinator) report(ctx context.Context, e *entry, it *item) error {
	if it.message != nil && it.message.Activity.Failure == nil {
		if err := c.broker.Send(ctx, e.start.Run, it.message); err != nil {
			return fmt.Errorf("report activity %d of run %s: %w", it.call.activity, e.run(), err)
		}
	}
	it.ack(ctx)
	return nil
}

// sweep removes what a finished eager activity has left in HEARTBEATS, now that its outcome is durable.
func (c *Coordinator) sweep(ctx context.Context, e *entry, it *item) {
	if it.call == nil || it.message == nil || !it.call.outcome.Keys {
		return
	}
	if err := c.broker.DeleteBeats(ctx, e.run(), it.call.activity); err != nil {
		c.cfg.Logger.Debug("heartbeats of a finished activity stay until its run is removed", "run", e.run().String(), "error", err)
	}
}

// takeOver queues the activities that were begun eagerly under a message that is delivered again, unless they run in
// this process: then the message has to wait for them.
func (c *Coordinator) takeOver(e *entry, p *plan, it *item) (waits bool) {
	if it.delivery == nil || it.isWakeUp() {
		return false
	}
	for _, a := range e.state().Eager(it.identity()) {
		if c.running.has(eagerKey{e.run(), a.Event}) {
			waits = true
			continue
		}
		p.draft.Queue(history.ActivityTaskQueued{Scheduled: a.Event, Attempt: 2})
		p.covering = it
	}
	return waits
}

// runningCalls are the eager activities of this process, from the record that began them until their outcome is dealt
// with.
type runningCalls struct {
	mu    sync.Mutex // guards calls
	calls map[eagerKey]struct{}
}

func (r *runningCalls) add(k eagerKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls == nil {
		r.calls = map[eagerKey]struct{}{}
	}
	r.calls[k] = struct{}{}
}

func (r *runningCalls) remove(k eagerKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.calls, k)
}

func (r *runningCalls) has(k eagerKey) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.calls[k]
	return ok
}
