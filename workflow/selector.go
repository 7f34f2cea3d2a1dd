package workflow

import "slices"

// Selector takes the place of a select statement.
//
// Select runs the function of one case: among the cases that are ready the one that was added first; when none is,
// that of the default, or else of the case that becomes ready first. A future's case runs once; so does that of a
// closed channel. All others stay for further calls.
type Selector interface {
	// AddReceive adds a case that is ready when c has a value or is closed (more is false). F receives the value
	// itself; what it does not receive stays the channel's next value.
	AddReceive(c ReceiveChannel, f func(c ReceiveChannel, more bool)) Selector
	// AddSend adds a case that is ready when c takes v without waiting. F is called after v was sent.
	AddSend(c SendChannel, v interface{}, f func()) Selector
	// AddFuture adds a case that is ready when the future is.
	AddFuture(future Future, f func(f Future)) Selector
	// AddDefault sets what Select runs instead of blocking.
	AddDefault(f func())
	// Select runs the function of one case, and blocks until there is one to run. It does not end when ctx is
	// canceled: add a case for ctx.Done().
	Select(ctx Context)
	// HasPending says whether Select would find a case ready, the default apart.
	HasPending() bool
}

// NewSelector returns a Selector without cases.
func NewSelector(ctx Context) Selector { return NewNamedSelector(ctx, "") }

// NewNamedSelector returns a Selector whose name shows in stack traces. An empty name is replaced by "selector-" and a
// number.
func NewNamedSelector(ctx Context, name string) Selector {
	r := runOf(ctx)
	r.guard("NewSelector")
	if name == "" {
		name = r.nextName("selector")
	}
	return &selector{run: r, name: name}
}

// selectCase is one case of a selector.
type selectCase interface {
	// ready is what to run if the case is ready now, nil if it is not. It changes nothing.
	ready() (then func())
	// await lets w end when the case becomes ready, and returns how to take that back.
	await(w *wait) (forget func())
	// spent says whether the case is used up.
	spent() bool
}

type selector struct {
	run      *run
	name     string
	cases    []selectCase
	fallback func()
}

func (s *selector) AddReceive(c ReceiveChannel, f func(c ReceiveChannel, more bool)) Selector {
	s.cases = append(s.cases, &receiveCase{channel: ours(c), f: f})
	return s
}

func (s *selector) AddSend(c SendChannel, v interface{}, f func()) Selector {
	s.cases = append(s.cases, &sendCase{channel: ours(c), value: v, f: f})
	return s
}

func (s *selector) AddFuture(future Future, f func(f Future)) Selector {
	s.cases = append(s.cases, &futureCase{future: future, on: resolvableOf(future), f: f})
	return s
}

func (s *selector) AddDefault(f func()) { s.fallback = f }

func (s *selector) HasPending() bool {
	return slices.ContainsFunc(s.cases, func(c selectCase) bool { return !c.spent() && c.ready() != nil })
}

func (s *selector) Select(Context) {
	s.run.guard("Selector.Select")
	s.cases = slices.DeleteFunc(s.cases, selectCase.spent)
	for _, c := range s.cases {
		if then := c.ready(); then != nil {
			then()
			return
		}
	}
	if s.fallback != nil {
		s.fallback()
		return
	}
	w := &wait{}
	forget := make([]func(), len(s.cases))
	for i, c := range s.cases {
		forget[i] = c.await(w)
	}
	s.run.block(s.name+".Select", func() bool { return w.met })
	for _, f := range forget {
		f()
	}
	w.then()
}

func ours(c interface{ Name() string }) *channel {
	if c, ok := c.(*channel); ok {
		return c
	}
	panic("workflow: the channel was not made by this package")
}

type receiveCase struct {
	channel *channel
	f       func(c ReceiveChannel, more bool)
	drained bool
}

func (c *receiveCase) spent() bool { return c.drained }

func (c *receiveCase) ready() func() {
	if c.channel.canReceive() {
		return func() { c.f(c.channel, true) }
	}
	if c.channel.closed {
		return c.end
	}
	return nil
}

func (c *receiveCase) end() {
	c.drained = true
	c.f(c.channel, false)
}

func (c *receiveCase) await(w *wait) (forget func()) {
	r := &receiver{wait: w, take: func(v interface{}, more bool) {
		if !more {
			w.meet(c.end)
			return
		}
		// The value goes back just before f receives it, so that no other coroutine takes it in between.
		w.meet(func() {
			c.channel.putBack(v)
			c.f(c.channel, true)
		})
	}}
	c.channel.receivers = append(c.channel.receivers, r)
	return func() { c.channel.withdraw(r) }
}

type sendCase struct {
	channel *channel
	value   interface{}
	f       func()
}

func (c *sendCase) spent() bool { return false }

func (c *sendCase) ready() func() {
	if !c.channel.canSend() {
		return nil
	}
	return func() {
		c.channel.offer(c.value)
		c.f()
	}
}

func (c *sendCase) await(w *wait) (forget func()) {
	s := &sender{wait: w, value: c.value, sent: func(ok bool) {
		if ok {
			w.meet(c.f)
		} else {
			w.meet(c.channel.sentWhenClosed)
		}
	}}
	c.channel.senders = append(c.channel.senders, s)
	return func() { c.channel.withdrawSend(s) }
}

type futureCase struct {
	future Future
	on     resolvable
	f      func(f Future)
	fired  bool
}

func (c *futureCase) spent() bool { return c.fired }

func (c *futureCase) ready() func() {
	if c.future.IsReady() {
		return c.fire
	}
	return nil
}

func (c *futureCase) fire() {
	c.fired = true
	c.f(c.future)
}

func (c *futureCase) await(w *wait) (forget func()) {
	return c.on.onReady(func() { w.meet(c.fire) }).forget
}
