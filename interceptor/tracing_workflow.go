package interceptor

import (
	"errors"
	"strconv"

	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

// tracedWorkflow makes the spans of a run.
type tracedWorkflow struct {
	WorkflowInboundInterceptorBase
	t *tracing
	// made counts the spans of the run, in replay as before it.
	made int
	// own is the span of the run, nil before there is one.
	own TracerSpan
}

func (w *tracedWorkflow) Init(outbound WorkflowOutboundInterceptor) error {
	return w.Next.Init(&tracedCalls{WorkflowOutboundInterceptorBase{Next: outbound}, w})
}

// key tells the next span of the run from all others, in every replay alike.
func (w *tracedWorkflow) key(ctx workflow.Context) string {
	w.made++
	return workflow.GetInfo(ctx).WorkflowExecution.RunID + "/" + strconv.Itoa(w.made)
}

func (w *tracedWorkflow) tags(ctx workflow.Context) map[string]string {
	info := workflow.GetInfo(ctx)
	return map[string]string{workflowIDTag: info.WorkflowExecution.ID, runIDTag: info.WorkflowExecution.RunID}
}

func (w *tracedWorkflow) ExecuteWorkflow(ctx workflow.Context, in *ExecuteWorkflowInput) (interface{}, error) {
	info := workflow.GetInfo(ctx)
	span, err := w.t.start(TracerStartSpanOptions{Operation: "RunWorkflow", Name: info.WorkflowType.Name, Time: info.WorkflowStartTime,
		DependedOn: true, FromHeader: true, Tags: w.tags(ctx), IdempotencyKey: w.key(ctx)}, WorkflowHeader(ctx))
	if err != nil {
		return nil, err
	}
	w.own = span
	result, err := w.Next.ExecuteWorkflow(workflow.WithValue(ctx, w.t.options.SpanContextKey, span), in)
	w.finish(ctx, span, err)
	return result, err
}

// finish ends the span of what has just ended, unless it had ended before and is replayed. To continue as new is no failure.
// It is never deferred: code that is taken out of memory, or panics, has not ended.
func (w *tracedWorkflow) finish(ctx workflow.Context, span TracerSpan, err error) {
	if workflow.IsReplaying(ctx) {
		return
	}
	var next *workflow.ContinueAsNewError
	if errors.As(err, &next) {
		err = nil
	}
	span.Finish(&TracerFinishSpanOptions{Error: err})
}

// handling makes the span of what a message makes the run do: below the span that came along with the message, or else
// the run's.
func (w *tracedWorkflow) handling(ctx workflow.Context, o TracerStartSpanOptions) (TracerSpan, workflow.Context, error) {
	o.FromHeader, o.Tags = true, w.tags(ctx)
	if w.own != nil {
		o.Parent = w.own
	}
	span, err := w.t.start(o, WorkflowHeader(ctx))
	if err != nil {
		return nil, nil, err
	}
	return span, workflow.WithValue(ctx, w.t.options.SpanContextKey, span), nil
}

func (w *tracedWorkflow) HandleSignal(ctx workflow.Context, in *HandleSignalInput) error {
	if w.t.options.DisableSignalTracing {
		return w.Next.HandleSignal(ctx, in)
	}
	key := w.key(ctx)
	if workflow.IsReplaying(ctx) {
		return w.Next.HandleSignal(ctx, in)
	}
	span, ctx, err := w.handling(ctx, TracerStartSpanOptions{Operation: "HandleSignal", Name: in.SignalName, IdempotencyKey: key})
	if err != nil {
		return err
	}
	err = w.Next.HandleSignal(ctx, in)
	w.finish(ctx, span, err)
	return err
}

func (w *tracedWorkflow) HandleQuery(ctx workflow.Context, in *HandleQueryInput) (interface{}, error) {
	if w.t.options.DisableQueryTracing {
		return w.Next.HandleQuery(ctx, in)
	}
	span, ctx, err := w.handling(ctx, TracerStartSpanOptions{Operation: "HandleQuery", Name: in.QueryType, DependedOn: true})
	if err != nil {
		return nil, err
	}
	answer, err := w.Next.HandleQuery(ctx, in)
	span.Finish(&TracerFinishSpanOptions{Error: err})
	return answer, err
}

func (w *tracedWorkflow) ValidateUpdate(ctx workflow.Context, in *UpdateInput) error {
	if w.t.options.DisableUpdateTracing {
		return w.Next.ValidateUpdate(ctx, in)
	}
	span, ctx, err := w.handling(ctx, TracerStartSpanOptions{Operation: "ValidateUpdate", Name: in.Name, DependedOn: true})
	if err != nil {
		return err
	}
	err = w.Next.ValidateUpdate(ctx, in)
	span.Finish(&TracerFinishSpanOptions{Error: err})
	return err
}

func (w *tracedWorkflow) ExecuteUpdate(ctx workflow.Context, in *UpdateInput) (interface{}, error) {
	if w.t.options.DisableUpdateTracing {
		return w.Next.ExecuteUpdate(ctx, in)
	}
	span, ctx, err := w.handling(ctx, TracerStartSpanOptions{Operation: "HandleUpdate", Name: in.Name, DependedOn: true, IdempotencyKey: w.key(ctx)})
	if err != nil {
		return nil, err
	}
	result, err := w.Next.ExecuteUpdate(ctx, in)
	w.finish(ctx, span, err)
	return result, err
}

// tracedCalls makes the spans of what a run's code calls.
type tracedCalls struct {
	WorkflowOutboundInterceptorBase
	w *tracedWorkflow
}

// called makes the span of a call that the code has just made, and lets it go along. The call does without one that
// cannot be made: what a run does must not depend on how it is traced.
func (c *tracedCalls) called(ctx workflow.Context, operation, name string) {
	key := c.w.key(ctx)
	if workflow.IsReplaying(ctx) {
		return
	}
	t := c.w.t
	span, err := t.start(TracerStartSpanOptions{Parent: ctx.Value(t.options.SpanContextKey), Operation: operation, Name: name,
		DependedOn: true, ToHeader: true, Tags: c.w.tags(ctx), IdempotencyKey: key}, WorkflowHeader(ctx))
	if err != nil {
		workflow.GetLogger(ctx).Warn("a call is not traced", "error", err)
		return
	}
	span.Finish(&TracerFinishSpanOptions{})
}

func (c *tracedCalls) ExecuteActivity(ctx workflow.Context, activityType string, args ...interface{}) workflow.Future {
	c.called(ctx, "StartActivity", activityType)
	return c.Next.ExecuteActivity(ctx, activityType, args...)
}

func (c *tracedCalls) ExecuteLocalActivity(ctx workflow.Context, activityType string, args ...interface{}) workflow.Future {
	c.called(ctx, "StartActivity", activityType)
	return c.Next.ExecuteLocalActivity(ctx, activityType, args...)
}

func (c *tracedCalls) ExecuteChildWorkflow(ctx workflow.Context, childWorkflowType string, args ...interface{}) workflow.ChildWorkflowFuture {
	c.called(ctx, "StartChildWorkflow", childWorkflowType)
	return c.Next.ExecuteChildWorkflow(ctx, childWorkflowType, args...)
}

func (c *tracedCalls) SignalExternalWorkflow(ctx workflow.Context, workflowID, runID, signalName string, arg interface{}) workflow.Future {
	if !c.w.t.options.DisableSignalTracing {
		c.called(ctx, "SignalExternalWorkflow", signalName)
	}
	return c.Next.SignalExternalWorkflow(ctx, workflowID, runID, signalName, arg)
}

func (c *tracedCalls) SignalChildWorkflow(ctx workflow.Context, workflowID, signalName string, arg interface{}) workflow.Future {
	if !c.w.t.options.DisableSignalTracing {
		c.called(ctx, "SignalChildWorkflow", signalName)
	}
	return c.Next.SignalChildWorkflow(ctx, workflowID, signalName, arg)
}

// NewContinueAsNewError lets the span of the workflow go along: the successor's is below it.
func (c *tracedCalls) NewContinueAsNewError(ctx workflow.Context, wfn interface{}, args ...interface{}) error {
	if span, ok := ctx.Value(c.w.t.options.SpanContextKey).(TracerSpan); ok && !workflow.IsReplaying(ctx) {
		if err := c.w.t.write(span, WorkflowHeader(ctx)); err != nil {
			workflow.GetLogger(ctx).Warn("the successor is not traced", "error", err)
		}
	}
	return c.Next.NewContinueAsNewError(ctx, wfn, args...)
}

func (c *tracedCalls) GetLogger(ctx workflow.Context) log.Logger {
	logger := c.Next.GetLogger(ctx)
	if span := ctx.Value(c.w.t.options.SpanContextKey); span != nil {
		logger = c.w.t.tracer.GetLogger(logger, span)
	}
	return logger
}
