package opentelemetry

import (
	"context"
	"errors"
	"maps"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/log"
)

// TracerOptions are the options of NewTracer and NewTracingInterceptor.
type TracerOptions struct {
	// Tracer makes the spans. Default: that of the global provider, named like this package.
	Tracer trace.Tracer
	// TextMapPropagator writes span contexts into headers. Default: W3C trace context and baggage.
	TextMapPropagator propagation.TextMapPropagator
	// DisableBaggage leaves baggage where it is. Otherwise it goes along with spans.
	DisableBaggage bool
	// SpanContextKey is the key of spans in contexts of workflows. Default: one of this package.
	SpanContextKey interface{}
	// HeaderKey is the header field that spans go along in. Default "_tracer-data".
	HeaderKey string
	// DisableSignalTracing, DisableQueryTracing and DisableUpdateTracing leave signals, queries, updates out.
	DisableSignalTracing bool
	DisableQueryTracing  bool
	DisableUpdateTracing bool
	// AllowInvalidParentSpans makes a span without a parent where what came along is no span. Otherwise what was called
	// fails.
	AllowInvalidParentSpans bool
}

// NewTracingInterceptor returns interceptor.NewTracingInterceptor with a tracer of NewTracer.
func NewTracingInterceptor(options TracerOptions) (interceptor.Interceptor, error) {
	t, err := NewTracer(options)
	if err != nil {
		return nil, err
	}
	return interceptor.NewTracingInterceptor(t), nil
}

// NewTracer returns a tracer whose spans are OpenTelemetry's. A run that moves from one process to another has a span of
// its own in each, of which the last is exported.
func NewTracer(options TracerOptions) (interceptor.Tracer, error) {
	if options.Tracer == nil {
		options.Tracer = otel.GetTracerProvider().Tracer(scope)
	}
	if options.TextMapPropagator == nil {
		options.TextMapPropagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	}
	if options.SpanContextKey == nil {
		options.SpanContextKey = spanKey{}
	}
	if options.HeaderKey == "" {
		options.HeaderKey = "_tracer-data"
	}
	return &tracer{options: options}, nil
}

type spanKey struct{}

type tracer struct {
	interceptor.BaseTracer
	options TracerOptions
}

// reference is a span of another process.
type reference struct {
	trace.SpanContext
	baggage.Baggage
}

// span is one of this process.
type span struct {
	trace.Span
	baggage.Baggage
}

func (s *span) Finish(o *interceptor.TracerFinishSpanOptions) {
	if o.Error != nil {
		s.RecordError(o.Error)
		s.SetStatus(codes.Error, o.Error.Error())
	}
	s.End()
}

func (t *tracer) Options() interceptor.TracerOptions {
	o := t.options
	return interceptor.TracerOptions{SpanContextKey: o.SpanContextKey, HeaderKey: o.HeaderKey, DisableSignalTracing: o.DisableSignalTracing,
		DisableQueryTracing: o.DisableQueryTracing, DisableUpdateTracing: o.DisableUpdateTracing, AllowInvalidParentSpans: o.AllowInvalidParentSpans}
}

func (t *tracer) UnmarshalSpan(data map[string]string) (interceptor.TracerSpanRef, error) {
	ctx := t.options.TextMapPropagator.Extract(context.Background(), propagation.MapCarrier(data))
	found := trace.SpanContextFromContext(ctx)
	if !found.IsValid() {
		return nil, errors.New("what came along is no span context")
	}
	ref := &reference{SpanContext: found}
	if !t.options.DisableBaggage {
		ref.Baggage = baggage.FromContext(ctx)
	}
	return ref, nil
}

func (t *tracer) MarshalSpan(s interceptor.TracerSpan) (map[string]string, error) {
	data := propagation.MapCarrier{}
	own := s.(*span) // there are no others
	ctx := trace.ContextWithSpan(context.Background(), own.Span)
	if !t.options.DisableBaggage {
		ctx = baggage.ContextWithBaggage(ctx, own.Baggage)
	}
	t.options.TextMapPropagator.Inject(ctx, data)
	return data, nil
}

func (t *tracer) SpanFromContext(ctx context.Context) interceptor.TracerSpan {
	found := trace.SpanFromContext(ctx)
	if !found.SpanContext().IsValid() {
		return nil
	}
	return &span{Span: found, Baggage: baggage.FromContext(ctx)}
}

func (t *tracer) ContextWithSpan(ctx context.Context, s interceptor.TracerSpan) context.Context {
	own := s.(*span) // there are no others
	if !t.options.DisableBaggage {
		ctx = baggage.ContextWithBaggage(ctx, own.Baggage)
	}
	return trace.ContextWithSpan(ctx, own.Span)
}

func (t *tracer) StartSpan(o *interceptor.TracerStartSpanOptions) (interceptor.TracerSpan, error) {
	ctx := context.Background()
	made := &span{}
	switch parent := o.Parent.(type) {
	case *span:
		ctx, made.Baggage = trace.ContextWithSpan(ctx, parent.Span), parent.Baggage
	case *reference:
		ctx, made.Baggage = trace.ContextWithRemoteSpanContext(ctx, parent.SpanContext), parent.Baggage
	}
	kind := trace.SpanKindInternal
	switch {
	case o.FromHeader:
		kind = trace.SpanKindServer
	case o.ToHeader:
		kind = trace.SpanKindClient
	}
	attributes := make([]attribute.KeyValue, 0, len(o.Tags))
	for key, value := range maps.All(o.Tags) {
		attributes = append(attributes, attribute.String(key, value))
	}
	_, made.Span = t.options.Tracer.Start(ctx, t.SpanName(o), trace.WithTimestamp(o.Time), trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
	return made, nil
}

// GetLogger adds the span's identity to what is logged.
func (t *tracer) GetLogger(logger log.Logger, ref interceptor.TracerSpanRef) log.Logger {
	var found trace.SpanContext
	switch s := ref.(type) {
	case *span:
		found = s.SpanContext()
	case *reference:
		found = s.SpanContext
	}
	if !found.IsValid() {
		return logger
	}
	return log.With(logger, "TraceID", found.TraceID().String(), "SpanID", found.SpanID().String())
}
