package workflow

import "time"

// Context carries cancellation, options and values through a workflow, as context.Context does through other code.
// It must not be used outside the workflow that received it.
type Context interface {
	// Deadline is when the context expires; ok is false where it has no deadline.
	Deadline() (deadline time.Time, ok bool)

	// Done is a channel that is closed when the context is canceled. It is nil for a context that never will be.
	Done() Channel

	// Err is nil until Done is closed, and then the reason: ErrCanceled or ErrDeadlineExceeded.
	Err() error

	// Value is the value that was set for key, nil for none.
	Value(key interface{}) interface{}
}

// CancelFunc cancels a context and everything that was started with it or with contexts made from it, in the order
// in which it was started. Later calls do nothing.
type CancelFunc func()

// The keys by which contexts find what belongs to the run.
type (
	runKey    struct{}
	cancelKey struct{}
)

// runOf is the run that ctx belongs to.
func runOf(ctx Context) *run {
	if ctx != nil {
		if r, ok := ctx.Value(runKey{}).(*run); ok {
			return r
		}
	}
	panic("workflow: the context does not come from the workflow function's first argument")
}

// rootContext is below all contexts of a run.
type rootContext struct{ run *run }

func (c *rootContext) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }
func (c *rootContext) Done() Channel                           { return nil }
func (c *rootContext) Err() error                              { return nil }

func (c *rootContext) Value(key interface{}) interface{} {
	if key == (runKey{}) {
		return c.run
	}
	return nil
}

// WithValue returns a context in which key has the given value. Keys must be comparable, and should be of a type of
// their own.
func WithValue(parent Context, key, val interface{}) Context {
	return &valueContext{Context: parent, key: key, value: val}
}

type valueContext struct {
	Context
	key, value interface{}
}

func (c *valueContext) Value(key interface{}) interface{} {
	if c.key == key {
		return c.value
	}
	return c.Context.Value(key)
}

// WithCancel returns a context that is canceled by the returned function, or with its parent. Cancel it as soon as
// its work is done: its parent remembers it until then.
func WithCancel(parent Context) (ctx Context, cancel CancelFunc) {
	c := newCancelContext(parent)
	if err := parent.Err(); err != nil {
		c.cancel(err)
	} else if above := cancelContextOf(parent); above != nil {
		above.hooks.register(&c.above, func() { c.cancel(above.err) })
	}
	return c, func() {
		runOf(c).guard("CancelFunc")
		c.cancel(ErrCanceled)
	}
}

// NewDisconnectedContext returns a context with the values and options of parent that is not canceled with it: for
// work that must be done after a cancellation, such as cleaning up.
func NewDisconnectedContext(parent Context) (ctx Context, cancel CancelFunc) {
	return WithCancel(&disconnectedContext{parent})
}

type disconnectedContext struct{ Context }

func (c *disconnectedContext) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }
func (c *disconnectedContext) Done() Channel                           { return nil }
func (c *disconnectedContext) Err() error                              { return nil }

func (c *disconnectedContext) Value(key interface{}) interface{} {
	if key == (cancelKey{}) {
		return nil
	}
	return c.Context.Value(key)
}

// cancelContext can be canceled.
type cancelContext struct {
	Context
	done *channel
	err  error
	// hooks are what cancellation calls. None is registered once the context is canceled.
	hooks hooks
	// above is among those of the context that this one is canceled with.
	above hook
}

func newCancelContext(parent Context) *cancelContext {
	return &cancelContext{Context: parent, done: newChannel(runOf(parent), "context.Done", 0)}
}

// cancelContextOf is the nearest context at or above ctx that can be canceled, nil for none.
func cancelContextOf(ctx Context) *cancelContext {
	c, _ := ctx.Value(cancelKey{}).(*cancelContext)
	return c
}

func (c *cancelContext) Done() Channel { return c.done }
func (c *cancelContext) Err() error    { return c.err }

func (c *cancelContext) Value(key interface{}) interface{} {
	if key == (cancelKey{}) {
		return c
	}
	return c.Context.Value(key)
}

func (c *cancelContext) cancel(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	c.above.forget()
	c.done.close()
	c.hooks.run()
}

// onCancel registers f with the nearest context at or above ctx that can be canceled, and must not have been; nil when
// there is none.
func onCancel(ctx Context, f func()) *hook {
	if c := cancelContextOf(ctx); c != nil {
		return c.hooks.add(f)
	}
	return nil
}
