package testsuite

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/internal/scheduler"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
)

// CachedDownload is kept for programs that name it. Nothing is downloaded: the server is in the test's own process.
type CachedDownload struct {
	// Version and DestDir mean nothing.
	Version string
	DestDir string
}

// DevServerOptions configure a DevServer. The zero value is a server that keeps nothing, on a free port of this machine,
// with the namespace "default".
type DevServerOptions struct {
	// ExistingPath and CachedDownload mean nothing: there is no program to start.
	ExistingPath   string
	CachedDownload CachedDownload
	// ClientOptions are those of the server's client. Their Namespace is created; their HostPort is where the server
	// listens, a free port of 127.0.0.1 by default.
	ClientOptions *client.Options
	// DBFilename is a directory to keep the data in. Empty keeps nothing.
	DBFilename string
	// EnableUI and UIPort are refused: the server has no web page yet.
	EnableUI bool
	UIPort   string
	// LogFormat is "json", or "pretty" for lines of text. Default "pretty".
	LogFormat string
	// LogLevel is "debug", "info", "warn", "error", or "never". Default "warn".
	LogLevel string
	// SearchAttributes mean nothing: the server takes search attributes of any name.
	SearchAttributes millrace.SearchAttributes
	// ExtraArgs are refused: there is no program that could read them.
	ExtraArgs []string
	// Stdout means nothing. Stderr is what the server logs to, by default the process's own.
	Stdout io.Writer
	Stderr io.Writer
}

// DevServer is a server within the process of a test.
type DevServer struct {
	server *devserver.Server
	client client.Client
	// stopSchedules ends what serves the schedules, and waits for it.
	stopSchedules func() error
}

// StartDevServer starts a server in this process, creates the namespace and connects a client. The caller must Stop it.
func StartDevServer(ctx context.Context, options DevServerOptions) (*DevServer, error) {
	cfg, err := options.config()
	if err != nil {
		return nil, fmt.Errorf("start dev server: %w", err)
	}
	server, err := devserver.Start(cfg)
	if err != nil {
		return nil, fmt.Errorf("start dev server: %w", err)
	}
	c, err := connect(ctx, server, options.clientOptions())
	if err != nil {
		server.Shutdown()
		return nil, fmt.Errorf("start dev server: %w", err)
	}
	stop, err := serveSchedules(c, options.clientOptions().Namespace)
	if err != nil {
		c.Close()
		server.Shutdown()
		return nil, fmt.Errorf("start dev server: %w", err)
	}
	return &DevServer{server: server, client: c, stopSchedules: stop}, nil
}

// serveSchedules does for the namespace what `millrace dev` does beside running the server.
func serveSchedules(c client.Client, namespace string) (stop func() error, err error) {
	system, err := client.NewClientFromExisting(c, client.Options{Namespace: namespace})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- scheduler.Run(ctx, system, nil) }()
	return func() error {
		cancel()
		err := <-ended
		system.Close()
		return err
	}, nil
}

func connect(ctx context.Context, server *devserver.Server, o client.Options) (client.Client, error) {
	nc, err := server.Connect()
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	name := o.Namespace
	if name == "" {
		name = client.DefaultNamespace
	}
	plan, err := streams.PlanNamespace(ctx, nc, name, streams.CreateOptions{})
	if err == nil {
		err = plan.Apply(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("create namespace %s: %w", name, err)
	}
	o.HostPort = server.ClientURL()
	return client.DialContext(ctx, o)
}

// Client is connected to the server. Stop closes it.
func (s *DevServer) Client() client.Client { return s.client }

// FrontendHostPort is where the server listens, as host:port.
func (s *DevServer) FrontendHostPort() string {
	return strings.TrimPrefix(s.server.ClientURL(), "nats://")
}

// Stop closes the client and stops the server. It returns what kept the server from serving schedules, usually nil.
func (s *DevServer) Stop() error {
	err := s.stopSchedules()
	s.client.Close()
	s.server.Shutdown()
	return err
}

func (o DevServerOptions) clientOptions() client.Options {
	if o.ClientOptions == nil {
		return client.Options{}
	}
	return *o.ClientOptions
}

func (o DevServerOptions) config() (devserver.Config, error) {
	cfg := devserver.Config{StoreDir: o.DBFilename, Memory: o.DBFilename == "", Port: devserver.RandomPort}
	switch {
	case o.EnableUI:
		return cfg, fmt.Errorf("EnableUI is set: the server has no web page yet")
	case len(o.ExtraArgs) > 0:
		return cfg, fmt.Errorf("ExtraArgs are %q, must be empty: there is no program to start", o.ExtraArgs)
	}
	if hostPort := o.clientOptions().HostPort; hostPort != "" {
		host, port, err := net.SplitHostPort(hostPort)
		if err != nil {
			return cfg, fmt.Errorf("ClientOptions.HostPort is %q, must be host:port: %w", hostPort, err)
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return cfg, fmt.Errorf("ClientOptions.HostPort is %q: port: %w", hostPort, err)
		}
		if cfg.Host = host; number > 0 {
			cfg.Port = int(number)
		}
	}
	logger, err := o.logger()
	cfg.Logger = logger
	return cfg, err
}

func (o DevServerOptions) logger() (log.Logger, error) {
	if o.LogLevel == "never" {
		return log.Discard{}, nil
	}
	level := slog.LevelWarn
	if o.LogLevel != "" {
		if err := level.UnmarshalText([]byte(o.LogLevel)); err != nil {
			return nil, fmt.Errorf("LogLevel is %q, must be debug, info, warn, error or never", o.LogLevel)
		}
	}
	var out io.Writer = os.Stderr
	if o.Stderr != nil {
		out = o.Stderr
	}
	h := &slog.HandlerOptions{Level: level}
	switch o.LogFormat {
	case "json":
		return log.NewStructuredLogger(slog.New(slog.NewJSONHandler(out, h))), nil
	case "", "pretty":
		return log.NewStructuredLogger(slog.New(slog.NewTextHandler(out, h))), nil
	}
	return nil, fmt.Errorf("LogFormat is %q, must be pretty or json", o.LogFormat)
}
