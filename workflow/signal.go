package workflow

import (
	"maps"
	"math"
	"slices"

	"github.com/millrace-dev/millrace/internal/history"
)

// GetSignalChannel returns the channel of the signals with the given name: the same channel each time. It holds those
// that came before, without bound and in their order; nobody needs to wait for a signal when it comes. Each signal is
// decoded into what it is received into.
func GetSignalChannel(ctx Context, signalName string) ReceiveChannel {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.GetSignalChannel(ctx, signalName)
	}
	return r.signalChannel(signalName)
}

// SignalChannelOptions are the options of GetSignalChannelWithOptions.
type SignalChannelOptions struct {
	// Description says for people what the signal is for.
	Description string
}

// GetSignalChannelWithOptions is GetSignalChannel with options. Those of the first call for a name count.
func GetSignalChannelWithOptions(ctx Context, signalName string, options SignalChannelOptions) ReceiveChannel {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.GetSignalChannelWithOptions(ctx, signalName, options)
	}
	return r.signalChannelWithOptions(signalName, options)
}

func (r *run) signalChannelWithOptions(signalName string, options SignalChannelOptions) ReceiveChannel {
	r.guard("GetSignalChannelWithOptions")
	if r.signalOptions == nil {
		r.signalOptions = map[string]SignalChannelOptions{}
	}
	if _, set := r.signalOptions[signalName]; !set {
		r.signalOptions[signalName] = options
	}
	return r.signalChannel(signalName)
}

// GetUnhandledSignalNames returns the names of the signals that have come and that nobody has received, in ascending
// order. Look at it before the workflow closes: such signals would be lost.
func GetUnhandledSignalNames(ctx Context) []string {
	r := runOf(ctx)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(r.signals)) {
		if r.signals[name].Len() > 0 {
			names = append(names, name)
		}
	}
	return names
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
	if r.inbound != nil {
		r.signalInbound(s)
		return
	}
	r.signalChannel(s.Name).offer(encoded{payloads: s.Input})
}
