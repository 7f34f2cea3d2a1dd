package workflow

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

type (
	// Channel takes the place of a Go channel between the coroutines of a workflow.
	Channel interface {
		SendChannel
		ReceiveChannel
	}

	// SendChannel is the sending side of a Channel. Sending on a closed channel panics.
	SendChannel interface {
		// Name is the name that the channel was made with, or one given to it.
		Name() string
		// Send blocks until the value is received or buffered. It does not end when ctx is canceled.
		Send(ctx Context, v interface{})
		// SendAsync sends if that needs no waiting, and says whether it did.
		SendAsync(v interface{}) (ok bool)
		// Close closes the channel: what is buffered can still be received.
		Close()
	}

	// ReceiveChannel is the receiving side of a Channel. A received value is assigned to what valuePtr points to, and
	// dropped for a nil valuePtr; a value of a type that does not fit panics. A signal whose payload cannot be decoded
	// into valuePtr is logged as an error and skipped.
	ReceiveChannel interface {
		// Name is the name that the channel was made with, or one given to it.
		Name() string
		// Receive blocks until there is a value; more is false when the channel is closed and empty. It does not end
		// when ctx is canceled.
		Receive(ctx Context, valuePtr interface{}) (more bool)
		// ReceiveWithTimeout is Receive, but gives up after timeout or when ctx is canceled: then ok is false and
		// more is true.
		ReceiveWithTimeout(ctx Context, timeout time.Duration, valuePtr interface{}) (ok, more bool)
		// ReceiveAsync receives if there is a value, and says whether it did.
		ReceiveAsync(valuePtr interface{}) (ok bool)
		// ReceiveAsyncWithMoreFlag is ReceiveAsync; more is false when the channel is closed and empty.
		ReceiveAsyncWithMoreFlag(valuePtr interface{}) (ok, more bool)
		// Len is the number of buffered values plus that of blocked senders.
		Len() int
	}
)

// NewChannel returns a channel without a buffer.
func NewChannel(ctx Context) Channel { return NewNamedBufferedChannel(ctx, "", 0) }

// NewNamedChannel returns a channel without a buffer; the name shows in stack traces.
func NewNamedChannel(ctx Context, name string) Channel { return NewNamedBufferedChannel(ctx, name, 0) }

// NewBufferedChannel returns a channel that holds up to size values that nobody has received yet.
func NewBufferedChannel(ctx Context, size int) Channel { return NewNamedBufferedChannel(ctx, "", size) }

// NewNamedBufferedChannel is NewBufferedChannel with a name that shows in stack traces. An empty name is replaced by
// "chan-" and a number.
func NewNamedBufferedChannel(ctx Context, name string, size int) Channel {
	r := runOf(ctx)
	r.guard("NewChannel")
	if name == "" {
		name = r.nextName("chan")
	}
	return newChannel(r, name, size)
}

// channel hands values from senders to receivers, each in the order in which they came.
type channel struct {
	run  *run
	name string
	size int
	// buffer may hold more than size: a selector puts the value that it was handed back for its function to receive.
	buffer    []interface{}
	receivers []*receiver
	senders   []*sender
	closed    bool
}

func newChannel(r *run, name string, size int) *channel {
	return &channel{run: r, name: name, size: size}
}

func (c *channel) Name() string { return c.name }

func (c *channel) Len() int {
	n := len(c.buffer)
	for _, s := range c.senders {
		if !s.met {
			n++
		}
	}
	return n
}

func (c *channel) Send(_ Context, v interface{}) {
	c.run.guard("Channel.Send")
	if c.offer(v) {
		return
	}
	w := &wait{}
	accepted := false
	c.senders = append(c.senders, &sender{wait: w, value: v, sent: func(ok bool) {
		accepted = ok
		w.meet(nil)
	}})
	c.run.block(c.name+".Send", func() bool { return w.met })
	if !accepted {
		c.sentWhenClosed()
	}
}

func (c *channel) SendAsync(v interface{}) bool {
	c.run.guard("Channel.SendAsync")
	return c.offer(v)
}

func (c *channel) Close() {
	c.run.guard("Channel.Close")
	c.close()
}

func (c *channel) close() {
	if c.closed {
		return
	}
	c.closed = true
	receivers, senders := c.receivers, c.senders
	c.receivers, c.senders = nil, nil
	for _, r := range receivers {
		r.take(nil, false)
	}
	for _, s := range senders {
		s.sent(false)
	}
}

func (c *channel) sentWhenClosed() {
	panic(fmt.Sprintf("workflow: send on closed channel %q", c.name))
}

func (c *channel) Receive(_ Context, valuePtr interface{}) bool {
	c.run.guard("Channel.Receive")
	for {
		ok, more := c.ReceiveAsyncWithMoreFlag(valuePtr)
		if ok || !more {
			return more
		}
		got := c.await()
		c.run.block(c.name+".Receive", func() bool { return got.met })
		if !got.more || c.assign(got.value, valuePtr) {
			return got.more
		}
	}
}

func (c *channel) ReceiveWithTimeout(ctx Context, timeout time.Duration, valuePtr interface{}) (ok, more bool) {
	c.run.guard("Channel.ReceiveWithTimeout")
	if ok, more = c.ReceiveAsyncWithMoreFlag(valuePtr); ok || !more || ctx.Err() != nil {
		return ok, more
	}
	timerCtx, cancel := WithCancel(ctx)
	defer cancel()
	timer := c.run.newTimer(timerCtx, timeout, TimerOptions{})
	for {
		got := c.await()
		c.run.block(c.name+".ReceiveWithTimeout", func() bool { return got.met || timer.IsReady() || ctx.Err() != nil })
		if !got.met {
			c.withdraw(got.receiver)
			return false, true
		}
		if !got.more {
			return false, false
		}
		if c.assign(got.value, valuePtr) {
			return true, true
		}
		if ok, more = c.ReceiveAsyncWithMoreFlag(valuePtr); ok || !more {
			return ok, more
		}
	}
}

func (c *channel) ReceiveAsync(valuePtr interface{}) bool {
	ok, _ := c.ReceiveAsyncWithMoreFlag(valuePtr)
	return ok
}

func (c *channel) ReceiveAsyncWithMoreFlag(valuePtr interface{}) (ok, more bool) {
	c.run.guard("Channel.ReceiveAsync")
	for {
		v, ok := c.poll()
		if !ok {
			return false, !c.closed
		}
		if c.assign(v, valuePtr) {
			return true, true
		}
	}
}

// received is a blocked Receive and what it gets.
type received struct {
	*receiver
	value interface{}
	more  bool
}

// await queues for the next value.
func (c *channel) await() *received {
	w := &wait{}
	got := &received{}
	got.receiver = &receiver{wait: w, take: func(v interface{}, more bool) {
		got.value, got.more = v, more
		w.meet(nil)
	}}
	c.receivers = append(c.receivers, got.receiver)
	return got
}

func (c *channel) withdraw(r *receiver) {
	c.receivers = slices.DeleteFunc(c.receivers, func(x *receiver) bool { return x == r })
}

func (c *channel) withdrawSend(s *sender) {
	c.senders = slices.DeleteFunc(c.senders, func(x *sender) bool { return x == s })
}

// offer gives v to a waiting receiver or puts it into the buffer, and says whether there was either.
func (c *channel) offer(v interface{}) bool {
	if c.closed {
		c.sentWhenClosed()
	}
	for len(c.receivers) > 0 {
		r := c.receivers[0]
		c.receivers = c.receivers[1:]
		if !r.met {
			r.take(v, true)
			return true
		}
	}
	if len(c.buffer) >= c.size {
		return false
	}
	c.buffer = append(c.buffer, v)
	return true
}

// canSend says whether offer would succeed, or panic.
func (c *channel) canSend() bool {
	return c.closed || len(c.buffer) < c.size ||
		slices.ContainsFunc(c.receivers, func(r *receiver) bool { return !r.met })
}

// poll takes the next value if there is one.
func (c *channel) poll() (value interface{}, ok bool) {
	if len(c.buffer) == 0 {
		return c.takeSender()
	}
	value = c.buffer[0]
	c.buffer[0] = nil
	c.buffer = c.buffer[1:]
	for len(c.buffer) < c.size {
		v, ok := c.takeSender()
		if !ok {
			break
		}
		c.buffer = append(c.buffer, v)
	}
	return value, true
}

// takeSender takes the value of the first blocked sender.
func (c *channel) takeSender() (value interface{}, ok bool) {
	for len(c.senders) > 0 {
		s := c.senders[0]
		c.senders = c.senders[1:]
		if !s.met {
			s.sent(true)
			return s.value, true
		}
	}
	return nil, false
}

// canReceive says whether poll would succeed.
func (c *channel) canReceive() bool {
	return len(c.buffer) > 0 || slices.ContainsFunc(c.senders, func(s *sender) bool { return !s.met })
}

// putBack makes v the next value to be received.
func (c *channel) putBack(v interface{}) { c.buffer = slices.Insert(c.buffer, 0, v) }

// assign stores a received value, and is false for a signal that cannot be decoded: the workflow did not choose what
// others send to it.
func (c *channel) assign(v, valuePtr interface{}) bool {
	err := c.run.assign(v, valuePtr)
	if err == nil {
		return true
	}
	if _, isSignal := v.(encoded); !isSignal {
		panic(fmt.Sprintf("workflow: receive from channel %q: %v", c.name, err))
	}
	c.run.log().Error("signal dropped: its payload does not fit what the workflow receives into",
		"SignalName", c.name, "Error", err)
	return false
}

// encoded is a value as it came from outside.
type encoded struct {
	payloads *common.Payloads
	// usual says that the worker's converter has encoded it, whatever WithDataConverter said.
	usual bool
	// whose it is, nil for the run itself.
	whose converter.SerializationContext
}

// assign stores v in what valuePtr points to; nil drops it.
func (r *run) assign(v, valuePtr interface{}) error {
	if valuePtr == nil {
		return nil
	}
	if e, ok := v.(encoded); ok {
		return r.values.FromPayloads(e.payloads, valuePtr)
	}
	target := reflect.ValueOf(valuePtr)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("value of type %T cannot be assigned to a %T: a pointer is needed", v, valuePtr)
	}
	target = target.Elem()
	if v == nil {
		target.SetZero()
		return nil
	}
	value := reflect.ValueOf(v)
	if !value.Type().AssignableTo(target.Type()) {
		return fmt.Errorf("value of type %T cannot be assigned through a %T", v, valuePtr)
	}
	target.Set(value)
	return nil
}
