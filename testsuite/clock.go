package testsuite

import (
	"container/heap"
	"sync"
	"time"
)

// clock is the virtual time of an environment, and what is to happen when. Only the goroutine of the loop changes it.
type clock struct {
	mu  sync.Mutex // guards now, which everybody may read
	now time.Time

	made   uint64 // alarms so far
	alarms alarms

	// busy counts functions that run beside the loop. While there are any, time does not jump but follows the wall clock,
	// from now at wall.
	busy int
	wall time.Time
}

// alarm is a call at a point in time.
type alarm struct {
	at     time.Time
	number uint64
	call   func()
	off    bool
	// patient alarms do not make time jump: what they wait for may still come from outside.
	patient bool
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// set moves time, never back.
func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.now) {
		c.now = t
	}
	c.wall = time.Now()
}

// at has call called when the time has come. Alarms of the same time ring in the order in which they were set.
func (c *clock) at(t time.Time, call func()) *alarm {
	c.made++
	a := &alarm{at: t, number: c.made, call: call}
	heap.Push(&c.alarms, a)
	return a
}

func (c *clock) after(d time.Duration, call func()) *alarm { return c.at(c.time().Add(d), call) }

// cancel does nothing for nil.
func (a *alarm) cancel() {
	if a != nil {
		a.off = true
	}
}

// next is the first alarm that is on: with patient, also among those that are. Nil is for none.
func (c *clock) next(patient bool) *alarm {
	for len(c.alarms) > 0 && c.alarms[0].off {
		heap.Pop(&c.alarms)
	}
	if len(c.alarms) == 0 {
		return nil
	}
	if patient {
		return c.alarms[0]
	}
	for _, a := range c.alarms {
		if !a.off && !a.patient {
			return c.alarms[0] // what is before it rings before it
		}
	}
	return nil
}

// ring moves time to an alarm, and calls it.
func (c *clock) ring(a *alarm) {
	a.off = true
	c.set(a.at)
	a.call()
}

// begin and end frame what runs beside the loop.
func (c *clock) begin() {
	if c.busy == 0 {
		c.wall = time.Now()
	}
	c.busy++
}

func (c *clock) end() { c.busy-- }

// until is how long the wall clock has to go until an alarm rings that does not wait for a jump.
func (c *clock) until(a *alarm) time.Duration {
	return a.at.Sub(c.time()) - time.Since(c.wall)
}

// alarms is a heap, the earliest first.
type alarms []*alarm

// Len, Less, Swap, Push and Pop are for package heap.
func (s alarms) Len() int { return len(s) }

// Less orders by time, and by the order of setting.
func (s alarms) Less(i, j int) bool {
	if !s[i].at.Equal(s[j].at) {
		return s[i].at.Before(s[j].at)
	}
	return s[i].number < s[j].number
}

// Swap swaps two alarms.
func (s alarms) Swap(i, j int) { s[i], s[j] = s[j], s[i] }

// Push appends an alarm.
func (s *alarms) Push(x any) { *s = append(*s, x.(*alarm)) }

// Pop takes the last alarm.
func (s *alarms) Pop() any {
	old := *s
	last := old[len(old)-1]
	*s = old[:len(old)-1]
	return last
}
