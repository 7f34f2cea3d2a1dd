package coordinator

import (
	"context"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

// alarms fires the deadlines of live runs on time: the broker's wake-ups, which cover them, are late by up to a
// quarter of a second and more. It holds at most one alarm a run, and only for runs in the cache.
type alarms struct {
	ring func(ctx context.Context, a *alarm)
	// changed wakes the loop when an earlier alarm was set.
	changed chan struct{}
	// mu guards queue and index.
	mu    sync.Mutex
	queue alarmQueue
	index map[history.Run]*alarm
}

type alarm struct {
	run history.Run
	due time.Time
	pos int
}

func newAlarms(ring func(context.Context, *alarm)) *alarms {
	return &alarms{ring: ring, changed: make(chan struct{}, 1), index: map[history.Run]*alarm{}}
}

// set replaces the run's alarm.
func (a *alarms) set(run history.Run, due time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old, ok := a.index[run]; ok {
		old.due = due
		a.queue.fix(old.pos)
	} else {
		x := &alarm{run: run, due: due}
		a.index[run] = x
		a.queue.push(x)
	}
	if a.queue[0].run == run {
		select {
		case a.changed <- struct{}{}:
		default:
		}
	}
}

func (a *alarms) cancel(run history.Run) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if x, ok := a.index[run]; ok {
		a.queue.remove(x.pos)
		delete(a.index, run)
	}
}

// run rings alarms as they come due, until ctx ends.
func (a *alarms) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due, next := a.due(time.Now())
		for _, x := range due {
			a.ring(ctx, x)
		}
		timer.Reset(next)
		select {
		case <-ctx.Done():
			return
		case <-a.changed:
		case <-timer.C:
		}
	}
}

// due takes out the alarms that are due, and says how long to wait for the next.
func (a *alarms) due(now time.Time) (rung []*alarm, next time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.queue) > 0 {
		first := a.queue[0]
		if wait := first.due.Sub(now); wait > 0 {
			return rung, wait
		}
		a.queue.remove(0)
		delete(a.index, first.run)
		rung = append(rung, first)
	}
	return rung, time.Hour
}

// ring posts an alarm to a run that is live. One that has left the cache waits for its wake-up.
func (c *Coordinator) ring(work context.Context, a *alarm) {
	if c.cache.holds(a.run) {
		c.post(work, &item{run: a.run, alarm: a.due})
	}
}
