package workflow

import (
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/replay"
)

// DataConverterWithoutDeadlockDetection returns c for data converters that wait for something, such as a codec server.
// Programs written for Temporal call it; here every conversion may take its time, a minute and a half, before the deadlock
// detector takes it for code that blocks, so c needs nothing.
func DataConverterWithoutDeadlockDetection(c converter.DataConverter) converter.DataConverter {
	return c
}

// OuterConverter is a converter.DataConverter that does something around another one, for example fetches what is stored
// elsewhere. WithDataConverter keeps it in place.
type OuterConverter interface {
	// Around returns the same around inner.
	Around(inner converter.DataConverter) converter.DataConverter
}

type dataConverterKey struct{}

// WithDataConverter returns a context in which dc encodes and decodes in place of the worker's converter: the arguments
// and results of activities and child workflows, the arguments of signals to other workflows and of a successor. Who is
// called must use a converter that understands it. A dc may be ContextAware.
//
// Local activities, side effects, the workflow's own arguments and result, and errors, keep the worker's converters.
func WithDataConverter(ctx Context, dc converter.DataConverter) Context {
	if dc == nil {
		panic("workflow: WithDataConverter called with nil")
	}
	r := runOf(ctx)
	r.rebased = true
	if outer, ok := r.def.options.DataConverter.(OuterConverter); ok {
		dc = outer.Around(dc)
	}
	return WithValue(ctx, dataConverterKey{}, dc)
}

// watched is a data converter that tells the run's watchdog when it is at work.
type watched struct {
	converter.DataConverter
	env *replay.Env
}

func (w *watched) ToPayload(value interface{}) (*common.Payload, error) {
	w.env.BeginConversion()
	defer w.env.EndConversion()
	return w.DataConverter.ToPayload(value)
}

func (w *watched) FromPayload(payload *common.Payload, valuePtr interface{}) error {
	w.env.BeginConversion()
	defer w.env.EndConversion()
	return w.DataConverter.FromPayload(payload, valuePtr)
}

func (w *watched) ToPayloads(values ...interface{}) (*common.Payloads, error) {
	w.env.BeginConversion()
	defer w.env.EndConversion()
	return w.DataConverter.ToPayloads(values...)
}

func (w *watched) FromPayloads(payloads *common.Payloads, valuePtrs ...interface{}) error {
	w.env.BeginConversion()
	defer w.env.EndConversion()
	return w.DataConverter.FromPayloads(payloads, valuePtrs...)
}
