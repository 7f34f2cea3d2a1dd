package coordinator

import (
	"context"
	"iter"
	"sync/atomic"
	"time"
)

// idleTicker is a ticker that leaves out ticks which nobody needs, so that a coordinator without work costs nothing. To be
// needed again costs one wake-up per period at most.
type idleTicker struct {
	period time.Duration
	idle   atomic.Bool
	// wake ends the rest; it holds one token.
	wake chan struct{}
}

func newIdleTicker(period time.Duration) *idleTicker {
	return &idleTicker{period: max(period, time.Millisecond), wake: make(chan struct{}, 1)}
}

// needed is called after there is something to tick for.
func (t *idleTicker) needed() {
	if t.idle.Load() && t.idle.CompareAndSwap(true, false) {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

// ticks yields the times of the ticks until ctx ends. It rests after a tick at which idle says that there is nothing to
// tick for, and goes on after needed, in step with its beginning. One goroutine uses it.
func (t *idleTicker) ticks(ctx context.Context, idle func() bool) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		began, aligned := time.Now(), true
		tick := time.NewTicker(t.period)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				if !aligned {
					tick.Reset(t.period)
					aligned = true
				}
				if !yield(now) {
					return
				}
			}
			t.idle.Store(true)
			if !idle() { // what came before the mark is seen here, what comes after it sees the mark
				t.idle.Store(false)
				continue
			}
			tick.Stop()
			select {
			case <-ctx.Done():
				return
			case <-t.wake:
				tick.Reset(t.period - time.Since(began)%t.period)
				aligned = false
			}
		}
	}
}
