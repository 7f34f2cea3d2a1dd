package interceptor

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

// The tags of spans.
const (
	workflowIDTag = "temporalWorkflowID"
	runIDTag      = "temporalRunID"
	activityIDTag = "temporalActivityID"
	updateIDTag   = "temporalUpdateID"
)

// NewTracingInterceptor returns an interceptor for clients and workers that makes a span of each start, signal, query and
// update, and of each workflow, activity and child that these lead to, each below the one that led to it. It panics when
// the tracer's options lack what they must have.
//
// The span of a workflow is made whenever the run is replayed, and finished where the run closes: one that moved to
// another process in between is one span only with a tracer that heeds IdempotencyKey. All other spans are made once.
func NewTracingInterceptor(tracer Tracer) Interceptor {
	options := tracer.Options()
	if options.SpanContextKey == nil || options.HeaderKey == "" {
		panic(fmt.Sprintf("interceptor.NewTracingInterceptor: %T.Options has no SpanContextKey or no HeaderKey", tracer))
	}
	return &tracing{tracer: tracer, options: options}
}

type tracing struct {
	InterceptorBase
	tracer  Tracer
	options TracerOptions
}

func (t *tracing) InterceptClient(next ClientOutboundInterceptor) ClientOutboundInterceptor {
	return &tracedClient{ClientOutboundInterceptorBase{Next: next}, t}
}

func (t *tracing) InterceptActivity(_ context.Context, next ActivityInboundInterceptor) ActivityInboundInterceptor {
	return &tracedActivity{ActivityInboundInterceptorBase{Next: next}, t}
}

func (t *tracing) InterceptWorkflow(_ workflow.Context, next WorkflowInboundInterceptor) WorkflowInboundInterceptor {
	return &tracedWorkflow{WorkflowInboundInterceptorBase: WorkflowInboundInterceptorBase{Next: next}, t: t}
}

// read returns the span that came along, nil for none.
func (t *tracing) read(header map[string]*common.Payload) (TracerSpanRef, error) {
	p := header[t.options.HeaderKey]
	if p == nil {
		return nil, nil
	}
	var data map[string]string
	err := converter.GetDefaultDataConverter().FromPayload(p, &data)
	var ref TracerSpanRef
	if err == nil {
		ref, err = t.tracer.UnmarshalSpan(data)
	}
	if err != nil && !t.options.AllowInvalidParentSpans {
		return nil, fmt.Errorf("trace: header field %q: %w", t.options.HeaderKey, err)
	}
	if err != nil {
		return nil, nil
	}
	return ref, nil
}

// write lets a span go along.
func (t *tracing) write(span TracerSpan, header map[string]*common.Payload) error {
	data, err := t.tracer.MarshalSpan(span)
	if err != nil || len(data) == 0 || header == nil {
		return err
	}
	p, err := converter.GetDefaultDataConverter().ToPayload(data)
	if err != nil {
		return err
	}
	header[t.options.HeaderKey] = p
	return nil
}

// start makes a span. Header is where its parent or where it is to be found, as the options say.
func (t *tracing) start(o TracerStartSpanOptions, header map[string]*common.Payload) (TracerSpan, error) {
	if o.FromHeader {
		parent, err := t.read(header)
		if err != nil {
			return nil, err
		}
		if parent != nil {
			o.Parent = parent
		}
	}
	if o.Time.IsZero() {
		o.Time = time.Now()
	}
	o.Tags = maps.Clone(o.Tags) // the tracer's own
	span, err := t.tracer.StartSpan(&o)
	if err != nil {
		return nil, fmt.Errorf("trace %s %q: start span: %w", o.Operation, o.Name, err)
	}
	if o.ToHeader {
		if err := t.write(span, header); err != nil {
			span.Finish(&TracerFinishSpanOptions{Error: err})
			return nil, fmt.Errorf("trace %s %q: marshal span: %w", o.Operation, o.Name, err)
		}
	}
	return span, nil
}

// around makes a span around a call in ordinary code.
func (t *tracing) around(ctx context.Context, o TracerStartSpanOptions, call func(ctx context.Context) error) error {
	if !o.FromHeader {
		if parent := t.tracer.SpanFromContext(ctx); parent != nil {
			o.Parent = parent
		}
	}
	span, err := t.start(o, Header(ctx))
	if err != nil {
		return err
	}
	ctx = context.WithValue(t.tracer.ContextWithSpan(ctx, span), t.options.SpanContextKey, span)
	err = call(ctx)
	span.Finish(&TracerFinishSpanOptions{Error: err})
	return err
}

// tracedClient makes the spans of a client's calls.
type tracedClient struct {
	ClientOutboundInterceptorBase
	t *tracing
}

func (c *tracedClient) call(ctx context.Context, operation, name, workflowID string, call func(ctx context.Context) error) error {
	return c.t.around(ctx, TracerStartSpanOptions{Operation: operation, Name: name, ToHeader: true,
		Tags: map[string]string{workflowIDTag: workflowID}}, call)
}

func (c *tracedClient) ExecuteWorkflow(ctx context.Context, in *ClientExecuteWorkflowInput) (run client.WorkflowRun, err error) {
	err = c.call(ctx, "StartWorkflow", in.WorkflowType, in.Options.ID, func(ctx context.Context) (err error) {
		run, err = c.Next.ExecuteWorkflow(ctx, in)
		return err
	})
	return run, err
}

func (c *tracedClient) SignalWithStartWorkflow(ctx context.Context, in *ClientSignalWithStartWorkflowInput) (run client.WorkflowRun, err error) {
	err = c.call(ctx, "SignalWithStartWorkflow", in.WorkflowType, in.Options.ID, func(ctx context.Context) (err error) {
		run, err = c.Next.SignalWithStartWorkflow(ctx, in)
		return err
	})
	return run, err
}

func (c *tracedClient) SignalWorkflow(ctx context.Context, in *ClientSignalWorkflowInput) error {
	if c.t.options.DisableSignalTracing {
		return c.Next.SignalWorkflow(ctx, in)
	}
	return c.call(ctx, "SignalWorkflow", in.SignalName, in.WorkflowID, func(ctx context.Context) error {
		return c.Next.SignalWorkflow(ctx, in)
	})
}

func (c *tracedClient) QueryWorkflow(ctx context.Context, in *ClientQueryWorkflowInput) (answer converter.EncodedValue, err error) {
	if c.t.options.DisableQueryTracing {
		return c.Next.QueryWorkflow(ctx, in)
	}
	err = c.call(ctx, "QueryWorkflow", in.QueryType, in.WorkflowID, func(ctx context.Context) (err error) {
		answer, err = c.Next.QueryWorkflow(ctx, in)
		return err
	})
	return answer, err
}

func (c *tracedClient) UpdateWorkflow(ctx context.Context, in *ClientUpdateWorkflowInput) (handle client.WorkflowUpdateHandle, err error) {
	if c.t.options.DisableUpdateTracing {
		return c.Next.UpdateWorkflow(ctx, in)
	}
	err = c.t.around(ctx, TracerStartSpanOptions{Operation: "UpdateWorkflow", Name: in.UpdateName, ToHeader: true,
		Tags: map[string]string{workflowIDTag: in.WorkflowID, updateIDTag: in.UpdateID}}, func(ctx context.Context) (err error) {
		handle, err = c.Next.UpdateWorkflow(ctx, in)
		return err
	})
	return handle, err
}

func (c *tracedClient) UpdateWithStartWorkflow(ctx context.Context, in *ClientUpdateWithStartWorkflowInput) (handle client.WorkflowUpdateHandle, err error) {
	if c.t.options.DisableUpdateTracing {
		return c.Next.UpdateWithStartWorkflow(ctx, in)
	}
	err = c.t.around(ctx, TracerStartSpanOptions{Operation: "UpdateWithStartWorkflow", Name: in.UpdateOptions.UpdateName, ToHeader: true,
		Tags: map[string]string{workflowIDTag: in.UpdateOptions.WorkflowID, updateIDTag: in.UpdateOptions.UpdateID}}, func(ctx context.Context) (err error) {
		handle, err = c.Next.UpdateWithStartWorkflow(ctx, in)
		return err
	})
	return handle, err
}

func (c *tracedClient) ExecuteActivity(ctx context.Context, in *ClientExecuteActivityInput) (handle client.ActivityHandle, err error) {
	err = c.t.around(ctx, TracerStartSpanOptions{Operation: "StartActivity", Name: in.ActivityType, ToHeader: true,
		Tags: map[string]string{activityIDTag: in.Options.ID}}, func(ctx context.Context) (err error) {
		handle, err = c.Next.ExecuteActivity(ctx, in)
		return err
	})
	return handle, err
}

// tracedActivity makes the span of an attempt.
type tracedActivity struct {
	ActivityInboundInterceptorBase
	t *tracing
}

func (a *tracedActivity) Init(outbound ActivityOutboundInterceptor) error {
	return a.Next.Init(&tracedActivityCalls{ActivityOutboundInterceptorBase{Next: outbound}, a.t})
}

func (a *tracedActivity) ExecuteActivity(ctx context.Context, in *ExecuteActivityInput) (result interface{}, err error) {
	info := activity.GetInfo(ctx)
	err = a.t.around(ctx, TracerStartSpanOptions{Operation: "RunActivity", Name: info.ActivityType.Name, Time: info.StartedTime,
		DependedOn: true, FromHeader: true, Tags: map[string]string{
			workflowIDTag: info.WorkflowExecution.ID, runIDTag: info.WorkflowExecution.RunID, activityIDTag: info.ActivityID,
		}}, func(ctx context.Context) (err error) {
		result, err = a.Next.ExecuteActivity(ctx, in)
		return err
	})
	return result, err
}

type tracedActivityCalls struct {
	ActivityOutboundInterceptorBase
	t *tracing
}

func (c *tracedActivityCalls) GetLogger(ctx context.Context) log.Logger {
	logger := c.Next.GetLogger(ctx)
	if span := ctx.Value(c.t.options.SpanContextKey); span != nil {
		logger = c.t.tracer.GetLogger(logger, span)
	}
	return logger
}
