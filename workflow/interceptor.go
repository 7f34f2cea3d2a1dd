package workflow

import (
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/log"
)

// InboundInterceptor sees what comes into a run. There is one chain for each run and replay of it. Implementations embed
// InboundInterceptorBase, which passes everything on, and are as deterministic as workflow code.
//
// Users know it as interceptor.WorkflowInboundInterceptor.
type InboundInterceptor interface {
	// Init is called first, with what the run's code calls out through. Who wants to intercept that passes an interceptor
	// of its own to the next Init.
	Init(outbound OutboundInterceptor) error
	// ExecuteWorkflow runs the workflow function. Header shows what came beside its arguments.
	ExecuteWorkflow(ctx Context, in *ExecuteWorkflowInput) (interface{}, error)
	// HandleSignal takes a signal; the next one puts it into its channel. It must not block.
	HandleSignal(ctx Context, in *HandleSignalInput) error
	// HandleQuery answers a query. It must neither block nor change anything.
	HandleQuery(ctx Context, in *HandleQueryInput) (interface{}, error)
	// ValidateUpdate judges an update before it is accepted. It must neither block nor change anything.
	ValidateUpdate(ctx Context, in *UpdateInput) error
	// ExecuteUpdate runs the handler of an update that was accepted.
	ExecuteUpdate(ctx Context, in *UpdateInput) (interface{}, error)

	mustEmbedWorkflowInboundInterceptorBase()
}

// ExecuteWorkflowInput is the input of InboundInterceptor.ExecuteWorkflow.
type ExecuteWorkflowInput struct {
	// Args are the decoded arguments, without the context.
	Args []interface{}
}

// HandleSignalInput is the input of InboundInterceptor.HandleSignal.
type HandleSignalInput struct {
	SignalName string
	// Arg is the signal's encoded argument.
	Arg *common.Payloads
}

// HandleQueryInput is the input of InboundInterceptor.HandleQuery.
type HandleQueryInput struct {
	QueryType string
	// Args are the decoded arguments.
	Args []interface{}
}

// UpdateInput is the input of InboundInterceptor.ValidateUpdate and ExecuteUpdate.
type UpdateInput struct {
	// Name is the update's.
	Name string
	// Args are the decoded arguments.
	Args []interface{}
}

// OutboundInterceptor sees what the code of a run calls: each method stands for the function of this package with its
// name. Implementations embed OutboundInterceptorBase, which passes everything on.
//
// Users know it as interceptor.WorkflowOutboundInterceptor.
type OutboundInterceptor interface {
	// Go intercepts Go and GoNamed. The returned context is not used.
	Go(ctx Context, name string, f func(ctx Context)) Context
	Await(ctx Context, condition func() bool) error
	AwaitWithTimeout(ctx Context, timeout time.Duration, condition func() bool) (bool, error)
	AwaitWithOptions(ctx Context, options AwaitOptions, condition func() bool) (bool, error)
	// ExecuteActivity, ExecuteChildWorkflow, SignalExternalWorkflow, SignalChildWorkflow and NewContinueAsNewError find in
	// Header what will go along, and may write to it.
	ExecuteActivity(ctx Context, activityType string, args ...interface{}) Future
	ExecuteChildWorkflow(ctx Context, childWorkflowType string, args ...interface{}) ChildWorkflowFuture
	// ExecuteLocalActivity finds the same in Header; the function that is called stays the caller's, whatever the type.
	ExecuteLocalActivity(ctx Context, activityType string, args ...interface{}) Future
	GetInfo(ctx Context) *Info
	GetLogger(ctx Context) log.Logger
	GetMetricsHandler(ctx Context) metrics.Handler
	Now(ctx Context) time.Time
	NewTimer(ctx Context, d time.Duration) Future
	NewTimerWithOptions(ctx Context, d time.Duration, options TimerOptions) Future
	Sleep(ctx Context, d time.Duration) (err error)
	RequestCancelExternalWorkflow(ctx Context, workflowID, runID string) Future
	SignalExternalWorkflow(ctx Context, workflowID, runID, signalName string, arg interface{}) Future
	SignalChildWorkflow(ctx Context, workflowID, signalName string, arg interface{}) Future
	GetSignalChannel(ctx Context, signalName string) ReceiveChannel
	GetSignalChannelWithOptions(ctx Context, signalName string, options SignalChannelOptions) ReceiveChannel
	SetQueryHandler(ctx Context, queryType string, handler interface{}) error
	SetQueryHandlerWithOptions(ctx Context, queryType string, handler interface{}, options QueryHandlerOptions) error
	SetUpdateHandler(ctx Context, updateName string, handler interface{}, opts UpdateHandlerOptions) error
	GetCurrentUpdateInfo(ctx Context) *UpdateInfo
	IsReplaying(ctx Context) bool
	HasLastCompletionResult(ctx Context) bool
	GetLastCompletionResult(ctx Context, d ...interface{}) error
	GetLastError(ctx Context) error
	NewContinueAsNewError(ctx Context, wfn interface{}, args ...interface{}) error
	SideEffect(ctx Context, f func(ctx Context) interface{}) converter.EncodedValue
	SideEffectWithOptions(ctx Context, options SideEffectOptions, f func(ctx Context) interface{}) converter.EncodedValue
	MutableSideEffect(ctx Context, id string, f func(ctx Context) interface{}, equals func(a, b interface{}) bool) converter.EncodedValue
	MutableSideEffectWithOptions(ctx Context, id string, options MutableSideEffectOptions,
		f func(ctx Context) interface{}, equals func(a, b interface{}) bool) converter.EncodedValue
	GetVersion(ctx Context, changeID string, minSupported, maxSupported Version) Version
	GetTypedSearchAttributes(ctx Context) millrace.SearchAttributes
	UpsertSearchAttributes(ctx Context, attributes map[string]interface{}) error
	UpsertTypedSearchAttributes(ctx Context, attributes ...millrace.SearchAttributeUpdate) error
	UpsertMemo(ctx Context, memo map[string]interface{}) error

	mustEmbedWorkflowOutboundInterceptorBase()
}

// InboundInterceptorBase passes everything on to Next, which must be set.
type InboundInterceptorBase struct{ Next InboundInterceptor }

var _ InboundInterceptor = (*InboundInterceptorBase)(nil)

// Init is documented at InboundInterceptor, as are the other methods.
func (b *InboundInterceptorBase) Init(outbound OutboundInterceptor) error {
	return b.Next.Init(outbound)
}

// ExecuteWorkflow is documented at InboundInterceptor.
func (b *InboundInterceptorBase) ExecuteWorkflow(ctx Context, in *ExecuteWorkflowInput) (interface{}, error) {
	return b.Next.ExecuteWorkflow(ctx, in)
}

// HandleSignal is documented at InboundInterceptor.
func (b *InboundInterceptorBase) HandleSignal(ctx Context, in *HandleSignalInput) error {
	return b.Next.HandleSignal(ctx, in)
}

// HandleQuery is documented at InboundInterceptor.
func (b *InboundInterceptorBase) HandleQuery(ctx Context, in *HandleQueryInput) (interface{}, error) {
	return b.Next.HandleQuery(ctx, in)
}

// ValidateUpdate is documented at InboundInterceptor.
func (b *InboundInterceptorBase) ValidateUpdate(ctx Context, in *UpdateInput) error {
	return b.Next.ValidateUpdate(ctx, in)
}

// ExecuteUpdate is documented at InboundInterceptor.
func (b *InboundInterceptorBase) ExecuteUpdate(ctx Context, in *UpdateInput) (interface{}, error) {
	return b.Next.ExecuteUpdate(ctx, in)
}

func (*InboundInterceptorBase) mustEmbedWorkflowInboundInterceptorBase() {}
