package coordinator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-dev/millrace/internal/goroutines"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// Coordinator serves the runs of one task queue. Make one with New and let Run run it.
type Coordinator struct {
	cfg    Config
	broker Broker
	cache  *cache
	// archive keeps the records of runs that leave the cache.
	archive *archive
	// closed are the closed runs for which something may still come, without their code.
	closed *cache
	keeper *keeper
	alarms *alarms
	// redelivered is when a message came that had been delivered before, or else when the coordinator was made, in
	// nanoseconds of the Unix clock.
	redelivered atomic.Int64
	// strands are the goroutines of workflow code, pool those that serve runs.
	strands  strands
	pool     goroutines.Pool
	watchdog watchdog
	blocked  blockedRuns
	// running are the activities that this process runs itself.
	running runningCalls
	// interrupts are the runs whose local activities run.
	interrupts interrupts
	rejects    *streams.Rejects

	// mu guards boxes and stopping.
	mu       sync.Mutex
	boxes    map[history.Run]*mailbox
	stopping bool
	// busy counts the mailboxes that are served, and the activities that this process runs.
	busy sync.WaitGroup
}

// maxIdle bounds the goroutines that are kept for the next run or stretch of code, of each kind: some kilobytes each.
const maxIdle = 512

// New makes a coordinator; it does nothing until Run.
func New(broker Broker, cfg Config) (*Coordinator, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := &Coordinator{cfg: cfg, broker: broker, boxes: map[history.Run]*mailbox{}}
	c.redelivered.Store(cfg.Now().UnixNano())
	c.pool.Keep = maxIdle
	c.rejects = streams.NewRejects(broker.PutDeadLetter, rejectsPerRoom*cfg.MaxConcurrent, cfg.Logger)
	c.cache = newCache(cfg.CacheSize)
	c.watchdog = newWatchdog(cfg.DeadlockTimeout)
	c.keeper = newKeeper(cfg.AckWait)
	c.alarms = newAlarms(cfg.MaxAlarms, cfg.MaxConcurrent, c.ringAlarm)
	c.closed = newCache(cfg.CacheSize)
	c.archive = newArchive(cfg.ArchiveSize)
	return c, nil
}

// Run serves the queue until ctx ends, then drains: it pulls no more, hands back what has not begun, and waits for
// what has, at most Config.StopTimeout. It returns nil after such a stop, and an error when it could not begin or its
// consumers failed for good. A Coordinator runs once.
func (c *Coordinator) Run(ctx context.Context) error {
	starts, err := c.consume(ctx, streams.LaneStarts)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	inbox, err := c.consume(ctx, streams.LaneInbox)
	if err != nil {
		return errors.Join(unlessStopped(ctx, err), starts.Close())
	}
	// Work outlives ctx: what has begun is finished before it is cut off.
	work, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	stopQueries, err := c.broker.ServeQueries(c.cfg.Queue, c.cfg.Build, func(ctx context.Context, data []byte) []byte {
		return c.answer(ctx, work, data)
	})
	if err != nil {
		return errors.Join(fmt.Errorf("serve queries of queue %q: %w", c.cfg.Queue, err), starts.Close(), inbox.Close())
	}

	var loops sync.WaitGroup
	failed := make(chan error, 2)
	// A lane that fails for good ends the other: half a coordinator would look like a whole one.
	pulling, endPulling := context.WithCancel(ctx)
	defer endPulling()
	loops.Go(func() { failed <- c.runLane(pulling, work, starts) })
	loops.Go(func() { failed <- c.runLane(pulling, work, inbox) })
	loops.Go(func() { c.keeper.run(work) })
	loops.Go(func() { c.alarms.run(work) })
	watched, unwatch := context.WithCancel(context.WithoutCancel(ctx)) // to the very end: blocked code would keep it off
	defer unwatch()
	loops.Go(func() { c.watchdog.run(watched) })

	var failure error
	for range 2 {
		if err := <-failed; err != nil && failure == nil && ctx.Err() == nil {
			failure = err
		}
		endPulling()
	}
	stopQueries()
	// Before what has begun is waited for: what the broker has been asked for it would go on delivering to nobody.
	closed := make(chan error, 2)
	loops.Go(func() { closed <- starts.Close() })
	loops.Go(func() { closed <- inbox.Close() })
	c.drain(cut)
	cut(errStopped)
	unwatch()
	loops.Wait()
	c.cache.clear()
	c.strands.close()
	c.pool.Close()
	return errors.Join(failure, <-closed, <-closed)
}

// unlessStopped drops an error that comes of being told to stop.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

var errStopped = errors.New("coordinator stopped")

func (c *Coordinator) consume(ctx context.Context, lane streams.Lane) (streams.Consumer, error) {
	s, err := c.broker.Consume(ctx, lane, c.cfg.Queue, c.cfg.Build, streams.ConsumeOptions{AckWait: c.cfg.AckWait})
	if err != nil {
		return nil, fmt.Errorf("consume %v of queue %q: %w", lane, c.cfg.Queue, err)
	}
	return s, nil
}

// drain hands back what has not begun and waits for what has; cut ends the waiting work when the time is over.
func (c *Coordinator) drain(cut context.CancelCauseFunc) {
	c.mu.Lock()
	c.stopping = true
	var unbegun []*item
	for _, box := range c.boxes {
		var begun []*item
		for _, it := range box.waiting {
			if it.call != nil {
				begun = append(begun, it)
			} else {
				unbegun = append(unbegun, it)
			}
		}
		box.waiting = begun
	}
	c.mu.Unlock()
	for _, it := range unbegun {
		if it.query != nil {
			it.query.answer <- stoppingAnswer()
		}
		it.handBack(0)
	}
	timer := time.AfterFunc(c.cfg.StopTimeout, func() { cut(errStopped) })
	c.busy.Wait()
	c.rejects.Close()
	timer.Stop()
}
