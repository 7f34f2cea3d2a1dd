// Command bench measures Millrace beside the bare broker: the same publishes, conditional appends, deliveries and acks
// on the same kind of streams of the same embedded server, with bodies of 150 bytes and no engine. The two alternate,
// and what counts is the ratio of the medians.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/streams"
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of each workload, Millrace and bare in turn")
	flag.DurationVar(&o.duration, "duration", 2*time.Second, "length of one measurement")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of Millrace alone, without the bare broker, to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	rounds   int
	duration time.Duration
	profile  string
}

// load is a number of one-activity runs kept in flight.
type load struct {
	name        string
	concurrency int
}

// system runs one-activity runs to their end, one by one for each caller.
type system interface {
	// do runs one run and returns when its end is known to whoever started it.
	do(ctx context.Context, id string) error
	close()
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "millrace-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server, err := devserver.Start(devserver.Config{StoreDir: dir, Port: -1})
	if err != nil {
		return err
	}
	defer server.Shutdown()
	nc, err := server.Connect()
	if err != nil {
		return err
	}
	defer nc.Close()

	if o.profile != "" {
		return profile(ctx, server, nc, o)
	}
	fmt.Printf("machine: %d CPUs, %s/%s, %s; %d rounds of %v, embedded server (%s profile)\n\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), o.rounds, o.duration, server.Profile())
	fmt.Printf("%-24s %12s %12s %8s %16s %16s %16s\n", "one-activity runs", "millrace/s", "bare/s", "ratio",
		"p50 (m | b)", "p99 (m | b)", "CPU ms/run (m|b)")
	for i, l := range []load{{"concurrency 1", 1}, {"concurrency 64", 64}} {
		if err := compare(ctx, server, nc, o, l, i); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return nil
}

// compare measures one load on both systems in turn and prints a line.
func compare(ctx context.Context, server *devserver.Server, nc *nats.Conn, o options, l load, n int) error {
	var engine, bare []sample
	for round := range o.rounds {
		for _, x := range []struct {
			samples *[]sample
			open    func(context.Context, *devserver.Server, string) (system, error)
			name    string
		}{{&engine, openMillrace, "m"}, {&bare, openBare, "b"}} {
			s, err := measureIn(ctx, server, nc, fmt.Sprintf("%s%d_%d", x.name, n, round), o, l, x.open)
			if err != nil {
				return err
			}
			*x.samples = append(*x.samples, s)
		}
	}
	m, b := medians(engine), medians(bare)
	fmt.Printf("%-24s %12.0f %12.0f %8.2f %16s %16s %16s\n", l.name, m.rate, b.rate, m.rate/b.rate,
		fmt.Sprintf("%.2f | %.2f ms", ms(m.p50), ms(b.p50)), fmt.Sprintf("%.2f | %.2f ms", ms(m.p99), ms(b.p99)),
		fmt.Sprintf("%.2f | %.2f", ms(m.cpu), ms(b.cpu)))
	fmt.Printf("%-24s %12s %12s\n", "  spread", spread(engine), spread(bare))
	return nil
}

// measureIn creates a fresh namespace, measures in it and deletes its streams, so that rounds do not burden each other.
func measureIn(ctx context.Context, server *devserver.Server, nc *nats.Conn, name string, o options, l load,
	open func(context.Context, *devserver.Server, string) (system, error)) (sample, error) {
	plan, err := streams.PlanNamespace(ctx, nc, name, streams.CreateOptions{})
	if err != nil {
		return sample{}, err
	}
	if err := plan.Apply(ctx); err != nil {
		return sample{}, err
	}
	sys, err := open(ctx, server, name)
	if err != nil {
		return sample{}, err
	}
	defer deleteStreams(ctx, nc, name)
	defer sys.close()
	return measure(ctx, sys, l, o.duration)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// profile measures Millrace alone at concurrency 64 under the CPU profiler.
func profile(ctx context.Context, server *devserver.Server, nc *nats.Conn, o options) error {
	f, err := os.Create(o.profile)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	s, err := measureIn(ctx, server, nc, "profile", o, load{"concurrency 64", 64}, openMillrace)
	if err != nil {
		return err
	}
	fmt.Printf("%.0f runs/s, p50 %.2f ms, %.2f ms CPU a run\n", s.rate, ms(s.p50), ms(s.cpu))
	return nil
}
