package workflow

import (
	"time"

	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/log"
)

// outbound is behind all outbound interceptors: it does what the functions of this package do without them.
type outbound struct {
	OutboundInterceptorBase // for its mark; every method is overridden
	run                     *run
}

// Go is documented at OutboundInterceptor, as are the other methods.
func (o *outbound) Go(ctx Context, name string, f func(ctx Context)) Context {
	o.run.spawn(ctx, name, f)
	return ctx
}

func (o *outbound) Await(ctx Context, condition func() bool) error {
	return o.run.await(ctx, condition)
}

func (o *outbound) AwaitWithTimeout(ctx Context, timeout time.Duration, condition func() bool) (bool, error) {
	return o.run.awaitFor(ctx, AwaitOptions{Timeout: timeout}, condition)
}

func (o *outbound) AwaitWithOptions(ctx Context, options AwaitOptions, condition func() bool) (bool, error) {
	return o.run.awaitFor(ctx, options, condition)
}

func (o *outbound) ExecuteActivity(ctx Context, activityType string, args ...interface{}) Future {
	return o.run.executeActivity(ctx, activityType, args)
}

func (o *outbound) ExecuteChildWorkflow(ctx Context, childWorkflowType string, args ...interface{}) ChildWorkflowFuture {
	return o.run.executeChild(ctx, childWorkflowType, args, nil)
}

func (o *outbound) GetInfo(Context) *Info { return o.run.info() }

func (o *outbound) GetLogger(Context) log.Logger { return o.run.log() }

func (o *outbound) GetMetricsHandler(Context) metrics.Handler { return o.run.metricsHandler() }

func (o *outbound) Now(Context) time.Time { return o.run.env.Now() }

func (o *outbound) NewTimer(ctx Context, d time.Duration) Future {
	return o.run.newTimer(ctx, d, TimerOptions{})
}

func (o *outbound) NewTimerWithOptions(ctx Context, d time.Duration, options TimerOptions) Future {
	return o.run.newTimer(ctx, d, options)
}

func (o *outbound) Sleep(ctx Context, d time.Duration) error {
	return o.run.newTimer(ctx, d, TimerOptions{}).Get(ctx, nil)
}

func (o *outbound) RequestCancelExternalWorkflow(ctx Context, workflowID, runID string) Future {
	return o.run.cancelExternal(ctx, workflowID, runID)
}

func (o *outbound) SignalExternalWorkflow(ctx Context, workflowID, runID, signalName string, arg interface{}) Future {
	return o.run.signalExternal(ctx, workflowID, runID, signalName, arg)
}

func (o *outbound) SignalChildWorkflow(ctx Context, workflowID, signalName string, arg interface{}) Future {
	return o.run.signalChild(ctx, workflowID, signalName, arg)
}

func (o *outbound) GetSignalChannel(_ Context, signalName string) ReceiveChannel {
	return o.run.signalChannel(signalName)
}

func (o *outbound) GetSignalChannelWithOptions(_ Context, signalName string, options SignalChannelOptions) ReceiveChannel {
	return o.run.signalChannelWithOptions(signalName, options)
}

func (o *outbound) SetQueryHandler(_ Context, queryType string, handler interface{}) error {
	return o.run.setQueryHandler(queryType, handler, QueryHandlerOptions{})
}

func (o *outbound) SetQueryHandlerWithOptions(_ Context, queryType string, handler interface{}, options QueryHandlerOptions) error {
	return o.run.setQueryHandler(queryType, handler, options)
}

func (o *outbound) SetUpdateHandler(_ Context, updateName string, handler interface{}, opts UpdateHandlerOptions) error {
	return o.run.setUpdateHandler(updateName, handler, opts)
}

func (o *outbound) GetCurrentUpdateInfo(ctx Context) *UpdateInfo { return currentUpdate(ctx) }

func (o *outbound) IsReplaying(Context) bool { return o.run.env.Replaying() }

func (o *outbound) HasLastCompletionResult(Context) bool {
	return len(o.run.start().LastCompletionResult.GetPayloads()) > 0
}

func (o *outbound) GetLastCompletionResult(ctx Context, d ...interface{}) error {
	return o.run.lastCompletionResult(ctx, d)
}

func (o *outbound) GetLastError(Context) error { return o.run.lastError() }

func (o *outbound) NewContinueAsNewError(ctx Context, wfn interface{}, args ...interface{}) error {
	return o.run.newContinueAsNewError(ctx, ContinueAsNewErrorOptions{}, wfn, args)
}
