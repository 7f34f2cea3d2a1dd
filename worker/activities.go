package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
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
	logger           log.Logger

	options Options // with defaults
	ackWait time.Duration
	// maxPayload bounds a result or the details of a heartbeat, in bytes.
	maxPayload int

	// stopping is closed when no more tasks are taken, expired when activities have had their time to end.
	stopping chan struct{}
	expired  chan struct{}
	// busy counts the goroutines that handle deliveries.
	busy sync.WaitGroup

	mu sync.Mutex // guards warned
	// warned holds the unknown activity types that were logged.
	warned map[string]bool
}

// The times that stopping may take beyond WorkerStopTimeout: for functions whose context has ended to return, and then
// for the broker to take their reports.
const (
	returnGrace = time.Second
	reportGrace = 5 * time.Second
)

// maxPayload bounds the arguments and the result of an activity or workflow, and the details of a heartbeat, unless the
// broker accepts less.
const maxPayload = 512 << 10

// newActivities are the activities of a queue, with the defaults of what options do not say.
func newActivities(b broker, queue string, o Options) *activities {
	return &activities{
		broker:     b,
		queue:      queue,
		identity:   o.Identity,
		options:    o,
		ackWait:    o.WorkerLossTimeout,
		maxPayload: maxPayload,
		stopping:   make(chan struct{}),
		expired:    make(chan struct{}),
		warned:     map[string]bool{},
	}
}

// run takes tasks until ctx ends, then drains: what runs may end in WorkerStopTimeout, and is handed back after that.
// It returns nil after such a stop, and an error when the task queue could not be consumed.
func (w *activities) run(ctx context.Context) error {
	src, err := w.broker.Consume(ctx, streams.LaneTasks, w.queue, "", streams.ConsumeOptions{AckWait: w.ackWait})
	if ctx.Err() != nil && err != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("consume tasks of queue %q: %w", w.queue, err)
	}
	// Work outlives ctx: what has begun is reported before the worker ends.
	work, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	err = w.poll(ctx, work, src)
	if ctx.Err() != nil {
		err = nil
	}
	close(w.stopping)
	for _, d := range src.Drain() {
		w.busy.Go(func() { w.returnUnbegun(work, d) })
	}
	w.drain(cut)
	return err
}

// poll takes tasks as long as there are free slots, each in a goroutine of its own.
func (w *activities) poll(ctx, work context.Context, src source) error {
	slots := make(chan struct{}, w.options.MaxConcurrentActivityExecutionSize)
	limit := w.limiter()
	for {
		free, err := takeSlots(ctx, slots, limit != nil)
		if err != nil {
			return err
		}
		if limit != nil {
			if err := limit.Wait(ctx); err != nil {
				return err
			}
		}
		deliveries, err := src.Pull(ctx, free)
		arrived := time.Now()
		for range free - len(deliveries) {
			<-slots
		}
		for _, d := range deliveries {
			w.busy.Go(func() {
				defer func() { <-slots }()
				w.handle(work, d, arrived)
			})
		}
		if err != nil {
			return fmt.Errorf("pull tasks of queue %q: %w", w.queue, err)
		}
	}
}

// limiter is what WorkerActivitiesPerSecond asks for, nil for no bound.
func (w *activities) limiter() *rate.Limiter {
	perSecond := w.options.WorkerActivitiesPerSecond
	if perSecond == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), 1)
}

// takeSlots takes all free slots, waiting for at least one; only one when they are handed out one by one.
func takeSlots(ctx context.Context, slots chan struct{}, single bool) (int, error) {
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	for n := 1; ; n++ {
		if single {
			return n, nil
		}
		select {
		case slots <- struct{}{}:
		default:
			return n, nil
		}
	}
}

// drain waits for what has begun. When the time is over it lets the attempts end their functions, and when that takes
// too long, too, it cuts off what they still want to tell the broker.
func (w *activities) drain(cut context.CancelCauseFunc) {
	patience := max(w.options.WorkerStopTimeout, 0)
	expire := time.AfterFunc(patience, func() { close(w.expired) })
	cutOff := time.AfterFunc(patience+returnGrace+reportGrace, func() { cut(errStopped) })
	w.busy.Wait()
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
