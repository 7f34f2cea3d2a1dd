package worker

import (
	"sync"
	"time"
)

// fence tells a worker whether it can still speak for a delivery. It breaks, for good, when the broker may have given
// the task to somebody else: when AckWait has passed since the last sign of life that the broker has confirmed.
//
// A frozen worker that thaws would otherwise end an attempt that is not its own: the broker takes an acknowledgement from
// anyone who was ever given the message.
type fence struct {
	window time.Duration

	mu     sync.Mutex // guards the rest
	since  time.Time
	broken bool
}

// newFence begins with a delivery that arrived at the given time.
func newFence(window time.Duration, at time.Time) *fence {
	return &fence{window: window, since: at}
}

// holds says whether the delivery is certainly still ours.
func (f *fence) holds() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.check(time.Now())
}

// confirm notes that the broker has confirmed a sign of life that was sent at the given time. A confirmation that comes
// too late mends nothing: the broker may have heard the sign only after it gave the task away, and confirms everybody's.
func (f *fence) confirm(sent time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.check(time.Now()) && sent.After(f.since) {
		f.since = sent
	}
}

// check breaks the fence if it must. The lock is held.
func (f *fence) check(now time.Time) bool {
	// Suspending a machine stops the monotonic clock and not the wall clock; setting the wall clock does the opposite.
	elapsed := max(now.Sub(f.since), now.Round(0).Sub(f.since.Round(0)))
	if elapsed > f.window {
		f.broken = true
	}
	return !f.broken
}
