package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/contrib/envconfig"
	"github.com/millrace-dev/millrace/streams"
)

// overlay is the environment with what the flags say in its place.
type overlay struct {
	envconfig.EnvLookup
	flags map[string]string
}

// LookupEnv looks at the flags first.
func (o overlay) LookupEnv(name string) (string, bool) {
	if value, ok := o.flags[name]; ok {
		return value, true
	}
	return o.EnvLookup.LookupEnv(name)
}

// environment puts the flags above the environment. Credentials or a context by flag hide the credentials of the
// environment, whatever their kind.
func (a *app) environment() envconfig.EnvLookup {
	f := map[string]string{}
	set := func(value string, names ...string) {
		if value != "" {
			for i, name := range names {
				if f[name] = value; i > 0 {
					f[name] = ""
				}
			}
		}
	}
	if a.flags.creds+a.flags.nkey+a.flags.user+a.flags.password+a.flags.token+a.flags.context != "" {
		for _, name := range []string{"MILLRACE_API_KEY", "NATS_TOKEN", "NATS_CREDS", "NATS_NKEY", "NATS_USER", "NATS_PASSWORD"} {
			f[name] = ""
		}
	}
	set(a.flags.server, "MILLRACE_ADDRESS")
	if a.flags.context != "" && a.flags.server == "" {
		set(a.flags.context, "NATS_CONTEXT", "MILLRACE_ADDRESS", "NATS_URL")
	}
	set(a.flags.context, "NATS_CONTEXT")
	set(a.flags.creds, "NATS_CREDS")
	set(a.flags.nkey, "NATS_NKEY")
	set(a.flags.user, "NATS_USER")
	set(a.flags.password, "NATS_PASSWORD")
	set(a.flags.token, "NATS_TOKEN")
	set(a.flags.tlsCert, "MILLRACE_TLS_CLIENT_CERT_PATH")
	set(a.flags.tlsKey, "MILLRACE_TLS_CLIENT_KEY_PATH")
	set(a.flags.tlsCA, "MILLRACE_TLS_SERVER_CA_CERT_PATH")
	set(a.flags.namespace, "MILLRACE_NAMESPACE")
	set(a.flags.identity, "MILLRACE_IDENTITY")
	return overlay{a.env, f}
}

// options are the client options that flags and environment ask for.
func (a *app) options() (client.Options, error) {
	o, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: a.environment()})
	if err != nil {
		return o, err
	}
	if o.HostPort == "" {
		o.HostPort = client.DefaultHostPort
	}
	if o.Namespace == "" {
		o.Namespace = client.DefaultNamespace
	}
	o.Logger = a.logger("warn")
	return o, nil
}

// connect opens a connection. patient waits for the server for ever; otherwise it fails when there is none.
func (a *app) connect(o client.Options, patient bool) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("millrace command"), nats.Timeout(a.flags.connectTimeout), nats.MaxReconnects(-1),
		nats.ReconnectWait(200 * time.Millisecond), nats.ReconnectJitter(200*time.Millisecond, time.Second),
		nats.PingInterval(4 * time.Second), nats.MaxPingsOutstanding(2), nats.RetryOnFailedConnect(patient),
	}
	if o.ConnectionOptions.TLS != nil {
		options = append(options, nats.Secure(o.ConnectionOptions.TLS))
	}
	nc, err := nats.Connect(o.HostPort, append(options, o.ConnectionOptions.NATS...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w (`millrace dev` starts a server; --server or NATS_URL name another one)", o.HostPort, err)
	}
	return nc, nil
}

// withConnection calls do with a connection that ends afterwards.
func (a *app) withConnection(do func(nc *nats.Conn, o client.Options) error) error {
	o, err := a.options()
	if err != nil {
		return err
	}
	nc, err := a.connect(o, false)
	if err != nil {
		return err
	}
	defer nc.Close()
	return do(nc, o)
}

// withAdmin calls do with the Admin of a client, and closes the client.
func (a *app) withAdmin(ctx context.Context, do func(c client.Admin) error) error {
	return a.withClient(ctx, func(c client.Client) error {
		admin, err := client.NewAdmin(c)
		if err != nil {
			return err
		}
		return do(admin)
	})
}

// withClient calls do with a client that ends afterwards.
func (a *app) withClient(ctx context.Context, do func(c client.Client) error) error {
	return a.withConnection(func(nc *nats.Conn, o client.Options) error {
		o.ConnectionOptions = client.ConnectionOptions{Conn: nc}
		c, err := client.DialContext(ctx, o)
		if err != nil {
			return err
		}
		defer c.Close()
		return do(c)
	})
}

// withNamespace calls do with the streams of the namespace.
func (a *app) withNamespace(ctx context.Context, do func(ns *streams.Namespace) error) error {
	return a.withConnection(func(nc *nats.Conn, o client.Options) error {
		ns, err := streams.Open(ctx, nc, o.Namespace)
		if err != nil {
			return err
		}
		return do(ns)
	})
}
