package worker

import (
	"context"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/activity"
)

// functionContext is the context of an activity function. What it takes to be ended is made when the function, or a
// context made from this one, first asks for it: most never do.
type functionContext struct {
	environment
	// values has the environment, and the values and the end of BackgroundActivityContext.
	values   context.Context
	deadline time.Time // zero for none

	mu sync.Mutex // guards the rest
	// inner ends when the function has to; nil before anyone has asked.
	inner context.Context
	// end ends inner and says why; stop stops its timer.
	end  context.CancelCauseFunc
	stop context.CancelFunc
	over bool
}

// init must be called first.
func (c *functionContext) init(x *execution, background context.Context) {
	c.x, c.deadline = x, x.deadline
	c.values = activity.NewContext(background, &c.environment)
}

// lockedInner is the context behind c. c.mu must be held.
func (c *functionContext) lockedInner() context.Context {
	if c.inner != nil {
		return c.inner
	}
	c.stop = func() {}
	c.inner, c.end = context.WithCancelCause(c.values)
	if !c.deadline.IsZero() {
		c.inner, c.stop = context.WithDeadlineCause(c.inner, c.deadline, activity.ErrTimedOut)
	}
	if c.over {
		c.end(nil)
		c.stop()
	}
	return c.inner
}

// finish ends the context. Without a cause the function has returned, and hardly anyone is left to ask.
func (c *functionContext) finish(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cause != nil {
		c.lockedInner()
	}
	if c.inner != nil {
		c.end(cause)
	}
	if cause == nil {
		c.over = true
		if c.stop != nil {
			c.stop()
		}
	}
}

func (c *functionContext) Deadline() (time.Time, bool) {
	deadline, ok := c.values.Deadline()
	if !c.deadline.IsZero() && (!ok || c.deadline.Before(deadline)) {
		return c.deadline, true
	}
	return deadline, ok
}

func (c *functionContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lockedInner().Done()
}

func (c *functionContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lockedInner().Err()
}

func (c *functionContext) Value(key any) any {
	c.mu.Lock()
	inner := c.inner
	c.mu.Unlock()
	if inner != nil {
		return inner.Value(key)
	}
	return c.values.Value(key)
}
