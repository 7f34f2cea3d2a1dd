// Command bench measures Millrace beside the bare broker: the same publishes, conditional appends, deliveries and acks
// on the same streams of the same embedded server, with bodies of 150 bytes and no engine. The two alternate, each time
// in a fresh namespace, and what counts is the ratio. docs/benchmarks.md says what each workload is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/millrace-dev/millrace/internal/ballast"
)

func main() {
	o, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = bench(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(o options) error {
	defer ballast.Hold()() // as in the commands of Millrace; the bare programs have it, too
	if o.work != "" {
		return runWorker(o)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return run(ctx, o)
}
