package interceptor

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/log"
)

// Tracer makes the spans of NewTracingInterceptor: it stands between that and a library for tracing. Implementations embed
// BaseTracer and are safe for concurrent use.
type Tracer interface {
	// Options are asked for once.
	Options() TracerOptions
	// UnmarshalSpan reads what MarshalSpan has written.
	UnmarshalSpan(map[string]string) (TracerSpanRef, error)
	// MarshalSpan writes what is needed to refer to a span from another process. Nothing goes along if the map is empty.
	MarshalSpan(TracerSpan) (map[string]string, error)
	// SpanFromContext returns the span of a context of ordinary code, nil for none.
	SpanFromContext(context.Context) TracerSpan
	// ContextWithSpan returns a context of ordinary code with the span.
	ContextWithSpan(context.Context, TracerSpan) context.Context
	// StartSpan makes a span. The options are the tracer's.
	StartSpan(*TracerStartSpanOptions) (TracerSpan, error)
	// GetLogger returns the logger that code within the span is to have.
	GetLogger(log.Logger, TracerSpanRef) log.Logger
	// SpanName is the whole name of a span.
	SpanName(options *TracerStartSpanOptions) string

	mustEmbedBaseTracer()
}

// BaseTracer is to be embedded in a Tracer.
type BaseTracer struct{}

// GetLogger returns the logger as it is.
func (BaseTracer) GetLogger(logger log.Logger, _ TracerSpanRef) log.Logger { return logger }

// SpanName is the operation and the name, with a colon between them.
func (BaseTracer) SpanName(options *TracerStartSpanOptions) string {
	return options.Operation + ":" + options.Name
}

func (BaseTracer) mustEmbedBaseTracer() {}

// TracerOptions are what NewTracingInterceptor asks of a Tracer.
type TracerOptions struct {
	// SpanContextKey is the key of spans in contexts, of workflows above all. It must not be nil.
	SpanContextKey interface{}
	// HeaderKey is the header field that spans go along in. It must not be empty.
	HeaderKey string
	// DisableSignalTracing, DisableQueryTracing and DisableUpdateTracing leave signals, queries, updates out.
	DisableSignalTracing bool
	DisableQueryTracing  bool
	DisableUpdateTracing bool
	// AllowInvalidParentSpans makes a span without a parent where UnmarshalSpan fails. Otherwise what was called fails.
	AllowInvalidParentSpans bool
}

// TracerStartSpanOptions are the options of Tracer.StartSpan.
type TracerStartSpanOptions struct {
	// Parent is nil for a span without one.
	Parent TracerSpanRef
	// Operation is the kind of what is done, for example "RunActivity", Name what it is done with: a type, a signal's name.
	Operation string
	Name      string
	// Time is when the span begins: that of the run or the attempt for RunWorkflow and RunActivity, else now.
	Time time.Time
	// DependedOn says that the parent waits for what the span stands for.
	DependedOn bool
	// Tags are attributes of the span.
	Tags map[string]string
	// FromHeader says that the parent, if there is one, came from another process, ToHeader that the span goes along to
	// another.
	FromHeader, ToHeader bool
	// IdempotencyKey is the same when the span of a workflow is made again in a replay, for tracers that can derive the
	// span's identity from it; empty for spans that are made once. Nothing is to be read into it.
	IdempotencyKey string
}

// TracerSpanRef refers to a span, perhaps of another process.
type TracerSpanRef interface{}

// TracerSpan is a span.
type TracerSpan interface {
	TracerSpanRef
	// Finish ends the span. It is called once, or never for the span of a workflow that goes on in another process.
	Finish(*TracerFinishSpanOptions)
}

// TracerFinishSpanOptions are the options of TracerSpan.Finish.
type TracerFinishSpanOptions struct {
	// Error is how what the span stands for failed, nil if it did not.
	Error error
}
