// Package alone lets a piece of work run with nothing else of its process beside it, so that a process that dies
// meanwhile died of that work.
package alone

import (
	"context"
	"sync"
	"time"
)

// Gate is passed by all work of a process that may end the process: code of workflows and functions of activities. Its
// zero value is open. It is safe for concurrent use.
type Gate struct {
	mu sync.Mutex // guards the rest
	// inside counts the work that runs.
	inside int
	// holder is who has closed the gate, nil when it is open; opened is closed when it opens it.
	holder *Holder
	opened chan struct{}
	// empty is closed when nobody is inside any more, nil when nobody waits for that.
	empty chan struct{}
}

// Holder is who has closed a gate. Nil is nobody.
type Holder struct {
	gate *Gate
	// alone says that nothing else was inside.
	alone bool
}

type holderKey struct{}

// Enter is called before work begins, and Leave after it. While the gate is closed it waits until the gate opens or ctx
// ends, and returns true; what belongs to the holder, by Context, passes.
func (g *Gate) Enter(ctx context.Context) (waited bool) {
	for ; ; waited = true {
		g.mu.Lock()
		if g.holder == nil || ctx.Err() != nil || ctx.Value(holderKey{}) == g.holder {
			g.inside++
			g.mu.Unlock()
			return waited
		}
		opened := g.opened
		g.mu.Unlock()
		select {
		case <-opened:
		case <-ctx.Done():
		}
	}
}

// Leave ends what Enter began.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// Close keeps others out until the holder that it returns opens the gate, and waits for those who are inside, at most as
// long as patience says. It returns nil when ctx ends first. Whoever is inside must not call it.
func (g *Gate) Close(ctx context.Context, patience time.Duration) *Holder {
	h := &Holder{gate: g}
	empty, ok := g.take(ctx, h)
	if !ok {
		return nil
	}
	if h.alone {
		return h
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-empty:
		h.alone = true
	case <-timer.C:
		g.mu.Lock()
		g.empty = nil
		g.mu.Unlock()
	case <-ctx.Done():
		h.Open()
		return nil
	}
	return h
}

// take closes the gate once it is open, false when ctx ends before.
func (g *Gate) take(ctx context.Context, h *Holder) (empty <-chan struct{}, ok bool) {
	for {
		g.mu.Lock()
		if g.holder == nil {
			g.holder, g.opened, h.alone = h, make(chan struct{}), g.inside == 0
			if !h.alone {
				g.empty = make(chan struct{})
			}
			defer g.mu.Unlock()
			return g.empty, true
		}
		opened := g.opened
		g.mu.Unlock()
		select {
		case <-opened:
		case <-ctx.Done():
			return nil, false
		}
	}
}

// Alone says whether nobody was inside when Close returned. Functions of activities may run for hours: whoever closes the
// gate then keeps others out all the same, and is not alone.
func (h *Holder) Alone() bool { return h.alone }

// Context is for the holder's own work: with it Enter does not wait for the holder.
func (h *Holder) Context(ctx context.Context) context.Context {
	if h == nil {
		return ctx
	}
	return context.WithValue(ctx, holderKey{}, h)
}

// Open lets others in again. It may be called more than once.
func (h *Holder) Open() {
	g := h.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.holder == h {
		g.holder, g.empty = nil, nil
		close(g.opened)
	}
}
