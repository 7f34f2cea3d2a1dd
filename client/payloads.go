package client

import (
	"context"
	"fmt"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/payloads"
)

// PayloadLimitOptions are sizes in bytes at which something is said about payloads, or nothing goes on.
type PayloadLimitOptions struct {
	// PayloadSizeWarning is the size of the arguments or results of one call, without what is stored outside the
	// history, from which on a warning is logged. Default 512 KiB.
	PayloadSizeWarning int
	// MemoSizeWarning is the size of a memo from which on a warning is logged. Default 512 KiB.
	MemoSizeWarning int
	// MaxPayloadSize bounds the arguments or results of one call, wherever they are stored. Default 64 MiB.
	MaxPayloadSize int
}

// defaultSizeWarning is the default of the sizes at which a warning is logged.
const defaultSizeWarning = 512 << 10

func (l PayloadLimitOptions) withDefaults() PayloadLimitOptions {
	if l.PayloadSizeWarning == 0 {
		l.PayloadSizeWarning = defaultSizeWarning
	}
	if l.MemoSizeWarning == 0 {
		l.MemoSizeWarning = defaultSizeWarning
	}
	if l.MaxPayloadSize == 0 {
		l.MaxPayloadSize = payloads.DefaultMaxSize
	}
	return l
}

func (l PayloadLimitOptions) validate() error {
	for _, x := range []struct {
		field string
		value int
	}{
		{"PayloadSizeWarning", l.PayloadSizeWarning}, {"MemoSizeWarning", l.MemoSizeWarning}, {"MaxPayloadSize", l.MaxPayloadSize},
	} {
		if x.value < 0 {
			return serviceerror.NewInvalidArgument(fmt.Sprintf("Options.PayloadLimits.%s is %d: it cannot be negative", x.field, x.value))
		}
	}
	return nil
}

// openPayloads makes the store for large payloads, and converters that read from it.
func (c *workflowClient) openPayloads(ownFailureConverter bool) error {
	o := &c.options
	if err := o.PayloadLimits.validate(); err != nil {
		return err
	}
	store, err := payloads.New(c.ns, payloads.Options{
		External: o.ExternalStorage, MaxSize: o.PayloadLimits.MaxPayloadSize, Warning: o.PayloadLimits.PayloadSizeWarning, Logger: o.Logger,
	})
	if err != nil {
		return serviceerror.NewInvalidArgument("Options.ExternalStorage: " + err.Error())
	}
	c.payloads, o.DataConverter = store, store.Converter(o.DataConverter)
	if ownFailureConverter {
		o.FailureConverter = store.FailureConverter(o.FailureConverter)
	} else {
		o.FailureConverter = defaultFailureConverter(o.DataConverter)
	}
	return nil
}

// warnOfMemo says that a memo is large: it is read with every list of runs.
func (c *workflowClient) warnOfMemo(run history.Run, memo *common.Memo) {
	size := 0
	for key, p := range memo.GetFields() {
		size += len(key) + (&common.Payloads{Payloads: []*common.Payload{p}}).Size()
	}
	if limit := c.options.PayloadLimits.MemoSizeWarning; size >= limit {
		c.options.Logger.Warn("memo is large", "run", run.String(), "bytes", size, "warning", limit)
	}
}

// outsource stores what is large among arguments or results of a run and returns the list with references in its place.
func (c *workflowClient) outsource(ctx context.Context, run history.Run, list *common.Payloads) (*common.Payloads, error) {
	return c.payloads.Put(ctx, run, list)
}

// outsourceIn is outsource for what a message brings to a run.
func (c *workflowClient) outsourceIn(ctx context.Context, run history.Run, m *history.Message) (err error) {
	if err := c.ns.Limits().CheckAside(m.Aside()); err != nil {
		return err
	}
	switch {
	case m.Signal != nil:
		signal := *m.Signal // what was meant for another run, too
		signal.Input, err = c.outsource(ctx, run, signal.Input)
		m.Signal = &signal
	case m.Update != nil:
		update := *m.Update
		update.Input, err = c.outsource(ctx, run, update.Input)
		m.Update = &update
	case m.Terminate != nil:
		m.Terminate.Details, err = c.outsource(ctx, run, m.Terminate.Details)
	case m.Activity != nil:
		if m.Activity.Result, err = c.outsource(ctx, run, m.Activity.Result); err == nil {
			m.Activity.Failure, err = c.payloads.PutFailure(ctx, run, m.Activity.Failure)
		}
	}
	return err
}

// send puts a message into a run's inbox.
func (c *workflowClient) send(ctx context.Context, to history.Address, m *history.Message) error {
	if err := c.outsourceIn(ctx, to.Run, m); err != nil {
		return err
	}
	return c.ns.Send(ctx, to, m)
}

// discardUnused deletes what was stored for a start in whose place another run was found.
func (c *workflowClient) discardUnused(ctx context.Context, start *history.Start, run history.Run) {
	if run == start.Run.Run || !start.AnyPayload(converter.IsReference) {
		return
	}
	if err := c.ns.DeletePayloads(ctx, start.Run.Run); err != nil {
		c.options.Logger.Warn("payloads of a run that was not started stay stored", "run", start.Run.Run.String(), "error", err)
	}
}
