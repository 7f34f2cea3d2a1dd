// Command faults runs workflows while it kills, stops, cuts off and slows down the processes that run them, and has the
// evidence examined that is left: nothing lost, nothing doubled, nothing stuck.
//
// Roles. The command starts itself as nats-servers (one, or a cluster of three), and as workers that serve workflows,
// activities or both; beside them runs `millrace daemon`. Its own process is the clients: they start runs, send signals
// and updates, complete activities from outside, and wait for results.
//
// Rule. What clients ask for and are told, what activities do, and what is done to the system is written down while it
// happens (see package verify). A fault counts when it hit something in flight.
//
// Verdict. After the last fault everything has to come to rest. Then all streams are dumped and package verify decides.
// In addition the decisions of workflow Decide are compared with their effects: one that was made by a process which
// others had given up must not have any.
//
// The seed decides which faults come when, whom they befall, and what each run does; how the processes interleave is up to
// the machine.
//
//	faults                    every segment once
//	faults -soak 60 -state f  all of them in turn for an hour, adding up
//	faults report             the totals as a page
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
	if len(os.Args) > 1 && os.Args[1] == "report" {
		o, err := parseReportOptions(os.Args[2:], os.Stderr)
		if err == nil {
			err = report(o, os.Stdout)
		}
		os.Exit(exitCode(err))
	}
	if !inSandbox() && trySandbox(context.Background()) == nil {
		code, err := runInSandbox(os.Args[1:]...)
		os.Exit(max(code, exitCode(err)))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	o, err := parseOptions(os.Args[1:], os.Stderr)
	if err == nil && inSandbox() {
		err = ip(ctx, "link set lo up") // a new network namespace has it down
	}
	if err == nil {
		err = run(ctx, o, os.Stdout)
	}
	stop()
	os.Exit(exitCode(err))
}

// exitCode says what went wrong.
func exitCode(err error) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintln(os.Stderr, "faults:", err)
	return 1
}
