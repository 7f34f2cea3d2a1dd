package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/streams"
)

// consume opens the lanes of the queue that are to be served now.
func (w *activities) consume(ctx context.Context) (source, error) {
	o := streams.ConsumeOptions{AckWait: w.ackWait, Lanes: []streams.TaskLane{{}}}
	if w.lanes != nil {
		o.Lanes = w.lanes()
	}
	if w.used != nil {
		o.Lanes = w.used.lanes(o.Lanes)
	}
	src, err := w.broker.Consume(ctx, streams.LaneTasks, w.queue, "", o)
	if err != nil {
		return nil, fmt.Errorf("consume tasks of queue %q: %w", w.queue, err)
	}
	return src, nil
}

// pollLanes takes tasks from src, and from another source whenever other lanes are to be served. It returns the last one,
// which is the caller's to drain, nil for none.
func (w *activities) pollLanes(ctx, work context.Context, src source) (source, error) {
	for {
		polling, stop := context.WithCancel(ctx)
		switched := make(chan struct{})
		go func() {
			defer close(switched)
			select {
			case <-w.laned:
				stop()
			case <-polling.Done():
			}
		}()
		err := w.poll(polling, work, src)
		other := polling.Err() != nil && ctx.Err() == nil
		stop()
		<-switched
		if !other {
			return src, err
		}
		arrived := time.Now()
		for _, d := range src.Drain() {
			a := w.newAttempt(d, arrived)
			w.pool.Run(func() { a.handleSurplus(work) })
		}
		if src, err = w.consume(ctx); err != nil {
			return nil, err
		}
	}
}

// watchLanes looks for priorities and fairness keys of the queue's tasks until ctx ends.
func (w *activities) watchLanes(ctx context.Context) {
	w.used.watch(ctx, w.relane, func(err error) {
		w.logger.Warn("priorities and fairness keys of a task queue were not looked for", "taskQueue", w.queue, "error", err)
	})
}

// relane says that other lanes may be to be served. It does not block.
func (w *activities) relane() {
	select {
	case w.laned <- struct{}{}:
	default:
	}
}

func drained(src source) []*streams.Delivery {
	if src == nil {
		return nil
	}
	return src.Drain()
}
