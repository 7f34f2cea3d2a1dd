package activity

import (
	"context"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/log"
)

// intercepted is an environment whose code calls interceptors.
type intercepted struct {
	Environment
	outbound OutboundInterceptor
}

// Intercepted returns the context of an activity whose calls of this package go through what the inbound interceptors
// have put in front of them, and the chain to call: next is the last of it, and calls the function. Workers and test
// environments need it. The error is that of an Init.
func Intercepted(ctx context.Context, first func(ctx context.Context, next InboundInterceptor) InboundInterceptor,
	next func(ctx context.Context, in *ExecuteActivityInput) (interface{}, error)) (context.Context, InboundInterceptor, error) {
	last := &inbound{call: next}
	chain := first(ctx, last)
	if err := chain.Init(&outbound{}); err != nil {
		return nil, nil, err
	}
	env := &intercepted{Environment: mustBeIn(ctx, "Intercepted"), outbound: last.outbound}
	return NewContext(ctx, env), chain, nil
}

// inbound is behind all inbound interceptors.
type inbound struct {
	InboundInterceptorBase // for its mark; every method is overridden
	outbound               OutboundInterceptor
	call                   func(ctx context.Context, in *ExecuteActivityInput) (interface{}, error)
}

func (i *inbound) Init(outbound OutboundInterceptor) error {
	i.outbound = outbound
	return nil
}

func (i *inbound) ExecuteActivity(ctx context.Context, in *ExecuteActivityInput) (interface{}, error) {
	return i.call(ctx, in)
}

// outbound is behind all outbound interceptors: it does what the functions of this package do without them.
type outbound struct {
	OutboundInterceptorBase // for its mark; every method is overridden
}

// env is the environment behind the interceptors; an interceptor that calls with another context has lost its way.
func (*outbound) env(ctx context.Context) Environment {
	env := mustBeIn(ctx, "OutboundInterceptor")
	if i, ok := env.(*intercepted); ok {
		return i.Environment
	}
	return env
}

func (o *outbound) GetInfo(ctx context.Context) Info {
	return o.env(ctx).Info()
}

func (o *outbound) GetLogger(ctx context.Context) log.Logger {
	return o.env(ctx).Logger()
}

func (o *outbound) GetMetricsHandler(ctx context.Context) client.MetricsHandler {
	return o.env(ctx).Metrics()
}

func (o *outbound) RecordHeartbeat(ctx context.Context, details ...interface{}) {
	o.env(ctx).Heartbeat(details)
}

func (o *outbound) HasHeartbeatDetails(ctx context.Context) bool {
	return o.env(ctx).HeartbeatDetails().HasValues()
}

func (o *outbound) GetHeartbeatDetails(ctx context.Context, d ...interface{}) error {
	return heartbeatDetails(o.env(ctx), d)
}

func (o *outbound) GetWorkerStopChannel(ctx context.Context) <-chan struct{} {
	return o.env(ctx).WorkerStopping()
}

func (o *outbound) GetClient(ctx context.Context) client.Client {
	return o.env(ctx).Client()
}
