package payloads

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

// fetchTimeout bounds how long decoding waits for a stored payload.
const fetchTimeout = time.Minute

// Converter returns dc for readers who may meet references: what these stand for is decoded in their place. It encodes
// as dc does, and depends on contexts if dc does.
func (s *Store) Converter(dc converter.DataConverter) converter.DataConverter {
	c := dataConverter{DataConverter: dc, store: s}
	if aware, ok := dc.(workflow.ContextAware); ok {
		return &awareConverter{dataConverter: c, aware: aware}
	}
	return &c
}

type dataConverter struct {
	converter.DataConverter
	store *Store
}

func (c *dataConverter) FromPayload(p *common.Payload, valuePtr interface{}) error {
	if !converter.IsReference(p) {
		return c.DataConverter.FromPayload(p, valuePtr)
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	whole, err := c.store.whole(ctx, p)
	if err != nil {
		return err
	}
	return c.DataConverter.FromPayload(whole, valuePtr)
}

func (c *dataConverter) FromPayloads(list *common.Payloads, valuePtrs ...interface{}) error {
	for _, p := range list.GetPayloads() {
		if converter.IsReference(p) {
			return c.fromStored(list, valuePtrs)
		}
	}
	return c.DataConverter.FromPayloads(list, valuePtrs...)
}

func (c *dataConverter) fromStored(list *common.Payloads, valuePtrs []interface{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	whole, err := c.store.wholes(ctx, list)
	if err != nil {
		return err
	}
	return c.DataConverter.FromPayloads(whole, valuePtrs...)
}

// Around is documented at workflow.OuterConverter.
func (c *dataConverter) Around(inner converter.DataConverter) converter.DataConverter {
	return c.store.Converter(inner)
}

// WithSerializationContext returns the converter for ctx, around what the one inside makes of it.
func (c *dataConverter) WithSerializationContext(ctx converter.SerializationContext) converter.DataConverter {
	return c.store.Converter(converter.WithDataConverterSerializationContext(c.DataConverter, ctx))
}

// DependsOnSerializationContext says whether the converter inside does.
func (c *dataConverter) DependsOnSerializationContext() bool {
	return converter.DependsOnSerializationContext(c.DataConverter)
}

// awareConverter is the dataConverter around one that depends on contexts.
type awareConverter struct {
	dataConverter
	aware workflow.ContextAware
}

func (c *awareConverter) WithWorkflowContext(ctx workflow.Context) converter.DataConverter {
	return c.store.Converter(c.aware.WithWorkflowContext(ctx))
}

func (c *awareConverter) WithContext(ctx context.Context) converter.DataConverter {
	return c.store.Converter(c.aware.WithContext(ctx))
}

// FailureConverter returns fc for readers who may meet references in the details of failures.
func (s *Store) FailureConverter(fc converter.FailureConverter) converter.FailureConverter {
	return &failureConverter{FailureConverter: fc, store: s}
}

type failureConverter struct {
	converter.FailureConverter
	store *Store
}

// WithSerializationContext returns the converter for ctx, around what the one inside makes of it.
func (c *failureConverter) WithSerializationContext(ctx converter.SerializationContext) converter.FailureConverter {
	return c.store.FailureConverter(converter.WithFailureConverterSerializationContext(c.FailureConverter, ctx))
}

// DependsOnSerializationContext says whether the converter inside does.
func (c *failureConverter) DependsOnSerializationContext() bool {
	return converter.DependsOnSerializationContext(c.FailureConverter)
}

// FailureToError leaves references where they are when what they stand for cannot be fetched: the reason for a failure
// matters more than its details.
func (c *failureConverter) FailureToError(f *failure.Failure) error {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	whole, err := history.MapFailurePayloads(f, history.Run{}, func(_ history.Run, list *common.Payloads) (*common.Payloads, error) {
		return c.store.wholes(ctx, list)
	})
	if err != nil {
		whole = f
	}
	return c.FailureConverter.FailureToError(whole)
}
