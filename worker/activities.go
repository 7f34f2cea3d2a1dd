package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/alone"
	"github.com/millrace-dev/millrace/internal/goroutines"
	"github.com/millrace-dev/millrace/internal/payloads"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/workflow"
)

// activities runs the activities of one task queue.
type activities struct {
	broker    broker
	namespace string
	queue     string
	identity  string
	find      func(activityType string) (*function, bool)

	dataConverter    converter.DataConverter
	failureConverter converter.FailureConverter
	// contextual says that a converter asks whose payloads it converts.
	contextual bool
	logger     log.Logger
	client     client.Client
	metrics    client.MetricsHandler
	// propagators take over what comes beside the arguments; intercept puts interceptors in front of a function, nil for
	// none.
	propagators []workflow.ContextPropagator
	// aware says that the data converter depends on contexts.
	aware     bool
	intercept func(ctx context.Context, next activity.InboundInterceptor) activity.InboundInterceptor

	// gate is passed by every function.
	gate *alone.Gate
	// relays says that the activities run elsewhere, borrows that the tasks are handed out by who relays them.
	relays, borrows bool

	options Options // with defaults
	ackWait time.Duration
	// maxPayload bounds a result or the details of a heartbeat, in bytes, maxFailure a failure without what is stored.
	maxPayload, maxFailure int
	// payloads stores large payloads, nil for none.
	payloads *payloads.Store

	// lanes are the parts of the queue to serve, nil for the plain one, and laned tells when they are others.
	lanes func() []streams.TaskLane
	laned chan struct{}
	// used are the lanes beside those, nil when nobody looks for them.
	used *usedLanes

	// freshFor is the age up to which a task is taken not to be canceled yet.
	freshFor time.Duration
	slots    *slots
	// limit is what WorkerActivitiesPerSecond asks for, nil for no bound.
	limit *rate.Limiter
	// shared is what TaskQueueActivitiesPerSecond asks for, nil for no bound.
	shared *queueRate
	pool   goroutines.Pool
	// rejects are the tasks that become dead letters.
	rejects *streams.Rejects
	// looks are the first looks at attempts.
	looks looks

	// stopping is closed when no more tasks are taken.
	stopping chan struct{}
	// busy counts the attempts, and what is done about them on other goroutines.
	busy sync.WaitGroup

	mu sync.Mutex // guards the rest
	// serving is set while eager attempts may begin, expired when activities have had their time to end.
	serving, expired bool
	executions       map[*execution]struct{}
	// warned holds the unknown activity types that were logged.
	warned map[string]bool
}

const (
	// freshTask is the age up to which a task's cancel flag is not looked at before its function runs: about what a task
	// takes through a queue that is kept up with. A canceled activity that has waited for longer must not begin.
	freshTask = 20 * time.Millisecond
	// keptGoroutines are kept for later attempts.
	keptGoroutines = 256
)

// The times that stopping may take beyond WorkerStopTimeout: for functions whose context has ended to return, and then
// for the broker to take their reports.
const (
	returnGrace = time.Second
	reportGrace = 5 * time.Second
)

// maxPayload bounds the arguments and the result of an activity or workflow, and the details of a heartbeat, where none
// are stored outside messages, unless the broker accepts less.
const maxPayload = 512 << 10

// newActivities are the activities of a queue, with the defaults of what options do not say.
func newActivities(b broker, queue string, o Options, logger log.Logger) *activities {
	return &activities{
		broker:     b,
		queue:      queue,
		logger:     logger,
		metrics:    client.MetricsNopHandler,
		identity:   o.Identity,
		options:    o,
		ackWait:    o.WorkerLossTimeout,
		maxPayload: maxPayload,
		maxFailure: maxPayload,
		freshFor:   freshTask,
		slots:      newSlots(o.MaxConcurrentActivityExecutionSize, o.MaxConcurrentEagerActivityExecutionSize),
		limit:      limiter(o.WorkerActivitiesPerSecond),
		pool:       goroutines.Pool{Keep: keptGoroutines},
		rejects:    streams.NewRejects(b.PutDeadLetter, streams.DefaultRejects, logger),
		stopping:   make(chan struct{}),
		gate:       &alone.Gate{},
		laned:      make(chan struct{}, 1),
		looks:      looks{after: min(firstLook, o.WorkerLossTimeout/keepAlivesPerAckWait)},
		executions: map[*execution]struct{}{},
		warned:     map[string]bool{},
	}
}

// run takes tasks until ctx ends, then drains: what runs may end in WorkerStopTimeout, and is handed back after that.
// It returns nil after such a stop, and an error when the task queue could not be consumed.
func (w *activities) run(ctx context.Context) error {
	src, err := w.consume(ctx)
	if ctx.Err() != nil && err != nil {
		return nil
	}
	if err != nil {
		return err
	}
	// Work outlives ctx: what has begun is reported before the worker ends.
	work, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	w.serveEager(true)
	if w.used != nil {
		var watching sync.WaitGroup
		watching.Go(func() { w.watchLanes(ctx) })
		defer watching.Wait()
	}
	src, err = w.pollLanes(ctx, work, src)
	w.slots.end()
	if ctx.Err() != nil {
		err = nil
	}
	w.serveEager(false)
	close(w.stopping)
	for _, d := range drained(src) {
		a := w.newAttempt(d, time.Now())
		w.pool.Run(func() { a.handleLate(work) })
	}
	w.drain(cut)
	w.pool.Close()
	return err
}

// poll takes tasks as long as there are free slots, each on a goroutine of its own.
func (w *activities) poll(ctx, work context.Context, src source) error {
	for {
		free := w.slots.waitFree(ctx.Done())
		if free == 0 {
			return ctx.Err()
		}
		if w.limit != nil {
			if err := w.limit.Wait(ctx); err != nil {
				return err
			}
			free = 1
		}
		if w.shared != nil {
			if err := w.shared.wait(ctx); err != nil {
				return err
			}
			free = 1
		}
		deliveries, err := src.Pull(ctx, free)
		arrived := time.Now()
		for _, d := range deliveries {
			w.used.delivered(d)
			a := w.newAttempt(d, arrived)
			if w.slots.take() {
				w.pool.Run(func() { a.handle(work) })
			} else {
				w.pool.Run(func() { a.handleSurplus(work) })
			}
		}
		if err != nil {
			return fmt.Errorf("pull tasks of queue %q: %w", w.queue, err)
		}
	}
}

// limiter bounds how many activities begin per second, nil for no bound.
func limiter(perSecond float64) *rate.Limiter {
	if perSecond == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), 1)
}

// begun notes that a function runs.
func (w *activities) begun(x *execution) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.executions[x] = struct{}{}
	if w.expired {
		w.busy.Go(x.expire)
	}
}

// ended notes that a function has returned.
func (w *activities) ended(x *execution) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.executions, x)
}

// expire ends the functions that still run, and those that begin later.
func (w *activities) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expired = true
	for x := range w.executions {
		w.busy.Go(x.expire)
	}
}

// drain waits for what has begun. When the time is over it lets the attempts end their functions, and when that takes
// too long, too, it cuts off what they still want to tell the broker.
func (w *activities) drain(cut context.CancelCauseFunc) {
	patience := max(w.options.WorkerStopTimeout, 0)
	expire := time.AfterFunc(patience, w.expire)
	cutOff := time.AfterFunc(patience+returnGrace+reportGrace, func() { cut(errStopped) })
	w.busy.Wait()
	w.rejects.Close()
	expire.Stop()
	cutOff.Stop()
}

var errStopped = errors.New("worker stopped")

// firstWarning says whether nothing was logged yet about an unknown activity type.
func (w *activities) firstWarning(activityType string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := !w.warned[activityType]
	if len(w.warned) < maxWarned {
		w.warned[activityType] = true
	}
	return first
}

// maxWarned bounds the memory for names that come from outside.
const maxWarned = 1000
