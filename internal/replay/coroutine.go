package replay

import (
	"errors"
	"runtime"
	"sync/atomic"
)

// coroutine is a function that can be suspended by its own call of block. It runs in a goroutine of its own, but only
// while its resumer waits: the two never run at the same time. See docs/adr/0001-coroutines.md.
type coroutine struct {
	name string
	body func()
	// strands is where its goroutine comes from and goes to.
	strands Strands
	*Strand
	// job is main.
	job func()
	// number is the number of that goroutine: atomic, since a driver that a watchdog looks at may have got another one.
	number atomic.Uint64
	// ready and why are set while the coroutine is blocked.
	ready func() bool
	why   string

	ended bool
	// ending is set when the coroutine is told to end: how its function takes that interests nobody.
	ending bool
	// panicked is the value that the body panicked with, stack where.
	panicked any
	stack    string

	// capture asks the blocked coroutine to note its callers and block again.
	capture bool
	callers []uintptr
}

// exit is what a coroutine panics with, at its root, when its function does not return. It replaces a Goexit, which
// iter.Pull would hand on to the resumer, by a panic, which the resumer can recover.
type exit struct{}

var errGoexit = errors.New("workflow code called runtime.Goexit")

func newCoroutine(name string, body func(), strands Strands) *coroutine {
	return &coroutine{name: name, body: body, strands: strands}
}

// where names c in errors.
func (c *coroutine) where() string { return "coroutine " + c.name }

// prepare finds the goroutine that c runs in.
func (c *coroutine) prepare() {
	if c.Strand == nil {
		if c.job == nil {
			c.job = c.main
		}
		c.Strand = c.strands.Take()
		c.Strand.job = c.job
		c.number.Store(c.goroutine)
	}
}

// renew makes a coroutine that has ended one that runs another function.
func (c *coroutine) renew(body func()) {
	c.Strand, c.body, c.ended, c.panicked, c.stack = nil, body, false, nil, ""
}

// resume runs c until it blocks or ends.
func (c *coroutine) resume() {
	defer recoverExit()
	c.next()
	if c.ended {
		c.strands.Put(c.Strand)
		c.Strand = nil
	}
}

// end runs the deferred calls of c's function, if it has begun.
func (c *coroutine) end() {
	if c.Strand == nil || c.ended {
		c.ended = true
		return
	}
	c.ending = true
	defer recoverExit()
	c.stop()
}

func recoverExit() {
	if v := recover(); v != nil && v != (exit{}) {
		panic(v)
	}
}

// main is the root of c: the one place where panics of workflow code are recovered.
func (c *coroutine) main() {
	returned := false
	defer func() {
		c.ended = true
		if returned {
			return
		}
		if c.panicked = recover(); c.panicked == nil {
			c.panicked = errGoexit
		}
		if !c.ending {
			c.stack = panicStack()
		}
		panic(exit{})
	}()
	c.body()
	returned = true
}

// block suspends c until it is resumed. When c is to end it leaves by Goexit, which runs deferred calls like a panic
// but cannot be stopped by a recover in workflow code.
func (c *coroutine) block(why string, ready func() bool) {
	for {
		c.why, c.ready = why, ready
		if !c.yield(struct{}{}) {
			runtime.Goexit()
		}
		if !c.capture {
			return
		}
		c.callers = make([]uintptr, maxFrames)
		c.callers = c.callers[:runtime.Callers(1, c.callers)]
	}
}
