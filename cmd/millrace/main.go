// Command millrace is Millrace's command line: a development server, the daemon, and the verbs that start, show and
// steer workflows.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // time zones by name, also where the system has no database of them

	"github.com/millrace-dev/millrace/contrib/envconfig"
	"github.com/millrace-dev/millrace/internal/ballast"
)

func main() {
	serveVet(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal stops in good order; after it, signals have their usual effect again.
	context.AfterFunc(ctx, stop)
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: envconfig.EnvLookupOS{}}
	release := ballast.Hold() // the daemon's heap is small beside the garbage of its messages
	code := a.execute(ctx, os.Args[1:])
	release()
	os.Exit(code)
}
