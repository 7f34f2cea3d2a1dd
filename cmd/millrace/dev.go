package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
)

// devFlags are the flags of `millrace dev`.
type devFlags struct {
	dataDir    string
	memory     bool
	port       int
	ip         string
	monitor    int
	syncAlways bool
	namespaces []string
}

func (a *app) devCommand() *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use: "dev", Short: "Run a server for development",
		Long: `Runs a NATS server with everything that Millrace needs, in one process. What is written is kept in a data directory,
so that workflows go on after a restart. It serves schedules, and takes starts and signals that anyone publishes. Stop it with Ctrl-C.`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.dev(ctx, f) }),
	}
	cmd.Flags().StringVar(&f.dataDir, "data-dir", "", "`directory` for the data (default $XDG_STATE_HOME/millrace/dev, or ~/.local/state/millrace/dev)")
	cmd.Flags().BoolVar(&f.memory, "memory", false, "keep nothing after the end")
	cmd.Flags().IntVarP(&f.port, "port", "p", 0, "port for clients, -1 for any (default 4222, or the next that is free)")
	cmd.Flags().StringVar(&f.ip, "ip", devserver.DefaultHost, "address to listen on")
	cmd.Flags().IntVar(&f.monitor, "monitor-port", 0, "port for nats-server's monitoring pages, -1 for any (default none)")
	cmd.Flags().BoolVar(&f.syncAlways, "sync-always", false, "flush every write to the disk before it is acknowledged")
	// --namespace is here a list: those to create beside "default".
	cmd.Flags().StringSliceVarP(&f.namespaces, "namespace", "n", nil, "create this namespace too; may be repeated")
	return cmd
}

// dev runs the server until ctx ends.
func (a *app) dev(ctx context.Context, f devFlags) (err error) {
	logger := a.logger("info")
	cfg, err := a.serverConfig(f, logger)
	if err != nil {
		return err
	}
	s, err := devserver.Start(cfg)
	switch {
	case errors.Is(err, devserver.ErrInvalidConfig):
		return &usageError{err}
	case err != nil:
		return err
	}
	defer s.Shutdown()
	nc, err := s.Connect(nats.Name("millrace dev"))
	if err != nil {
		return err
	}
	defer nc.Close()
	names := []string{client.DefaultNamespace}
	for _, name := range f.namespaces {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var namespaces []*streams.Namespace
	for _, name := range names {
		ns, err := provision(ctx, nc, name, s.Config().SyncAlways)
		if err != nil {
			return err
		}
		namespaces = append(namespaces, ns)
	}
	return serve(ctx, nc, namespaces, duties{gateway: gatewayFlags{on: true}, metrics: metrics.Nop{}}, logger, func() { a.welcome(s, names) })
}

func (a *app) serverConfig(f devFlags, logger log.Logger) (devserver.Config, error) {
	cfg := devserver.Config{
		StoreDir: f.dataDir, Memory: f.memory, Host: f.ip, Port: f.port, MonitorPort: f.monitor, SyncAlways: f.syncAlways,
		Logger: log.With(logger, "component", "nats-server"),
	}
	if f.dataDir != "" && f.memory {
		return cfg, usagef("--data-dir and --memory contradict each other: drop one of them")
	}
	if f.memory || f.dataDir != "" {
		return cfg, nil
	}
	state, ok := a.env.LookupEnv("XDG_STATE_HOME")
	if !ok || !filepath.IsAbs(state) {
		home, err := os.UserHomeDir()
		if err != nil {
			return cfg, fmt.Errorf("find a place for the data: %w: name one with --data-dir", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	cfg.StoreDir = filepath.Join(state, "millrace", "dev")
	return cfg, nil
}

// provision creates what a namespace lacks and opens it. flushed says that the server flushes every write: then a new
// namespace is durable, and only then one that exists may have been.
func provision(ctx context.Context, nc *nats.Conn, name string, flushed bool) (*streams.Namespace, error) {
	o := streams.CreateOptions{GroupCommit: flushed, Sync: streams.SyncLazy}
	profile := streams.ProfileDevelopment
	if flushed {
		o.Sync, profile = streams.SyncAlways, streams.ProfileDurable
	}
	infos, err := streams.Namespaces(ctx, nc)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(infos, func(i streams.NamespaceInfo) bool { return i.Name == name }) {
		o.Profile = profile
	}
	plan, err := streams.PlanNamespace(ctx, nc, name, o)
	if err != nil {
		return nil, err
	}
	if err := plan.Apply(ctx); err != nil {
		return nil, err
	}
	ns, err := streams.Open(ctx, nc, name)
	if err == nil {
		err = ns.CheckSync(o.Sync)
	}
	if err != nil {
		return nil, err
	}
	return ns, nil
}

// devInfo is what a program that starts a dev server wants to know.
type devInfo struct {
	URL        string   `json:"url"`
	MonitorURL string   `json:"monitorUrl,omitempty"`
	DataDir    string   `json:"dataDir,omitempty"`
	Profile    string   `json:"profile"`
	Survives   string   `json:"survives"`
	Namespaces []string `json:"namespaces"`
}

// welcome says where the server is, what it keeps and what to do next.
func (a *app) welcome(s *devserver.Server, namespaces []string) {
	info := devInfo{
		URL: s.ClientURL(), MonitorURL: s.MonitorURL(), DataDir: s.StoreDir(), Profile: s.Profile(), Namespaces: namespaces,
		Survives: "kill -9 of any process, but not the loss of power",
	}
	switch {
	case s.Config().Memory:
		info.DataDir, info.Survives = "", "nothing: all is gone when this process ends"
	case s.Profile() == devserver.ProfileDurable:
		info.Survives = "kill -9 of any process, and the loss of power"
	}
	if a.flags.output != outputTable {
		if err := a.printJSON(info); err != nil {
			fmt.Fprintf(a.stderr, "millrace: %v\n", err)
		}
		return
	}
	a.say("Millrace is ready.\n")
	if s.PortFallback() {
		a.say("Port %d is taken: using the next free one.\n", devserver.DefaultPort)
	}
	a.say("  server      %s", info.URL)
	if info.MonitorURL != "" {
		a.say("  monitor     %s", info.MonitorURL)
	}
	if info.DataDir == "" {
		a.say("  data        in memory")
	} else {
		a.say("  data        %s", info.DataDir)
	}
	a.say("  durability  %s: an acknowledged write survives %s", info.Profile, info.Survives)
	a.say("  namespaces  %s", join(namespaces))
	a.say("\nTry, in another terminal:\n")
	if s.PortFallback() || s.Config().Port != devserver.DefaultPort {
		a.say("  export NATS_URL=%s", info.URL)
	}
	a.say("  millrace workflow start --type Greet --task-queue greetings -w hello-1 -i '\"world\"'")
	a.say("  millrace workflow list")
	a.say("  millrace workflow show hello-1 --follow")
	a.say("\nor, with nothing but NATS:\n")
	a.say("  nats pub millrace.default.intake.start.Greet.hello-2 '\"world\"' -H Millrace-Task-Queue:greetings")
	a.say("\nWorkflows wait until a worker, a program of yours, serves their task queue. Ctrl-C stops the server.")
}
