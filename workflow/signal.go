package workflow

import (
	"math"

	"github.com/millrace-dev/millrace/internal/history"
)

// GetSignalChannel returns the channel of the signals with the given name: the same channel each time. It holds those
// that came before, without bound and in their order; nobody needs to wait for a signal when it comes. Each signal is
// decoded into what it is received into.
func GetSignalChannel(ctx Context, signalName string) ReceiveChannel {
	return runOf(ctx).signalChannel(signalName)
}

func (r *run) signalChannel(name string) *channel {
	c, ok := r.signals[name]
	if !ok {
		c = newChannel(r, name, math.MaxInt)
		r.signals[name] = c
	}
	return c
}

// signaled is told of each signal that the run consumes.
func (r *run) signaled(s *history.WorkflowExecutionSignaled) {
	r.signalChannel(s.Name).offer(encoded{s.Input})
}
