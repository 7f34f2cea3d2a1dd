// Command demo trains 90 days of weather forecasts on an embedded server and prints how good they are.
//
// Three ranges of days run at once: two as backfills, one as the daily workflow that continues as new. With -crash the
// server and the workers are processes of their own that are killed at random moments, and the outcome must be the
// same, byte for byte. The exit status is 0 only if every card equals that of a run without an engine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/millrace-dev/millrace/examples/training/data"
	"github.com/millrace-dev/millrace/examples/training/weather"
)

// The first argument of a process that this program starts for itself.
const (
	roleServer = "server"
	roleWorker = "worker"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:])
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case roleServer:
			return serverProcess(ctx, args[1:])
		case roleWorker:
			return workerProcess(ctx, args[1:])
		}
	}
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	return run(ctx, o, os.Stdout)
}

// options are what the user can choose.
type options struct {
	crash   bool
	days    int
	pace    time.Duration
	dir     string
	csv     string
	seed    uint64
	kills   int
	servers int
	workers int
}

func parseOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.BoolVar(&o.crash, "crash", false, "kill workers and server at random moments")
	flags.IntVar(&o.days, "days", 30, "days in each of the three ranges, 1 to 90")
	flags.DurationVar(&o.pace, "pace", 0, "time that every activity and every training pass additionally takes (default 10ms, with -crash 60ms)")
	flags.StringVar(&o.dir, "dir", "", "an empty or new directory for everything that the demo writes (default a new one under the system's directory for temporary files)")
	flags.StringVar(&o.csv, "csv", "", "a data file to use in place of the embedded one")
	flags.Uint64Var(&o.seed, "seed", 0, "with -crash: seed of the kills (default a random one, which is printed)")
	flags.IntVar(&o.kills, "kills", 15, "with -crash: processes to kill in all")
	flags.IntVar(&o.servers, "server-kills", 4, "with -crash: how many of the kills hit the server")
	flags.IntVar(&o.workers, "workers", 2, "with -crash: worker processes, 1 to 16")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	seeded := false
	flags.Visit(func(f *flag.Flag) { seeded = seeded || f.Name == "seed" })
	if !seeded {
		o.seed = rand.Uint64()
	}
	if o.pace == 0 {
		o.pace = 10 * time.Millisecond
		if o.crash {
			o.pace = 60 * time.Millisecond
		}
	}
	return o, o.check()
}

func (o options) check() error {
	switch {
	case o.days < 1 || o.days > 90:
		return fmt.Errorf("-days %d: want 1 to 90, the ranges begin 92 days apart", o.days)
	case o.pace < 0 || o.pace > 5*time.Second:
		return fmt.Errorf("-pace %s: want 0 to 5s, half the heartbeat time-out", o.pace)
	case o.kills < 0:
		return fmt.Errorf("-kills %d: want 0 or more", o.kills)
	case o.servers < 0 || o.servers > o.kills:
		return fmt.Errorf("-server-kills %d: want 0 to %d, the number of -kills", o.servers, o.kills)
	case o.workers < 1 || o.workers > 16:
		return fmt.Errorf("-workers %d: want 1 to 16", o.workers)
	}
	return nil
}

// run is the demo: prepare, train, compare, show.
func run(ctx context.Context, o options, out io.Writer) error {
	ds, err := o.dataset()
	if err != nil {
		return err
	}
	spans, err := demoSpans(o.days)
	if err != nil {
		return err
	}
	expected, err := expectedCards(ds.Dataset, ds.file, spans)
	if err != nil {
		return fmt.Errorf("train without an engine: %w", err)
	}
	dir, err := o.prepare(ds)
	if err != nil {
		return err
	}
	train, limit := trainInProcess, 2*time.Minute
	if o.crash {
		train, limit = trainUnderFire, 3*time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done within %s", limit))
	defer cancel()
	started := time.Now()
	if err := train(ctx, o, dir, spans); err != nil {
		return fmt.Errorf("%w; what was written is in %s", err, dir.root)
	}
	took := time.Since(started).Round(100 * time.Millisecond)
	if err := printTable(out, dir.cards(), spans); err != nil {
		return err
	}
	digest, err := compareCards(dir.cards(), expected)
	if err != nil {
		return fmt.Errorf("the cards in %s are not those of a run without an engine: %w", dir.cards(), err)
	}
	fmt.Fprintf(out, "%d days trained in %s; all %d files equal those of a run without an engine, SHA-256 %s\n\n", len(spans)*o.days, took, len(expected), digest)
	fmt.Fprintf(out, "Where to look further:\n  cards      %s\n  histories  go run ./cmd/millrace dev --data-dir %s\n", dir.cards(), dir.nats())
	fmt.Fprintf(out, "             and, beside it, go run ./cmd/millrace workflow list, or workflow show %s\n", spans[0].workflowID())
	return nil
}

// source is the data file of a demo.
type source struct {
	weather.Dataset
	file string
	text string
}

func (o options) dataset() (source, error) {
	s := source{file: data.FileName, text: data.SeattleWeather()}
	if o.csv != "" {
		content, err := os.ReadFile(o.csv)
		if err != nil {
			return source{}, fmt.Errorf("read data: %w", err)
		}
		s.text = string(content)
	}
	var err error
	s.Dataset, err = weather.Load(strings.NewReader(s.text))
	return s, err
}

// prepare creates the demo's directory with a copy of the data, for all processes to read.
func (o options) prepare(s source) (layout, error) {
	dir := layout{root: o.dir}
	var err error
	if o.dir == "" {
		dir.root, err = os.MkdirTemp("", "millrace-demo-")
	} else {
		err = os.MkdirAll(o.dir, 0o755)
	}
	if err != nil {
		return layout{}, fmt.Errorf("create the demo's directory: %w", err)
	}
	entries, err := os.ReadDir(dir.root)
	if err != nil {
		return layout{}, fmt.Errorf("create the demo's directory: %w", err)
	}
	if len(entries) > 0 {
		return layout{}, fmt.Errorf("-dir %s is not empty: the demo compares everything that it finds there", dir.root)
	}
	for _, d := range []string{dir.nats(), dir.blobs(), dir.cards(), dir.journals(), dir.logs()} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return layout{}, fmt.Errorf("create the demo's directory: %w", err)
		}
	}
	if err := os.WriteFile(dir.data(), []byte(s.text), 0o644); err != nil {
		return layout{}, fmt.Errorf("create the demo's directory: %w", err)
	}
	return dir, nil
}
