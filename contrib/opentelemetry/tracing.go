package opentelemetry

import (
	"context"
	"fmt"
	"maps"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/workflow"
)

// TracerOptions are the options of NewTracingInterceptor.
type TracerOptions struct {
	// Tracer makes the spans. Default: that of the global provider, named like this package.
	Tracer trace.Tracer
	// TextMapPropagator writes span contexts into headers. Default: W3C trace context and baggage.
	TextMapPropagator propagation.TextMapPropagator
	// HeaderKey is the header field that they are in. Default "_tracer-data".
	HeaderKey string
	// DisableSignalTracing and DisableQueryTracing leave signals, queries out.
	DisableSignalTracing bool
	DisableQueryTracing  bool
}

// NewTracingInterceptor returns an interceptor for clients and workers that makes a span of each start, signal, query,
// workflow, activity and child. A workflow has its span where it first runs: what it calls after it has been replayed is
// below the span that started it.
func NewTracingInterceptor(options TracerOptions) (interceptor.Interceptor, error) {
	if options.Tracer == nil {
		options.Tracer = otel.GetTracerProvider().Tracer(scope)
	}
	if options.TextMapPropagator == nil {
		options.TextMapPropagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	}
	if options.HeaderKey == "" {
		options.HeaderKey = "_tracer-data"
	}
	return &tracing{options: options}, nil
}

type tracing struct {
	interceptor.InterceptorBase
	options TracerOptions
}

// write puts the span context of ctx into a header.
func (t *tracing) write(ctx context.Context, header map[string]*common.Payload) error {
	carrier := propagation.MapCarrier{}
	t.options.TextMapPropagator.Inject(ctx, carrier)
	if len(carrier) == 0 {
		return nil
	}
	p, err := converter.GetDefaultDataConverter().ToPayload(map[string]string(carrier))
	if err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	header[t.options.HeaderKey] = p
	return nil
}

// read returns ctx with the span context of a header. What cannot be read is no reason not to work.
func (t *tracing) read(ctx context.Context, header map[string]*common.Payload) context.Context {
	carrier := map[string]string{}
	if p := header[t.options.HeaderKey]; p != nil && converter.GetDefaultDataConverter().FromPayload(p, &carrier) == nil {
		ctx = t.options.TextMapPropagator.Extract(ctx, propagation.MapCarrier(carrier))
	}
	return ctx
}

// span makes a span around a call.
func (t *tracing) span(ctx context.Context, name string, kind trace.SpanKind, attributes map[string]string, call func(ctx context.Context) error) error {
	list := make([]attribute.KeyValue, 0, len(attributes))
	for key, value := range maps.All(attributes) {
		list = append(list, attribute.String(key, value))
	}
	ctx, span := t.options.Tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(list...))
	defer span.End()
	err := call(ctx)
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// outgoing makes a span around a call that takes the span context along.
func (t *tracing) outgoing(ctx context.Context, name, workflowID string, call func(ctx context.Context) error) error {
	return t.span(ctx, name, trace.SpanKindClient, map[string]string{"temporalWorkflowID": workflowID}, func(ctx context.Context) error {
		if err := t.write(ctx, interceptor.Header(ctx)); err != nil {
			return err
		}
		return call(ctx)
	})
}

func (t *tracing) InterceptClient(next interceptor.ClientOutboundInterceptor) interceptor.ClientOutboundInterceptor {
	return &tracedClient{interceptor.ClientOutboundInterceptorBase{Next: next}, t}
}

type tracedClient struct {
	interceptor.ClientOutboundInterceptorBase
	t *tracing
}

func (c *tracedClient) ExecuteWorkflow(ctx context.Context, in *interceptor.ClientExecuteWorkflowInput) (run client.WorkflowRun, err error) {
	err = c.t.outgoing(ctx, "StartWorkflow:"+in.WorkflowType, in.Options.ID, func(ctx context.Context) (err error) {
		run, err = c.Next.ExecuteWorkflow(ctx, in)
		return err
	})
	return run, err
}

func (c *tracedClient) SignalWithStartWorkflow(ctx context.Context, in *interceptor.ClientSignalWithStartWorkflowInput) (run client.WorkflowRun, err error) {
	err = c.t.outgoing(ctx, "SignalWithStartWorkflow:"+in.WorkflowType, in.Options.ID, func(ctx context.Context) (err error) {
		run, err = c.Next.SignalWithStartWorkflow(ctx, in)
		return err
	})
	return run, err
}

func (c *tracedClient) SignalWorkflow(ctx context.Context, in *interceptor.ClientSignalWorkflowInput) error {
	if c.t.options.DisableSignalTracing {
		return c.Next.SignalWorkflow(ctx, in)
	}
	return c.t.outgoing(ctx, "SignalWorkflow:"+in.SignalName, in.WorkflowID, func(ctx context.Context) error {
		return c.Next.SignalWorkflow(ctx, in)
	})
}

func (c *tracedClient) QueryWorkflow(ctx context.Context, in *interceptor.ClientQueryWorkflowInput) (answer converter.EncodedValue, err error) {
	if c.t.options.DisableQueryTracing {
		return c.Next.QueryWorkflow(ctx, in)
	}
	err = c.t.outgoing(ctx, "QueryWorkflow:"+in.QueryType, in.WorkflowID, func(ctx context.Context) (err error) {
		answer, err = c.Next.QueryWorkflow(ctx, in)
		return err
	})
	return answer, err
}

func (t *tracing) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &tracedActivity{interceptor.ActivityInboundInterceptorBase{Next: next}, t}
}

type tracedActivity struct {
	interceptor.ActivityInboundInterceptorBase
	t *tracing
}

func (a *tracedActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (result interface{}, err error) {
	info := activity.GetInfo(ctx)
	ctx = a.t.read(ctx, interceptor.Header(ctx))
	err = a.t.span(ctx, "RunActivity:"+info.ActivityType.Name, trace.SpanKindServer, map[string]string{
		"temporalWorkflowID": info.WorkflowExecution.ID, "temporalRunID": info.WorkflowExecution.RunID, "temporalActivityID": info.ActivityID,
	}, func(ctx context.Context) (err error) {
		result, err = a.Next.ExecuteActivity(ctx, in)
		return err
	})
	return result, err
}

func (t *tracing) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &tracedWorkflow{interceptor.WorkflowInboundInterceptorBase{Next: next}, t}
}

type tracedWorkflow struct {
	interceptor.WorkflowInboundInterceptorBase
	t *tracing
}

// spanKey is where a workflow context has the span context, as an ordinary context.
type spanKey struct{}

func (w *tracedWorkflow) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	return w.Next.Init(&tracedCalls{interceptor.WorkflowOutboundInterceptorBase{Next: outbound}, w.t})
}

func (w *tracedWorkflow) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (result interface{}, err error) {
	info := workflow.GetInfo(ctx)
	parent := w.t.read(context.Background(), interceptor.WorkflowHeader(ctx))
	if workflow.IsReplaying(ctx) {
		return w.Next.ExecuteWorkflow(workflow.WithValue(ctx, spanKey{}, parent), in)
	}
	err = w.t.span(parent, "RunWorkflow:"+info.WorkflowType.Name, trace.SpanKindServer, map[string]string{
		"temporalWorkflowID": info.WorkflowExecution.ID, "temporalRunID": info.WorkflowExecution.RunID,
	}, func(own context.Context) (err error) {
		result, err = w.Next.ExecuteWorkflow(workflow.WithValue(ctx, spanKey{}, own), in)
		return err
	})
	return result, err
}

type tracedCalls struct {
	interceptor.WorkflowOutboundInterceptorBase
	t *tracing
}

// call makes the span of a call that workflow code has just made, and lets it go along. In replay there is none.
func (c *tracedCalls) call(ctx workflow.Context, name string) {
	parent, ok := ctx.Value(spanKey{}).(context.Context)
	if !ok || workflow.IsReplaying(ctx) {
		return
	}
	err := c.t.span(parent, name, trace.SpanKindClient, nil, func(own context.Context) error {
		return c.t.write(own, interceptor.WorkflowHeader(ctx))
	})
	if err != nil {
		workflow.GetLogger(ctx).Warn("span context does not go along", "error", err)
	}
}

func (c *tracedCalls) ExecuteActivity(ctx workflow.Context, activityType string, args ...interface{}) workflow.Future {
	c.call(ctx, "StartActivity:"+activityType)
	return c.Next.ExecuteActivity(ctx, activityType, args...)
}

func (c *tracedCalls) ExecuteChildWorkflow(ctx workflow.Context, childWorkflowType string, args ...interface{}) workflow.ChildWorkflowFuture {
	c.call(ctx, "StartChildWorkflow:"+childWorkflowType)
	return c.Next.ExecuteChildWorkflow(ctx, childWorkflowType, args...)
}
