// Command kill runs workflows while it kills the processes that run them, and proves from what is left that nothing
// was lost and nothing happened twice.
//
// Roles. The command starts itself as one server process (the embedded nats-server on a data directory) and as several
// worker processes, each of which is a coordinator too. The driver, in the first process, starts runs and waits for
// their results like any other client; two killers send SIGKILL, one to a random worker, one to the server, and start
// what they killed again.
//
// Rule. Every activity notes its beginning and its end in a ledger of its process before and after it works. A kill
// counts when it hit work in flight: for a worker, when its ledger shows an activity that began and did not end; for
// the server, when runs were open and a request or an activity was waiting for it.
//
// Verdict. After the last kill every run has to end, with the result that its inputs give. The verifier then reads every
// message of every history from the broker and compares it with what the clients were told and what the ledgers say:
// see violations. Task and inbox streams have to be empty. Anything else ends the command with exit code 1, with the IDs
// of the runs and where to look.
//
// The seed decides whom the killers kill and when they try to; how the processes interleave is up to the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(playRole(role))
	}
	o, err := parseOptions(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kill:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kill:", err)
		os.Exit(1)
	}
}
