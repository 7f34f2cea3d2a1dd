package coordinator

import (
	"context"
	"slices"
	"time"
)

// A run to which signals come faster than its transitions follow one another would be served without a pause, a few signals at
// a time, and each of these transitions costs its process and the broker what one of any other run costs. So from some on they
// are spaced, and each consumes what has come meanwhile: a flood takes a share of the processor that does not depend on how
// fast it comes. Nothing but signals waits for that: their senders have been answered, and nobody else is kept.

const (
	// pacePause is the time between two transitions of signals on which a run is paced, and paceBurst how many may follow one
	// another at once after a time without.
	pacePause = 10 * time.Millisecond
	paceBurst = 32
	// paceBatch is how many signals are so many that they are served at once.
	paceBatch = inboxBatch / 2
)

// pace is when the transitions of signals that a run has had would have ended, had they been spaced; zero without any. Those
// that did not wait, because something else came with them, are not made up for: it is never further ahead than keeps a run
// paced.
type pace struct{ spaced time.Time }

// count notes that signals are served now.
func (p *pace) count(now time.Time) {
	if p.spaced.Before(now) {
		p.spaced = now
	}
	p.spaced = p.spaced.Add(pacePause)
	if most := now.Add((paceBurst + 1) * pacePause); p.spaced.After(most) {
		p.spaced = most
	}
}

// pause is how long signals are left to gather, not positive for a run that is not paced.
func (p *pace) pause(now time.Time) time.Duration {
	return min(p.spaced.Sub(now)-paceBurst*pacePause, pacePause)
}

// keepPace counts the serving of signals. The mailbox keeps what is known while the run is dropped and loaded again, the entry
// while nothing waits.
func (c *Coordinator) keepPace(e *entry, box *mailbox, items []*item) {
	if e.overtaken.Before(box.overtaken) {
		e.overtaken = box.overtaken
	}
	if !slices.ContainsFunc(items, (*item).isSignal) {
		return
	}
	if e.pace.spaced.After(box.pace.spaced) {
		box.pace = e.pace
	}
	box.pace.count(c.cfg.Now())
	e.pace = box.pace
}

func (it *item) isSignal() bool { return it.message != nil && it.message.Signal != nil }

// rest lets signals gather for a run that is flooded, unless something else waits or comes.
func (c *Coordinator) rest(ctx context.Context, box *mailbox) {
	if box.pace.spaced.IsZero() {
		return
	}
	pause := box.pace.pause(c.cfg.Now())
	if pause <= 0 {
		return
	}
	hurry := make(chan struct{}, 1)
	c.mu.Lock()
	if c.stopping || slices.ContainsFunc(box.waiting, box.hurries) {
		c.mu.Unlock()
		return
	}
	box.hurry = hurry
	c.mu.Unlock()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-hurry:
	case <-ctx.Done():
	}
	c.mu.Lock()
	box.hurry = nil
	c.mu.Unlock()
}

// hurries says whether an item ends the rest of its run.
func (b *mailbox) hurries(it *item) bool { return !it.isSignal() || len(b.waiting) >= paceBatch }

// addLocked puts an item behind what waits.
func (b *mailbox) addLocked(it *item) {
	b.waiting = append(b.waiting, it)
	if b.hurry == nil || !b.hurries(it) {
		return
	}
	select {
	case b.hurry <- struct{}{}:
	default:
	}
}
