package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/alone"
	"github.com/millrace-dev/millrace/internal/gateway/ask"
	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/internal/payloads"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/workflow"
)

// workflowClient is the Client of a namespace.
type workflowClient struct {
	options Options
	conn    *nats.Conn
	ns      *streams.Namespace
	// notices tell of the ends of the runs that this client starts; nil, in tests and benchmarks, to follow the runs.
	notices *notices
	// interceptor is the first of the interceptors, nil without any.
	interceptor OutboundInterceptor
	// aware is set when the data converter depends on contexts.
	aware workflow.ContextAware
	// contextual is set when a converter asks whose payloads it converts.
	contextual bool
	// payloads stores large payloads.
	payloads *payloads.Store
	// routes say which build new runs are bound to.
	routes routes
	// addresses are those of runs that were asked for something.
	addresses addresses
	// gate is for what the workers of this client run.
	gate alone.Gate
}

// Dial connects to the broker and opens the namespace. It fails with a wrapped *serviceerror.NamespaceNotFound, whose
// text names the command that creates the namespace, when there is none.
func Dial(options Options) (Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	return DialContext(ctx, options)
}

// dialTimeout bounds the opening of a namespace by Dial, and by a call of a lazy client.
const dialTimeout = 15 * time.Second

// DialContext is Dial, bounded by ctx.
func DialContext(ctx context.Context, options Options) (Client, error) {
	return makeClient(ctx, options, PluginNewClientOptions{}, open)
}

// open is dial without its type.
func open(ctx context.Context, options Options) (Client, error) {
	if options.Gateway != nil {
		return dialGateway(options)
	}
	c, err := dial(ctx, options)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func dial(ctx context.Context, options Options) (*workflowClient, error) {
	ownFailureConverter := options.FailureConverter != nil
	options = options.withDefaults()
	c := &workflowClient{options: options, conn: options.ConnectionOptions.Conn}
	c.intercept(options.Interceptors)
	if c.conn == nil {
		var err error
		if c.conn, err = options.connect(); err != nil {
			return nil, err
		}
	}
	ns, err := streams.Open(ctx, c.conn, options.Namespace)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("open namespace %q: %w", options.Namespace, serviceError(err))
	}
	c.ns = ns
	losses := metrics.Losses(options.MetricsHandler, options.Namespace)
	ns.OnLoss(func(l streams.Loss) {
		options.Logger.Error("the broker has lost what it had acknowledged", "stream", l.Stream, "first", l.First, "last", l.Last)
		losses.Inc(1)
	})
	if err := c.openPayloads(ownFailureConverter); err != nil {
		c.Close()
		return nil, err
	}
	c.aware, _ = c.options.DataConverter.(workflow.ContextAware)
	c.contextual = converter.DependsOnSerializationContext(c.options.DataConverter) ||
		converter.DependsOnSerializationContext(c.options.FailureConverter)
	c.notices = newNotices(ns.ListenClosed)
	return c, nil
}

// NewClientFromExisting is another client on the connection of an existing one, for another namespace or with other
// converters. Closing it leaves the connection open.
func NewClientFromExisting(existing Client, options Options) (Client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	return NewClientFromExistingWithContext(ctx, existing, options)
}

// NewClientFromExistingWithContext is NewClientFromExisting, bounded by ctx.
func NewClientFromExistingWithContext(ctx context.Context, existing Client, options Options) (Client, error) {
	c, err := dialed(ctx, existing)
	if err != nil {
		return nil, err
	}
	return makeClient(ctx, options, PluginNewClientOptions{FromExisting: existing}, func(ctx context.Context, options Options) (Client, error) {
		options.ConnectionOptions.Conn, options.Gateway = connectionOf(c)
		return open(ctx, options)
	})
}

// Close ends the connection, unless it was given in the options.
func (c *workflowClient) Close() {
	if c.options.ConnectionOptions.Conn == nil {
		c.conn.Close()
	}
	if c.notices != nil {
		c.notices.close()
	}
}

// CheckHealth asks whether the broker answers.
func (c *workflowClient) CheckHealth(ctx context.Context, _ *CheckHealthRequest) (*CheckHealthResponse, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
	}
	if err := c.conn.FlushWithContext(ctx); err != nil {
		return nil, fmt.Errorf("check health: %w", serviceError(errors.Join(streams.ErrUnavailable, err)))
	}
	return &CheckHealthResponse{}, nil
}

// Core is what package worker needs of a client.
type Core struct {
	// Namespace is the namespace's name.
	Namespace string
	// Streams are its streams, nil for a client of a gateway, which has Gateway instead.
	Streams          *streams.Namespace
	Gateway          *ask.Caller
	Identity         string
	Logger           log.Logger
	DataConverter    converter.DataConverter
	FailureConverter converter.FailureConverter
	MetricsHandler   MetricsHandler
	// Payloads stores large payloads; DataConverter reads from it.
	Payloads *payloads.Store
	// ContextPropagators and Interceptors are those of Options.
	ContextPropagators []workflow.ContextPropagator
	Interceptors       []Interceptor
	// Gate is one for all workers of the client.
	Gate *alone.Gate
	// Plugins are those of Options.
	Plugins []Plugin
}

// CoreOf returns what package worker needs of a client made by Dial. Programs have no use for it.
func CoreOf(c Client) (*Core, error) {
	if g, ok := gatewayOf(c); ok {
		return g.core(), nil
	}
	w, err := unwrap(context.Background(), c)
	if err != nil {
		return nil, err
	}
	o := w.options
	return &Core{
		Namespace: w.ns.Name(), Streams: w.ns,
		Identity: o.Identity, Logger: o.Logger, DataConverter: o.DataConverter, FailureConverter: o.FailureConverter,
		MetricsHandler: o.MetricsHandler, Payloads: w.payloads, ContextPropagators: o.ContextPropagators, Interceptors: o.Interceptors,
		Gate:    &w.gate,
		Plugins: o.Plugins,
	}, nil
}

// serviceError gives an error of package streams the type that users of Temporal's client look for. The original stays
// in the chain.
func serviceError(err error) error {
	var typed error
	var already *streams.AlreadyStartedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &already):
		typed = serviceerror.NewWorkflowExecutionAlreadyStarted(already.Error(), "", already.Run.RunID)
	case errors.Is(err, streams.ErrNamespaceNotFound):
		typed = serviceerror.NewNamespaceNotFound(err.Error())
	case errors.Is(err, streams.ErrNotFound):
		typed = serviceerror.NewNotFound(err.Error())
	case errors.Is(err, streams.ErrTooLarge), errors.Is(err, streams.ErrInvalid):
		typed = serviceerror.NewInvalidArgument(err.Error())
	case errors.Is(err, streams.ErrDamaged):
		typed = serviceerror.NewDataLoss(err.Error())
	case errors.Is(err, streams.ErrUnavailable):
		typed = serviceerror.NewUnavailable(err.Error())
	default:
		return err
	}
	return &wrapped{typed: typed, cause: err}
}

// wrapped says what its cause says, and is of both types.
type wrapped struct{ typed, cause error }

func (w *wrapped) Error() string   { return w.cause.Error() }
func (w *wrapped) Unwrap() []error { return []error{w.typed, w.cause} }
