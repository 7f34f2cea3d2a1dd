package workflow

import (
	"time"

	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/log"
)

// OutboundInterceptorBase passes everything on to Next, which must be set.
type OutboundInterceptorBase struct{ Next OutboundInterceptor }

var _ OutboundInterceptor = (*OutboundInterceptorBase)(nil)

func (*OutboundInterceptorBase) mustEmbedWorkflowOutboundInterceptorBase() {}

// Go is documented at OutboundInterceptor, as are the other methods.
func (b *OutboundInterceptorBase) Go(ctx Context, name string, f func(ctx Context)) Context {
	return b.Next.Go(ctx, name, f)
}

// Await is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) Await(ctx Context, condition func() bool) error {
	return b.Next.Await(ctx, condition)
}

// AwaitWithTimeout is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) AwaitWithTimeout(ctx Context, timeout time.Duration, condition func() bool) (bool, error) {
	return b.Next.AwaitWithTimeout(ctx, timeout, condition)
}

// AwaitWithOptions is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) AwaitWithOptions(ctx Context, options AwaitOptions, condition func() bool) (bool, error) {
	return b.Next.AwaitWithOptions(ctx, options, condition)
}

// ExecuteActivity is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) ExecuteActivity(ctx Context, activityType string, args ...interface{}) Future {
	return b.Next.ExecuteActivity(ctx, activityType, args...)
}

// ExecuteChildWorkflow is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) ExecuteChildWorkflow(ctx Context, childWorkflowType string, args ...interface{}) ChildWorkflowFuture {
	return b.Next.ExecuteChildWorkflow(ctx, childWorkflowType, args...)
}

// GetInfo is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetInfo(ctx Context) *Info {
	return b.Next.GetInfo(ctx)
}

// GetLogger is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetLogger(ctx Context) log.Logger {
	return b.Next.GetLogger(ctx)
}

// GetMetricsHandler is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetMetricsHandler(ctx Context) metrics.Handler {
	return b.Next.GetMetricsHandler(ctx)
}

// Now is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) Now(ctx Context) time.Time {
	return b.Next.Now(ctx)
}

// NewTimer is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) NewTimer(ctx Context, d time.Duration) Future {
	return b.Next.NewTimer(ctx, d)
}

// NewTimerWithOptions is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) NewTimerWithOptions(ctx Context, d time.Duration, options TimerOptions) Future {
	return b.Next.NewTimerWithOptions(ctx, d, options)
}

// Sleep is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) Sleep(ctx Context, d time.Duration) (err error) {
	return b.Next.Sleep(ctx, d)
}

// RequestCancelExternalWorkflow is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) RequestCancelExternalWorkflow(ctx Context, workflowID, runID string) Future {
	return b.Next.RequestCancelExternalWorkflow(ctx, workflowID, runID)
}

// SignalExternalWorkflow is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) SignalExternalWorkflow(ctx Context, workflowID, runID, signalName string, arg interface{}) Future {
	return b.Next.SignalExternalWorkflow(ctx, workflowID, runID, signalName, arg)
}

// SignalChildWorkflow is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) SignalChildWorkflow(ctx Context, workflowID, signalName string, arg interface{}) Future {
	return b.Next.SignalChildWorkflow(ctx, workflowID, signalName, arg)
}

// GetSignalChannel is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetSignalChannel(ctx Context, signalName string) ReceiveChannel {
	return b.Next.GetSignalChannel(ctx, signalName)
}

// GetSignalChannelWithOptions is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetSignalChannelWithOptions(ctx Context, signalName string, options SignalChannelOptions) ReceiveChannel {
	return b.Next.GetSignalChannelWithOptions(ctx, signalName, options)
}

// SetQueryHandlerWithOptions is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) SetQueryHandlerWithOptions(ctx Context, queryType string, handler interface{}, options QueryHandlerOptions) error {
	return b.Next.SetQueryHandlerWithOptions(ctx, queryType, handler, options)
}

// SetQueryHandler is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) SetQueryHandler(ctx Context, queryType string, handler interface{}) error {
	return b.Next.SetQueryHandler(ctx, queryType, handler)
}

// SetUpdateHandler is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) SetUpdateHandler(ctx Context, updateName string, handler interface{}, opts UpdateHandlerOptions) error {
	return b.Next.SetUpdateHandler(ctx, updateName, handler, opts)
}

// GetCurrentUpdateInfo is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetCurrentUpdateInfo(ctx Context) *UpdateInfo {
	return b.Next.GetCurrentUpdateInfo(ctx)
}

// IsReplaying is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) IsReplaying(ctx Context) bool {
	return b.Next.IsReplaying(ctx)
}

// HasLastCompletionResult is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) HasLastCompletionResult(ctx Context) bool {
	return b.Next.HasLastCompletionResult(ctx)
}

// GetLastCompletionResult is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetLastCompletionResult(ctx Context, d ...interface{}) error {
	return b.Next.GetLastCompletionResult(ctx, d...)
}

// GetLastError is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetLastError(ctx Context) error {
	return b.Next.GetLastError(ctx)
}

// NewContinueAsNewError is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) NewContinueAsNewError(ctx Context, wfn interface{}, args ...interface{}) error {
	return b.Next.NewContinueAsNewError(ctx, wfn, args...)
}
