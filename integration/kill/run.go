package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/streams"
)

var (
	// errViolated is returned when what was found is not what has to be.
	errViolated = errors.New("invariants are violated")
	// errVoid is returned when the kills did not disturb as much work as was asked for.
	errVoid = errors.New("too few kills hit work in flight")
)

// run does everything and writes the report.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	dir, err := workDirectory(o.dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "seed %d; data, ledgers and logs in %s\n", o.seed, dir)
	port, err := freePort()
	if err != nil {
		return err
	}
	f, err := startFleet(ctx, dir, port, o)
	if err != nil {
		return err
	}
	defer f.stop()
	if err := createNamespace(ctx, f.url()); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "driver.log"))
	if err != nil {
		return fmt.Errorf("create the driver's log: %w", err)
	}
	defer log.Close()
	c, err := client.DialContext(ctx, client.Options{HostPort: f.url(), Identity: "driver", Logger: fileLog(log)})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := f.startWorkers(); err != nil {
		return err
	}
	r := &report{o: o, dir: dir, began: time.Now()}
	if err := r.disturb(ctx, f, &driver{client: c, o: o}); err != nil {
		return fmt.Errorf("%w (data in %s)", err, dir)
	}
	if err := r.examine(ctx, f, c); err != nil {
		return fmt.Errorf("%w (data in %s)", err, dir)
	}
	r.write(out)
	if err := r.verdict(); err != nil || o.dir != "" {
		return err
	}
	f.stop()
	return os.RemoveAll(dir)
}

// workDirectory is a directory for everything that this run writes.
func workDirectory(dir string) (string, error) {
	if dir == "" {
		dir, err := os.MkdirTemp("", "millrace-kill-")
		if err != nil {
			return "", fmt.Errorf("create a directory: %w", err)
		}
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("create a directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("read directory: %w", err)
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("-dir %s is not empty: ledgers of another run would be counted", dir)
	}
	return dir, nil
}

// freePort is a port that the server can have again and again. It lies below those that the system gives to outgoing
// connections, one of which could take it while the server is down.
func freePort() (int, error) {
	const first, last = 20_000, 30_000
	offset := os.Getpid() % (last - first)
	var err error
	for i := range last - first {
		port := first + (offset+i)%(last-first)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("find a free port from %d to %d: %w", first, last, err)
}

func createNamespace(ctx context.Context, url string) error {
	nc, err := nats.Connect(url)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", url, err)
	}
	defer nc.Close()
	plan, err := streams.PlanNamespace(ctx, nc, client.DefaultNamespace, streams.CreateOptions{})
	if err != nil {
		return err
	}
	return plan.Apply(ctx)
}

// disturb runs the load under kills until both are enough, ends the kills and waits until everything has come to rest
// or the time for that is over.
func (r *report) disturb(ctx context.Context, f *fleet, d *driver) error {
	loadCtx, endLoad := context.WithCancelCause(ctx)
	defer endLoad(nil)
	killCtx, endKills := context.WithCancel(ctx)
	defer endKills()
	k := newKillers(f, d, r.o)
	planned, loaded, killed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() { d.load(loadCtx, k.enough, planned); close(loaded) }()
	go func() { killed <- k.run(killCtx) }()
	defer func() { <-loaded }()

	limit := time.NewTimer(r.o.limit)
	defer limit.Stop()
	enough, killsDone := k.enough, false
	started := (<-chan struct{})(planned)
	var err error
	for enough != nil || started != nil {
		select {
		case <-enough:
			enough = nil
		case <-started:
			started = nil
		case err = <-killed:
			killsDone, enough, started = true, nil, nil
		case <-limit.C:
			err = fmt.Errorf("%w after %v: %+v", errVoid, r.o.limit, k.counts())
			enough, started = nil, nil
		case <-ctx.Done():
			enough, started = nil, nil
		}
	}
	endKills()
	if !killsDone {
		err = errors.Join(err, <-killed)
	}
	if err = errors.Join(err, context.Cause(ctx)); err != nil {
		endLoad(err)
		return err
	}
	r.kills = k.counts()
	r.settle(ctx, f, d, endLoad, loaded)
	return nil
}

var errNotSettled = errors.New("the time for everything to end is over")

// settle waits for the results, and for the streams to drain.
func (r *report) settle(ctx context.Context, f *fleet, d *driver, endLoad context.CancelCauseFunc, loaded <-chan struct{}) {
	last := r.kills.Last
	if last.IsZero() {
		last = time.Now()
	}
	r.openAtLastKill, _ = d.inFlight()
	ctx, cancel := context.WithDeadline(ctx, last.Add(r.o.settle))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { endLoad(errNotSettled) })
	defer stop()
	<-loaded
	r.runs, r.retried, r.ambiguous = d.outcomes(), d.retried.Load(), d.ambiguous.Load()
	r.lastResult = lastEnd(r.runs).Sub(last)
	b, err := openBroker(ctx, f.url())
	if err != nil {
		return // a violation will say that the streams are not empty, or the examination that it cannot read them
	}
	defer b.close()
	if at := b.drained(ctx); !at.IsZero() {
		r.drained = at.Sub(last)
	}
}

// examine reads everything and judges it.
func (r *report) examine(ctx context.Context, f *fleet, c client.Client) error {
	b, err := openBroker(ctx, f.url())
	if err != nil {
		return err
	}
	defer b.close()
	r.crashed = f.check()
	if r.observed, err = b.observe(ctx, r.dir); err != nil {
		return err
	}
	if r.redelivered, err = b.redeliveries(ctx); err != nil {
		return err
	}
	r.violations = violations(r.runs, r.observed)
	r.took = time.Since(r.began)
	if ids := r.violated(); len(ids) > 0 || len(r.violations) > 0 {
		out, err := os.Create(filepath.Join(r.dir, "violations.txt"))
		if err != nil {
			return fmt.Errorf("write down what was violated: %w", err)
		}
		defer out.Close()
		for _, v := range r.violations {
			fmt.Fprintln(out, v)
		}
		b.describe(ctx, c, ids, out)
	}
	return nil
}
