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
