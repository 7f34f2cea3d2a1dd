package client

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/deployment"
	"github.com/millrace-dev/millrace/internal/gateway/ask"
	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/payloads"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/workflow"
)

// gatewayClient is the Client of a namespace that is reached through its gateway. The client inside encodes, decodes and
// calls interceptors, behind all of which gatewayOutbound asks the gateway; it has no streams, so every method that would
// go to them by another way is overridden here.
type gatewayClient struct {
	*workflowClient
	gateway *ask.Caller
}

var _ Client = (*gatewayClient)(nil)

// dialGateway makes a client of a gateway. Nobody is asked: the gateway may be served later.
func dialGateway(options Options) (Client, error) {
	ownFailureConverter := options.FailureConverter != nil
	if len(options.ExternalStorage.Drivers) > 0 {
		return nil, serviceerror.NewInvalidArgument("Options.ExternalStorage and Options.Gateway exclude each other: a gateway takes no references to what is stored elsewhere")
	}
	options = options.withDefaults()
	c := &workflowClient{options: options, conn: options.ConnectionOptions.Conn}
	if c.conn == nil {
		var err error
		if c.conn, err = options.connect(); err != nil {
			return nil, err
		}
	}
	gateway, err := streams.NewGateway(c.conn, options.Namespace)
	if err != nil {
		c.Close()
		return nil, serviceError(err)
	}
	g := &gatewayClient{c, ask.New(gateway)}
	c.interceptor = &gatewayOutbound{gatewayClient: g}
	for i := len(options.Interceptors) - 1; i >= 0; i-- {
		c.interceptor = options.Interceptors[i].InterceptClient(c.interceptor)
	}
	if err := c.keepPayloads(ownFailureConverter); err != nil {
		c.Close()
		return nil, err
	}
	c.aware, _ = c.options.DataConverter.(workflow.ContextAware)
	c.contextual = converter.DependsOnSerializationContext(c.options.DataConverter) ||
		converter.DependsOnSerializationContext(c.options.FailureConverter)
	// The gateway chooses the build.
	c.routes.table, c.routes.until = &deployment.Table{}, time.Unix(math.MaxInt32, 0)
	return g, nil
}

// keepPayloads is openPayloads for a client that stores none.
func (c *workflowClient) keepPayloads(ownFailureConverter bool) error {
	o := &c.options
	if err := o.PayloadLimits.validate(); err != nil {
		return err
	}
	store, err := payloads.New(nowhere(o.Namespace), payloads.Options{
		External: converter.ExternalStorage{PayloadSizeThreshold: gatewire.MaxPayload}, MaxSize: min(o.PayloadLimits.MaxPayloadSize, gatewire.MaxPayload),
		Warning: o.PayloadLimits.PayloadSizeWarning, Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	c.payloads = store
	if !ownFailureConverter {
		o.FailureConverter = defaultFailureConverter(o.DataConverter)
	}
	return nil
}

// nowhere stores no payloads, for the namespace of its name.
type nowhere string

func (n nowhere) Name() string         { return string(n) }
func (nowhere) Limits() streams.Limits { return streams.Limits{} }

func (nowhere) PutPayload(_ context.Context, _ history.Run, data []byte) (streams.PayloadRef, error) {
	return streams.PayloadRef{}, fmt.Errorf("payload of %d bytes is %w for a gateway, which takes %d", len(data), streams.ErrTooLarge, gatewire.MaxPayload)
}

func (nowhere) GetPayload(context.Context, streams.PayloadRef) ([]byte, error) {
	return nil, fmt.Errorf("%w: a gateway gives no access to stored payloads", streams.ErrNotFound)
}

// gatewayOf says whether c is the client of a gateway, or will be.
func gatewayOf(c Client) (*gatewayClient, bool) {
	c, err := dialed(context.Background(), c)
	if err != nil {
		return nil, false
	}
	g, ok := c.(*gatewayClient)
	return g, ok
}

// connectionOf is how a client that is connected reaches the broker.
func connectionOf(c Client) (*nats.Conn, *GatewayOptions) {
	switch c := c.(type) {
	case *gatewayClient:
		return c.conn, c.options.Gateway
	case *workflowClient:
		return c.conn, nil
	}
	return nil, nil
}

func (g *gatewayClient) core() *Core {
	o := g.options
	return &Core{
		Namespace: o.Namespace, Gateway: g.gateway,
		Identity: o.Identity, Logger: o.Logger, DataConverter: o.DataConverter, FailureConverter: o.FailureConverter,
		MetricsHandler: o.MetricsHandler, Payloads: g.payloads, ContextPropagators: o.ContextPropagators, Interceptors: o.Interceptors,
		Gate:    &g.gate,
		Plugins: o.Plugins,
	}
}

// notOffered is the error of what a gateway does not do.
func notOffered(what string) error {
	return serviceerror.NewUnimplemented(what + " is not offered by a gateway: it needs a client with Options.Gateway nil, whose user may reach the namespace's streams")
}

// healthTimeout bounds a look whether the gateway answers whose context has no deadline.
const healthTimeout = 5 * time.Second

// CheckHealth asks whether the gateway answers.
func (g *gatewayClient) CheckHealth(ctx context.Context, _ *CheckHealthRequest) (*CheckHealthResponse, error) {
	if err := g.gateway.Once(ctx, gatewire.Info, "", healthTimeout, struct{}{}, nil); err != nil {
		return nil, fmt.Errorf("check health: %w", err)
	}
	return &CheckHealthResponse{}, nil
}
