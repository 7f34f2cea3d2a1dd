package main

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/gateway"
	"github.com/millrace-dev/millrace/log"
)

// gatewayFlags say whether namespaces are served to processes that may not touch their streams, and how much of that.
type gatewayFlags struct {
	on     bool
	limits gateway.Limits
}

func (f *gatewayFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.on, "gateway", false, "serve the namespaces' gateways, for clients and workers of other accounts that may not touch the streams")
	cmd.Flags().Float64Var(&f.limits.RequestsPerSecond, "gateway-rate", 0, "requests per second that the gateway of a namespace takes (default 2000)")
	cmd.Flags().IntVar(&f.limits.Requests, "gateway-requests", 0, "requests that may wait at the gateway of a namespace at a time (default 4000)")
	cmd.Flags().IntVar(&f.limits.Queues, "gateway-queues", 0, "task queues whose activities the gateway of a namespace hands out (default 100)")
}

// serveGateway serves the gateway of a namespace until ctx ends.
func serveGateway(ctx context.Context, nc *nats.Conn, namespace string, limits gateway.Limits, logger log.Logger, up func()) error {
	c, err := client.DialContext(ctx, client.Options{Namespace: namespace, Logger: logger,
		ConnectionOptions: client.ConnectionOptions{Conn: nc}})
	if err != nil {
		return err
	}
	defer c.Close()
	g, err := gateway.New(gateway.Config{Client: c, Limits: limits, Logger: log.With(logger, "service", "gateway"), Ready: up})
	if err != nil {
		return err
	}
	return g.Run(ctx)
}
