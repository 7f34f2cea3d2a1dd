package coordinator

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

// alarms fires the deadlines of runs on time: the broker's wake-ups, which cover them, are late by up to a quarter of a
// second and more. There is at most one alarm for each run that this process has decided last, whether it is still live
// or has left the cache: the one that rings is loaded.
type alarms struct {
	// ring posts an alarm to its run and says whether it was taken.
	ring func(ctx context.Context, a *alarm) bool
	// changed wakes the loop when an earlier alarm was set.
	changed chan struct{}
	// slots bounds how many alarms are being served.
	slots chan struct{}
	// limit bounds how many alarms are set.
	limit int
	// mu guards queue and index.
	mu    sync.Mutex
	queue alarmQueue
	index map[history.Run]*alarm
}

// alarm is when a run has to look at the clock, and what was known of the run's wake-up when that was found out.
type alarm struct {
	run history.Run
	due time.Time
	// seq is the sequence of the run's last message at that time, epoch the broker's.
	seq, epoch uint64
	// armed is the entry's.
	armed time.Time
	pos   int
}

func newAlarms(limit, atOnce int, ring func(context.Context, *alarm) bool) *alarms {
	return &alarms{ring: ring, changed: make(chan struct{}, 1), slots: make(chan struct{}, atOnce), limit: limit,
		index: map[history.Run]*alarm{}}
}

// set replaces the run's alarm.
func (a *alarms) set(x *alarm) {
	if a.limit <= 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if old, ok := a.index[x.run]; ok {
		x.pos = old.pos
		a.queue[x.pos] = x
		a.queue.fix(x.pos)
	} else {
		a.queue.push(x)
	}
	a.index[x.run] = x
	if len(a.queue) > a.limit {
		a.sacrifice()
	}
	if a.queue[0] == x {
		select {
		case a.changed <- struct{}{}:
		default:
		}
	}
}

// sacrifice gives up an alarm that is due late: its run will be woken by the broker. The latest is a leaf of the heap;
// one of the latest is found by drawing a few.
func (a *alarms) sacrifice() {
	leaves := len(a.queue) / 2
	late := a.queue[len(a.queue)-1]
	for range 16 {
		if x := a.queue[leaves+rand.IntN(len(a.queue)-leaves)]; x.due.After(late.due) {
			late = x
		}
	}
	a.queue.remove(late.pos)
	delete(a.index, late.run)
}

func (a *alarms) cancel(run history.Run) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if x, ok := a.index[run]; ok {
		a.queue.remove(x.pos)
		delete(a.index, run)
	}
}

// get is the run's alarm, nil when none is set.
func (a *alarms) get(run history.Run) *alarm {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.index[run]
}

// run rings alarms as they come due, until ctx ends. An alarm that finds no free slot keeps those after it waiting.
func (a *alarms) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case a.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		x, next := a.take(time.Now())
		if x != nil && a.ring(ctx, x) {
			continue
		}
		<-a.slots
		if x != nil {
			continue
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

// take takes out an alarm that is due, or says how long to wait for the next.
func (a *alarms) take(now time.Time) (due *alarm, next time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) == 0 {
		return nil, time.Hour
	}
	first := a.queue[0]
	if wait := first.due.Sub(now); wait > 0 {
		return nil, wait
	}
	a.queue.remove(0)
	delete(a.index, first.run)
	return first, 0
}

// served frees the slots of the alarms among items.
func (a *alarms) served(items []*item) {
	for _, it := range items {
		if it.isAlarm() {
			<-a.slots
		}
	}
}

// ringAlarm posts an alarm to its run.
func (c *Coordinator) ringAlarm(work context.Context, a *alarm) bool {
	return c.post(work, &item{run: a.run, alarm: a})
}

// watchClock sets the run's alarm to its next deadline. Whether a wake-up is armed that covers what the alarm leads to
// is seen to when it rings.
func (c *Coordinator) watchClock(e *entry) {
	next := e.state().NextDeadline(e.state().Time)
	if e.state().Closed() || next.IsZero() {
		c.alarms.cancel(e.run())
		return
	}
	c.alarms.set(&alarm{run: e.run(), due: next, seq: e.lastSeq, epoch: e.epoch, armed: e.armed})
}

// recall gives a run that was loaded anew what was known of its wake-up when it left the cache, if nothing has happened
// to it since.
func (e *entry) recall(a *alarm) {
	if a != nil && a.seq == e.lastSeq && a.epoch == e.epoch {
		e.armed = a.armed
	}
}

// errOvertaken means that alarms are all that there is for a run that is not live here, and that others have gone on
// with it: then it is for them to watch its clock.
var errOvertaken = errors.New("others have gone on with the run")

// answered gives a run that was loaded for items what the alarms among them know. A run that was overtaken is destroyed.
func (c *Coordinator) answered(e *entry, items []*item) error {
	overtaken := true
	for _, it := range items {
		if it.isAlarm() {
			e.recall(it.alarm)
		}
		overtaken = overtaken && it.isAlarm() && it.alarm.seq < e.lastSeq
	}
	if overtaken {
		e.destroy()
		return errOvertaken
	}
	return nil
}
