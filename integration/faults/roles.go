package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/worker"
)

// The roles of child processes.
const (
	roleServer = "server" // a nats-server
	roleWorker = "worker" // workflows and activities, or one of the two
	roleHolder = "holder" // nothing: it keeps a network namespace
)

// roleConfig is what a child process needs to know.
type roleConfig struct {
	Name   string            `json:"name"`
	Server *devserver.Config `json:"server,omitempty"`
	Worker *workerRole       `json:"worker,omitempty"`
}

// workerRole is what a worker needs to know.
type workerRole struct {
	// URL says where the servers are.
	URL string `json:"url"`
	// Dir is where it writes evidence.
	Dir string `json:"dir"`
	// NoWorkflows and NoActivities leave one side to others.
	NoWorkflows  bool `json:"noWorkflows,omitempty"`
	NoActivities bool `json:"noActivities,omitempty"`
	// Work is how long an activity works, Thought how long a decision takes, Lease how soon the worker is given up.
	Work    time.Duration `json:"work"`
	Thought time.Duration `json:"thought"`
	Lease   time.Duration `json:"lease"`
	// Cache is how many runs it keeps live, 0 for its default.
	Cache int `json:"cache,omitempty"`
}

// playRole is the whole life of a child process. It returns the exit code; being killed is its usual end.
func playRole(role string) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	go runUntilOrphaned(cancel)
	var config roleConfig
	err := json.Unmarshal([]byte(os.Getenv(configEnv)), &config)
	switch {
	case err != nil:
		err = fmt.Errorf("read %s: %w", configEnv, err)
	case role == roleServer && config.Server != nil:
		err = serve(ctx, *config.Server)
	case role == roleWorker && config.Worker != nil:
		err = work(ctx, config.Name, *config.Worker)
	case role == roleHolder:
		fmt.Println(readyLine)
		<-ctx.Done()
	default:
		err = fmt.Errorf("role %q is unknown, or %s lacks what it needs", role, configEnv)
	}
	if err != nil && !errors.Is(err, errOrphaned) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", config.Name, err)
		return 1
	}
	return 0
}

var errOrphaned = errors.New("the driver is gone")

// runUntilOrphaned cancels when the driver has died: it holds the other end of the standard input. It lives as long as
// its process.
func runUntilOrphaned(cancel context.CancelCauseFunc) {
	_, _ = io.Copy(io.Discard, os.Stdin) // any end is the end
	cancel(errOrphaned)
}

// fileLog writes warnings and errors with their times.
func fileLog(w io.Writer) log.Logger {
	return log.NewStructuredLogger(slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn})))
}

func serve(ctx context.Context, config devserver.Config) error {
	config.Logger = fileLog(os.Stderr)
	s, err := devserver.Start(config)
	if err != nil {
		return err
	}
	defer s.Shutdown()
	fmt.Println(readyLine)
	<-ctx.Done()
	return context.Cause(ctx)
}

func work(ctx context.Context, name string, role workerRole) error {
	b, err := openBook(role.Dir, name, role.Work, role.Thought)
	if err != nil {
		return err
	}
	c, err := dialPatiently(ctx, clientOptions(role.URL, name, os.Stderr))
	if err != nil {
		return err
	}
	defer c.Close()
	w := newWorker(c, role, b)
	interrupt := make(chan interface{})
	context.AfterFunc(ctx, func() { close(interrupt) })
	fmt.Println(readyLine)
	return w.Run(interrupt)
}

// patience is how long workflow code may seem to run in a process that is stopped for seconds and goes on.
const patience = 2 * time.Minute

func newWorker(c client.Client, role workerRole, b *book) worker.Worker {
	w := worker.New(c, taskQueue, worker.Options{
		WorkerLossTimeout: role.Lease, MaxConcurrentActivityExecutionSize: 64, DeadlockDetectionTimeout: patience,
		WorkflowCacheSize: role.Cache,
	})
	if !role.NoWorkflows {
		registerWorkflows(w, b)
	}
	if !role.NoActivities {
		registerActivities(w, b)
	}
	return w
}

// clientOptions connect to the servers of url and to no others: what servers say of each other would lead around the
// proxies and out of the partitions.
func clientOptions(url, identity string, logTo io.Writer) client.Options {
	return client.Options{
		HostPort: url, Identity: identity, Logger: fileLog(logTo),
		ConnectionOptions: client.ConnectionOptions{NATS: []nats.Option{nats.IgnoreDiscoveredServers(), logErrors(logTo)}},
	}
}

// logErrors keeps what nats.go has to say of lost connections from the terminal.
func logErrors(to io.Writer) nats.Option {
	return nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { fmt.Fprintln(to, "connection:", err) })
}

// dialPatiently connects as soon as a server is there: it may be down, or be killed while this process connects.
func dialPatiently(ctx context.Context, o client.Options) (client.Client, error) {
	const pause = 100 * time.Millisecond
	for {
		c, err := client.DialContext(ctx, o)
		if err == nil {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		case <-time.After(pause):
		}
	}
}

// join makes one address of several.
func join(urls []string) string { return strings.Join(urls, ",") }
