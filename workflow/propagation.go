package workflow

import (
	"context"
	"fmt"
	"maps"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

type (
	// HeaderReader reads a header: what travels beside the arguments of a start, an activity, a signal or a query.
	HeaderReader interface {
		// ForEachKey calls handler for every field, in no particular order, until it fails; that error is returned.
		ForEachKey(handler func(string, *common.Payload) error) error
		// Get returns a field, and whether it is there.
		Get(string) (*common.Payload, bool)
	}

	// HeaderWriter writes a header.
	HeaderWriter interface {
		// Set sets a field. The payload must not be changed afterwards.
		Set(string, *common.Payload)
	}

	// ContextPropagator carries values of contexts from those who start, signal or query a workflow to its code, and from
	// there to its activities, children and those that it signals. The same one must be among the client options of all of
	// them. It is safe for concurrent use, and inside workflows as deterministic as they are.
	ContextPropagator interface {
		// Inject writes what it carries of a context of ordinary code, before a call.
		Inject(context.Context, HeaderWriter) error
		// Extract returns a context of ordinary code, an activity's, with what it finds.
		Extract(context.Context, HeaderReader) (context.Context, error)
		// InjectFromWorkflow writes what it carries of a context of workflow code, before a call.
		InjectFromWorkflow(Context, HeaderWriter) error
		// ExtractToWorkflow returns a context of workflow code with what it finds.
		ExtractToWorkflow(Context, HeaderReader) (Context, error)
	}

	// ContextAware is a converter.DataConverter that depends on the context in which it is used.
	ContextAware interface {
		// WithWorkflowContext returns the converter for what is encoded and decoded with a context of workflow code.
		WithWorkflowContext(ctx Context) converter.DataConverter
		// WithContext is the same for ordinary code: clients and activities.
		WithContext(ctx context.Context) converter.DataConverter
	}
)

// HeaderFields are the fields of a header, as propagators and interceptors see them. A nil one can be read only.
type HeaderFields map[string]*common.Payload

// ForEachKey is documented at HeaderReader.
func (h HeaderFields) ForEachKey(handler func(string, *common.Payload) error) error {
	for key, value := range h {
		if err := handler(key, value); err != nil {
			return err
		}
	}
	return nil
}

// Get is documented at HeaderReader.
func (h HeaderFields) Get(key string) (*common.Payload, bool) {
	value, ok := h[key]
	return value, ok
}

// Set is documented at HeaderWriter.
func (h HeaderFields) Set(key string, value *common.Payload) { h[key] = value }

// FieldsOf are a copy of what a header holds, empty for none. Interceptors may change it.
func FieldsOf(header *common.Header) HeaderFields {
	if header == nil || len(header.Fields) == 0 {
		return HeaderFields{}
	}
	return HeaderFields(maps.Clone(header.Fields))
}

// Encoded is the header that holds the fields, nil for none.
func (h HeaderFields) Encoded() *common.Header {
	if len(h) == 0 {
		return nil
	}
	return &common.Header{Fields: h}
}

type headerKey struct{}

// Header returns the header that an interceptor may look at, where something comes in, or write to, where something goes
// out; nil elsewhere. It is the same for contexts of workflow code and of ordinary code. Users call
// interceptor.WorkflowHeader and interceptor.Header.
func Header(ctx interface {
	Value(key interface{}) interface{}
}) HeaderFields {
	h, _ := ctx.Value(headerKey{}).(HeaderFields)
	return h
}

// ContextWithHeader returns a context of ordinary code in which Header finds h.
func ContextWithHeader(ctx context.Context, h HeaderFields) context.Context {
	return context.WithValue(ctx, headerKey{}, h)
}

// withHeader returns a context for interceptors with the given header.
func withHeader(ctx Context, h HeaderFields) Context { return WithValue(ctx, headerKey{}, h) }

// received returns a context with what came in beside a start, signal, query or update: for interceptors the header, for
// all others what the propagators make of it.
func (r *run) received(ctx Context, header *common.Header) (Context, error) {
	if !r.headers {
		return ctx, nil
	}
	fields := FieldsOf(header)
	for _, p := range r.def.options.ContextPropagators {
		var err error
		if ctx, err = p.ExtractToWorkflow(ctx, fields); err != nil {
			return nil, fmt.Errorf("propagate context: %w", err)
		}
	}
	if r.outbound != nil || r.def.options.Intercept != nil {
		ctx = withHeader(ctx, fields)
	}
	return ctx, nil
}

// sent is the header of a call: what interceptors have written to that of ctx, and what the propagators write.
func (r *run) sent(ctx Context) (*common.Header, error) {
	if !r.headers {
		return nil, nil
	}
	fields := HeaderFields{}
	if r.outbound != nil {
		maps.Copy(fields, Header(ctx))
	}
	for _, p := range r.def.options.ContextPropagators {
		if err := p.InjectFromWorkflow(ctx, fields); err != nil {
			return nil, fmt.Errorf("propagate context: %w", err)
		}
	}
	return fields.Encoded(), nil
}
