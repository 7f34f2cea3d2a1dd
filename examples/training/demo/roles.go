package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/examples/training/blobs"
	"github.com/millrace-dev/millrace/examples/training/data"
	"github.com/millrace-dev/millrace/examples/training/journal"
	"github.com/millrace-dev/millrace/examples/training/pipeline"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/worker"
)

const (
	// workerLossTimeout is how soon the death of a worker is noticed.
	workerLossTimeout = 2 * time.Second
	// checkpointInterval is how often a training's checkpoint leaves the worker; a pass takes less in the demo.
	checkpointInterval = 100 * time.Millisecond
	// dialRetry and dialTimeout govern how a process waits for a server that is not up yet.
	dialRetry   = 100 * time.Millisecond
	dialTimeout = 20 * time.Second
)

// startServer starts an embedded server on the demo's directory and provisions the default namespace. An empty address
// means any free port.
func startServer(ctx context.Context, dir layout, address string) (*devserver.Server, error) {
	cfg := devserver.Config{StoreDir: dir.nats(), Port: devserver.RandomPort}
	if address != "" {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("start server: %w", err)
		}
		cfg.Host = host
		if cfg.Port, err = strconv.Atoi(port); err != nil {
			return nil, fmt.Errorf("start server: port of %s: %w", address, err)
		}
	}
	s, err := devserver.Start(cfg)
	if err != nil {
		return nil, err
	}
	if err := provision(ctx, s); err != nil {
		s.Shutdown()
		return nil, err
	}
	return s, nil
}

// freeAddress returns a local address that was free a moment ago. The server must come back to the same one after a
// kill, so it cannot choose for itself.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(devserver.DefaultHost, "0"))
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// dial connects to the server, waiting for it if it is not up.
func dial(ctx context.Context, address string) (client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	for {
		c, err := client.DialContext(ctx, client.Options{HostPort: address})
		if err == nil {
			return c, nil
		}
		if sleep(ctx, dialRetry) != nil {
			return nil, fmt.Errorf("connect to %s within %s: %w", address, dialTimeout, err)
		}
	}
}

// trainer is a worker with the journal that it writes.
type trainer struct {
	worker.Worker
	journal *journal.Writer
}

func newWorker(c client.Client, dir layout, name string, pace time.Duration) (*trainer, error) {
	csv, err := os.ReadFile(dir.data())
	if err != nil {
		return nil, fmt.Errorf("worker %s: read data: %w", name, err)
	}
	store, err := blobs.Open(dir.blobs())
	if err != nil {
		return nil, fmt.Errorf("worker %s: %w", name, err)
	}
	j, err := journal.Create(dir.journals(), name)
	if err != nil {
		return nil, fmt.Errorf("worker %s: %w", name, err)
	}
	w := worker.New(c, pipeline.TaskQueue, worker.Options{
		Identity: name, WorkerLossTimeout: workerLossTimeout, MaxHeartbeatThrottleInterval: checkpointInterval,
	})
	pipeline.Register(w, pipeline.NewActivities(pipeline.Config{
		CSV: string(csv), File: data.FileName, Blobs: store, Cards: dir.cards(), Pace: pace, Journal: j,
	}))
	return &trainer{Worker: w, journal: j}, nil
}

// close closes the journal; the worker must have stopped.
func (t *trainer) close() error { return t.journal.Close() }

// roleFlags are the arguments of a process that the demo starts for itself.
type roleFlags struct {
	dir     layout
	address string
	name    string
	pace    time.Duration
}

func parseRole(role string, args []string) (roleFlags, error) {
	var r roleFlags
	flags := flag.NewFlagSet(role, flag.ContinueOnError)
	flags.StringVar(&r.dir.root, "dir", "", "the demo's directory")
	flags.StringVar(&r.address, "address", "", "the server's address")
	flags.StringVar(&r.name, "name", role, "the process's name")
	flags.DurationVar(&r.pace, "pace", 0, "time that every activity additionally takes")
	if err := flags.Parse(args); err != nil {
		return r, err
	}
	if r.dir.root == "" || r.address == "" {
		return r, errors.New("-dir and -address are needed")
	}
	return r, nil
}

// serverProcess serves until it is killed or its parent is gone.
func serverProcess(ctx context.Context, args []string) error {
	r, err := parseRole(roleServer, args)
	if err != nil {
		return err
	}
	ctx, cancel := untilOrphaned(ctx)
	defer cancel()
	s, err := startServer(ctx, r.dir, r.address)
	if err != nil {
		return err
	}
	defer s.Shutdown()
	fmt.Println(readyLine)
	<-ctx.Done()
	return nil
}

// workerProcess works until it is killed or its parent is gone.
func workerProcess(ctx context.Context, args []string) error {
	r, err := parseRole(roleWorker, args)
	if err != nil {
		return err
	}
	ctx, cancel := untilOrphaned(ctx)
	defer cancel()
	c, err := dial(ctx, r.address)
	if err != nil {
		return err
	}
	defer c.Close()
	w, err := newWorker(c, r.dir, r.name, r.pace)
	if err != nil {
		return err
	}
	if err := w.Start(); err != nil {
		return errors.Join(err, w.close())
	}
	fmt.Println(readyLine)
	<-ctx.Done()
	w.Stop()
	return w.close()
}
