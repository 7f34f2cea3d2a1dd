package activity

import (
	"context"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/log"
)

// InboundInterceptor sees the calls of activity functions. There is one chain for each attempt. Implementations embed
// InboundInterceptorBase, which passes everything on.
//
// Users know it as interceptor.ActivityInboundInterceptor.
type InboundInterceptor interface {
	// Init is called first, with what the function calls out through. Who wants to intercept that passes an interceptor of
	// its own to the next Init. An error fails the attempt.
	Init(outbound OutboundInterceptor) error
	// ExecuteActivity calls the function. interceptor.Header shows what came beside its arguments.
	ExecuteActivity(ctx context.Context, in *ExecuteActivityInput) (interface{}, error)

	mustEmbedActivityInboundInterceptorBase()
}

// ExecuteActivityInput is the input of InboundInterceptor.ExecuteActivity.
type ExecuteActivityInput struct {
	// Args are the decoded arguments, without the context.
	Args []interface{}
}

// OutboundInterceptor sees what the function of an activity calls: each method stands for the function of this package
// with its name. Implementations embed OutboundInterceptorBase, which passes everything on, and are safe for concurrent
// use.
//
// Users know it as interceptor.ActivityOutboundInterceptor.
type OutboundInterceptor interface {
	GetInfo(ctx context.Context) Info
	GetLogger(ctx context.Context) log.Logger
	GetMetricsHandler(ctx context.Context) client.MetricsHandler
	RecordHeartbeat(ctx context.Context, details ...interface{})
	HasHeartbeatDetails(ctx context.Context) bool
	GetHeartbeatDetails(ctx context.Context, d ...interface{}) error
	GetWorkerStopChannel(ctx context.Context) <-chan struct{}
	GetClient(ctx context.Context) client.Client

	mustEmbedActivityOutboundInterceptorBase()
}

// InboundInterceptorBase passes everything on to Next, which must be set.
type InboundInterceptorBase struct{ Next InboundInterceptor }

var _ InboundInterceptor = (*InboundInterceptorBase)(nil)

// Init is documented at InboundInterceptor.
func (b *InboundInterceptorBase) Init(outbound OutboundInterceptor) error {
	return b.Next.Init(outbound)
}

// ExecuteActivity is documented at InboundInterceptor.
func (b *InboundInterceptorBase) ExecuteActivity(ctx context.Context, in *ExecuteActivityInput) (interface{}, error) {
	return b.Next.ExecuteActivity(ctx, in)
}

func (*InboundInterceptorBase) mustEmbedActivityInboundInterceptorBase() {}

// OutboundInterceptorBase passes everything on to Next, which must be set.
type OutboundInterceptorBase struct{ Next OutboundInterceptor }

var _ OutboundInterceptor = (*OutboundInterceptorBase)(nil)

func (*OutboundInterceptorBase) mustEmbedActivityOutboundInterceptorBase() {}

// GetInfo is documented at OutboundInterceptor, as are the other methods.
func (b *OutboundInterceptorBase) GetInfo(ctx context.Context) Info {
	return b.Next.GetInfo(ctx)
}

// GetLogger is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetLogger(ctx context.Context) log.Logger {
	return b.Next.GetLogger(ctx)
}

// GetMetricsHandler is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetMetricsHandler(ctx context.Context) client.MetricsHandler {
	return b.Next.GetMetricsHandler(ctx)
}

// RecordHeartbeat is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) RecordHeartbeat(ctx context.Context, details ...interface{}) {
	b.Next.RecordHeartbeat(ctx, details...)
}

// HasHeartbeatDetails is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) HasHeartbeatDetails(ctx context.Context) bool {
	return b.Next.HasHeartbeatDetails(ctx)
}

// GetHeartbeatDetails is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetHeartbeatDetails(ctx context.Context, d ...interface{}) error {
	return b.Next.GetHeartbeatDetails(ctx, d...)
}

// GetWorkerStopChannel is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetWorkerStopChannel(ctx context.Context) <-chan struct{} {
	return b.Next.GetWorkerStopChannel(ctx)
}

// GetClient is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetClient(ctx context.Context) client.Client {
	return b.Next.GetClient(ctx)
}
