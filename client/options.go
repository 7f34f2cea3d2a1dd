package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

const (
	// DefaultHostPort is where a broker is looked for when Options.HostPort is empty.
	DefaultHostPort = "127.0.0.1:4222"
	// DefaultNamespace is the namespace when Options.Namespace is empty. `millrace dev` creates it.
	DefaultNamespace = "default"
)

// Options say which namespace to talk to, and how. The zero value is the namespace "default" on a local broker.
type Options struct {
	// HostPort is the broker: "host:port" or a NATS URL, several separated by commas. Default DefaultHostPort. It is
	// not used when ConnectionOptions.Conn is set.
	HostPort string
	// Namespace is created with `millrace namespace create`. Default DefaultNamespace.
	Namespace string
	// Identity is how this process signs what it does. Default "pid@host".
	Identity string
	// Logger receives what the client has to say beyond errors. Default: none.
	Logger log.Logger
	// DataConverter encodes arguments and results. Default converter.GetDefaultDataConverter().
	DataConverter converter.DataConverter
	// FailureConverter encodes errors. Default: millrace's, with DataConverter.
	FailureConverter converter.FailureConverter
	// MetricsHandler receives the numbers that clients, workers and their workflows and activities have to tell. Default:
	// MetricsNopHandler.
	MetricsHandler MetricsHandler
	// ContextPropagators carry values of contexts to workflows and activities. They are also those of the workers that are
	// made with the client. Default: none.
	ContextPropagators []workflow.ContextPropagator
	// Interceptors see the calls of the client; the first one sees them first. One that is an interceptor.WorkerInterceptor
	// as well is also one of the workers that are made with the client. Default: none.
	Interceptors []Interceptor
	// Plugins set the client up and surround its making; the first one is the outermost. One that is a worker.Plugin as
	// well is also one of the workers that are made with the client. Default: none.
	Plugins []Plugin
	// ExternalStorage says which arguments and results are too large for histories, and where they are stored. Default:
	// those of 256 KiB and more, in NATS. Workers that are made with the client do the same.
	ExternalStorage converter.ExternalStorage
	// PayloadLimits bound what arguments and results may have in bytes.
	PayloadLimits PayloadLimitOptions
	// Credentials say who the client is, nil for those in ConnectionOptions. They are not used with a connection that is
	// given.
	Credentials Credentials
	// ConnectionOptions say how to connect.
	ConnectionOptions ConnectionOptions
	// Gateway, when not nil, has the client reach the namespace through its gateway, which a daemon serves: for a process
	// that may not touch the streams. Workers that are made with the client run activities only. Default: the streams.
	Gateway *GatewayOptions

	// SdkName and SdkVersion are for libraries that embed this one: they name the library, and its version, in the name of
	// the connection, which NATS shows in its lists. Default: only this one is named. They are not used with a connection
	// that is given.
	SdkName, SdkVersion string

	// HeadersProvider is refused unless it is nil: there is no gRPC whose headers it could set. What authorizes a client is
	// in Credentials or ConnectionOptions.
	HeadersProvider HeadersProvider
	// TrafficController is refused unless it is nil: an interceptor can let calls fail.
	TrafficController TrafficController
	// WorkerHeartbeatInterval is accepted and changes nothing: NATS knows by the connections which workers there are.
	WorkerHeartbeatInterval time.Duration
	// DisableErrorCodeMetricTags is accepted and changes nothing: no metric has error codes.
	DisableErrorCodeMetricTags bool
}

// GatewayOptions say how to use a gateway. The zero value works.
type GatewayOptions struct {
	// InboxPrefix is how the subjects begin on which answers come. It must be what the user's permissions name, for example
	// "_INBOX_alice". It is not used with a connection that is given. Default: that of nats.go, "_INBOX".
	InboxPrefix string
}

// HeadersProvider would set headers of gRPC: see Options.HeadersProvider.
type HeadersProvider interface {
	GetHeaders(ctx context.Context) (map[string]string, error)
}

// TrafficController would be asked before each call of gRPC: see Options.TrafficController.
type TrafficController interface {
	CheckCallAllowed(ctx context.Context, method string, req, reply interface{}) error
}

// validate refuses what would have no effect although somebody counts on it.
func (o Options) validate() error {
	switch {
	case o.HeadersProvider != nil:
		return serviceerror.NewInvalidArgument("Options.HeadersProvider is set, but there are no gRPC headers: use Options.Credentials, " +
			"or ConnectionOptions, to say who the client is")
	case o.TrafficController != nil:
		return serviceerror.NewInvalidArgument("Options.TrafficController is set, but there is no gRPC: use Options.Interceptors to let calls fail")
	}
	return nil
}

// connectionName is what NATS shows of the client.
func (o Options) connectionName() string {
	name := "millrace " + o.Identity
	if o.SdkName != "" || o.SdkVersion != "" {
		name += " (" + strings.TrimSpace(o.SdkName+" "+o.SdkVersion) + ")"
	}
	return name
}

// ConnectionOptions say how to connect to NATS.
type ConnectionOptions struct {
	// Conn is a connection to use. It is the caller's: Close leaves it open. The other fields are then not used.
	Conn *nats.Conn
	// TLS is used for the connection when not nil.
	TLS *tls.Config
	// NATS are further options, for example nats.UserCredentials(file). They come after Millrace's own.
	NATS []nats.Option
	// ConnectTimeout bounds one attempt to connect. Default 5 s.
	ConnectTimeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.HostPort == "" {
		o.HostPort = DefaultHostPort
	}
	if o.Namespace == "" {
		o.Namespace = DefaultNamespace
	}
	if o.Identity == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown"
		}
		o.Identity = fmt.Sprintf("%d@%s", os.Getpid(), host)
	}
	if o.Logger == nil {
		o.Logger = log.Discard{}
	}
	if o.DataConverter == nil {
		o.DataConverter = converter.GetDefaultDataConverter()
	}
	if o.FailureConverter == nil {
		o.FailureConverter = defaultFailureConverter(o.DataConverter)
	}
	o.PayloadLimits = o.PayloadLimits.withDefaults()
	if o.MetricsHandler == nil {
		o.MetricsHandler = MetricsNopHandler
	}
	if o.ConnectionOptions.ConnectTimeout == 0 {
		o.ConnectionOptions.ConnectTimeout = 5 * time.Second
	}
	return o
}

func defaultFailureConverter(dc converter.DataConverter) converter.FailureConverter {
	return millrace.NewDefaultFailureConverter(millrace.DefaultFailureConverterOptions{DataConverter: dc})
}

// connect opens the connection that the options describe. It goes on trying for ever once it was connected, and leaves
// a server that has stopped answering after 8 to 12 seconds: an election takes up to ten, and a network that comes back
// in the meantime is not left for nothing.
func (o Options) connect() (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(o.connectionName()),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(200 * time.Millisecond),
		nats.ReconnectJitter(200*time.Millisecond, time.Second),
		nats.PingInterval(4 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.Timeout(o.ConnectionOptions.ConnectTimeout),
	}
	credentials, err := o.credentials()
	if err != nil {
		return nil, err
	}
	options = append(options, credentials...)
	if o.ConnectionOptions.TLS != nil {
		options = append(options, nats.Secure(o.ConnectionOptions.TLS))
	}
	if o.Gateway != nil && o.Gateway.InboxPrefix != "" {
		options = append(options, nats.CustomInboxPrefix(o.Gateway.InboxPrefix))
	}
	urls := natsURLs(o.HostPort)
	nc, err := nats.Connect(urls, append(options, o.ConnectionOptions.NATS...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w (is a server running? `millrace dev` starts one)", urls, err)
	}
	return nc, nil
}

// natsURLs makes URLs of a list of "host:port" and URLs.
func natsURLs(hostPort string) string {
	parts := strings.Split(hostPort, ",")
	for i, p := range parts {
		p = strings.TrimSpace(p)
		if !strings.Contains(p, "://") {
			p = "nats://" + p
		}
		parts[i] = p
	}
	return strings.Join(parts, ",")
}
