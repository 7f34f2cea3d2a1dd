package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/daemon"
	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/internal/scheduler"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
)

func (a *app) daemonCommand() *cobra.Command {
	var f syncFlags
	var d duties
	var page string
	cmd := &cobra.Command{
		Use: "daemon", Short: "Run the daemon beside an external NATS",
		Long: `Serves schedules, and takes starts and signals that anyone publishes, in the namespaces that --namespace or
MILLRACE_NAMESPACE names (separated by commas), or in all that exist when it starts. Any number of daemons can run. It
waits for the server and reconnects for ever; under systemd it says when it is ready. Workflows run without it, by
workers and NATS alone. It puts right what was lost, and says so in its log and, with --metrics, in numbers. With --gateway it lets in processes that may
not touch the streams: docs/security.md tells how to give them accounts.

It says what an acknowledged write survives in each namespace, and does not start where a server is known to flush lazily
and more was promised.`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.daemon(ctx, f, d, page) }),
	}
	f.addMonitors(cmd)
	d.gateway.add(cmd)
	cmd.Flags().StringVar(&page, "metrics", "", "`ADDRESS` (\"host:port\") to serve metrics at, in the text format of Prometheus")
	return cmd
}

func (a *app) daemon(ctx context.Context, f syncFlags, d duties, page string) error {
	logger := a.logger("info")
	o, err := a.options()
	if err != nil {
		return err
	}
	handler, stop, err := serveMetrics(page, logger)
	if err != nil {
		return err
	}
	defer stop()
	d.metrics = handler
	nc, err := a.connect(o, true)
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := awaitServer(ctx, nc, o.HostPort, logger); err != nil {
		return err
	}
	names, err := a.daemonNamespaces(ctx, nc)
	if err != nil {
		return err
	}
	sync, err := f.find(ctx, nc)
	if err != nil {
		return err
	}
	var namespaces []*streams.Namespace
	for _, name := range names {
		ns, err := streams.Open(ctx, nc, name)
		if err == nil {
			err = ns.CheckSync(sync)
		}
		if err != nil {
			return err
		}
		promise := ns.Durability()
		logger.Info("namespace is open", "namespace", name, "durability", promise.Profile, "replicas", promise.Replicas,
			"survives", promise.Survives(), "flushing", string(promise.Sync), "flushingNow", string(sync))
		namespaces = append(namespaces, ns)
	}
	err = serve(ctx, nc, namespaces, d, logger, func() {
		logger.Info("daemon is ready", "server", nc.ConnectedUrlRedacted(), "namespaces", join(names))
		a.notify(logger, "READY=1")
	})
	a.notify(logger, "STOPPING=1")
	return err
}

// awaitServer waits until the connection is up.
func awaitServer(ctx context.Context, nc *nats.Conn, address string, logger log.Logger) error {
	if nc.IsConnected() {
		return nil
	}
	logger.Warn("no server yet, waiting for it", "server", address)
	changes := nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer nc.RemoveStatusListener(changes)
	for !nc.IsConnected() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for NATS at %s: %w", address, ctx.Err())
		case status := <-changes:
			if status == nats.CLOSED {
				return fmt.Errorf("connect to NATS at %s: %w", address, nc.LastError())
			}
		}
	}
	return nil
}

func (a *app) daemonNamespaces(ctx context.Context, nc *nats.Conn) ([]string, error) {
	if named, _ := a.environment().LookupEnv("MILLRACE_NAMESPACE"); named != "" {
		return strings.Split(named, ","), nil
	}
	infos, err := streams.Namespaces(ctx, nc)
	if err != nil {
		return nil, err
	}
	if len(infos) == 0 {
		return nil, errors.New("there is no namespace yet: create one with: millrace namespace create default")
	}
	var names []string
	for _, i := range infos {
		names = append(names, i.Name)
	}
	return names, nil
}

// duties are what a daemon does beyond what every one does, and where it tells of what it does.
type duties struct {
	gateway gatewayFlags
	metrics metrics.Handler
}

// serve runs the intakes, the healers, the audits, the schedules and, if asked for, the gateways of namespaces until ctx
// ends or one of them fails, and returns when all have ended. ready is called when all of them work.
func serve(ctx context.Context, nc *nats.Conn, namespaces []*streams.Namespace, d duties, logger log.Logger, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var services []func(up func()) error
	for _, ns := range namespaces {
		logger := log.With(logger, "namespace", ns.Name())
		losses := metrics.Losses(d.metrics, ns.Name())
		services = append(services, func(up func()) error {
			return daemon.NewIntake(ns, daemon.IntakeConfig{Logger: logger, Ready: up}).Run(ctx)
		}, func(up func()) error {
			return daemon.NewHealer(ns, daemon.HealerConfig{Logger: logger, Ready: up, Healed: func(h daemon.Healing) {
				metrics.Healed(d.metrics, ns.Name(), h.Measure).Inc(1)
			}}).Run(ctx)
		}, func(up func()) error {
			return daemon.NewAudit(ns, daemon.AuditConfig{Logger: logger, Ready: up, Lost: func(streams.Loss) { losses.Inc(1) }}).Run(ctx)
		}, func(up func()) error { return serveSchedules(ctx, nc, ns.Name(), logger, up) })
		if d.gateway.on {
			services = append(services, func(up func()) error { return serveGateway(ctx, nc, ns.Name(), d.gateway.limits, logger, up) })
		}
	}
	up := make(chan struct{}, len(services))
	ended := make(chan error, len(services))
	for i, service := range services {
		go func() {
			err := service(func() { up <- struct{}{} })
			if err != nil {
				err = fmt.Errorf("namespace %s: %w", namespaces[i/(len(services)/len(namespaces))].Name(), err)
			}
			ended <- err
		}()
	}
	var errs []error
	for notYet, running := len(services), len(services); running > 0; {
		select {
		case <-up:
			if notYet--; notYet == 0 {
				ready()
			}
		case err := <-ended:
			running--
			errs = append(errs, err)
			cancel() // one without the others is no service
		}
	}
	return errors.Join(errs...)
}

func serveSchedules(ctx context.Context, nc *nats.Conn, namespace string, logger log.Logger, up func()) error {
	c, err := client.DialContext(ctx, client.Options{Namespace: namespace, Logger: logger,
		ConnectionOptions: client.ConnectionOptions{Conn: nc}})
	if err != nil {
		return err
	}
	defer c.Close()
	return scheduler.Run(ctx, c, up)
}

// notify tells systemd the daemon's state, where it asks for that.
func (a *app) notify(logger log.Logger, state string) {
	socket, ok := a.env.LookupEnv("NOTIFY_SOCKET")
	if !ok || socket == "" {
		return
	}
	if strings.HasPrefix(socket, "@") {
		socket = "\x00" + socket[1:] // a name in Linux's abstract space
	}
	conn, err := net.DialTimeout("unixgram", socket, time.Second)
	if err == nil {
		_, err = conn.Write([]byte(state))
		err = errors.Join(err, conn.Close())
	}
	if err != nil {
		logger.Warn("tell systemd", "state", state, "error", err)
	}
}
