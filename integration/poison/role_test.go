// Package poison gives workers that are real processes what ends, blocks or floods them, amid healthy runs, and holds that
// the poison is put away with a reason that a person understands, and that the healthy runs go on.
package poison

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/ballast"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

const (
	// urlEnv makes the test binary a worker of the server with that URL, variantEnv one with other code.
	urlEnv     = "MILLRACE_POISON_SERVER"
	variantEnv = "MILLRACE_POISON_VARIANT"

	queue = "poison"
	// workerLoss is how soon a worker that has died is given up.
	workerLoss = 3 * time.Second
	// memoryRoom is how much a worker may allocate beyond what it begins with.
	memoryRoom = 1500 << 20
)

var only = flag.String("poison.only", "", "give only the kinds whose name this regular expression matches")

var full = flag.Bool("poison.full", false, "all kinds of poison, at full size, and compared with the baseline (some minutes)")

var strict = flag.Bool("poison.strict", false, "with -poison.full, compare small times, too: on a machine that does nothing else")

func TestMain(m *testing.M) {
	// As in millrace dev, and as docs/operations.md advises for workers.
	release := ballast.Hold()
	defer release()
	if url := os.Getenv(urlEnv); url != "" {
		if err := beWorker(url, os.Getenv(variantEnv)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// beWorker serves the queue until it is told to stop, or its parent is gone.
func beWorker(url, variant string) error {
	if err := boundMemory(); err != nil {
		return err
	}
	c, err := client.Dial(client.Options{HostPort: url})
	if err != nil {
		return err
	}
	defer c.Close()
	w := worker.New(c, queue, worker.Options{WorkerLossTimeout: workerLoss, MaxConcurrentActivityExecutionSize: 100})
	register(w, variant)
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	fmt.Println("ready")
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	orphaned := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // any end is the end
		close(orphaned)
	}()
	select {
	case <-told:
	case <-orphaned:
	}
	return nil
}

// boundMemory has the process die of its own greed, and no other.
func boundMemory() error {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	var pages uint64
	if _, err := fmt.Sscan(string(data), &pages); err != nil {
		return err
	}
	limit := pages*uint64(os.Getpagesize()) + memoryRoom
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: limit, Max: limit})
}

func register(w worker.Worker, variant string) {
	for name, f := range map[string]any{
		"healthy": healthy, "panics": panics, "exits": exits, "loops": loops, "greedy": greedy, "calls": calls, "callsLocal": callsLocal,
		"flooded": flooded, "asked": asked,
		"changing": func(ctx workflow.Context) (string, error) { return changing(ctx, variant) },
	} {
		w.RegisterWorkflowWithOptions(f, workflow.RegisterOptions{Name: name})
	}
	for name, f := range map[string]any{
		"work": work, "panic": func() error { panic("boom in an activity") }, "exit": func() error { os.Exit(7); return nil },
		"strayPanic": strayPanic, "loop": loop, "greed": func() error { greed(); return nil }, "leak": leak, "large": large,
		"unencodable": func() (chan int, error) { return make(chan int), nil }, "wordy": wordy,
	} {
		w.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
}

func healthy(ctx workflow.Context) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	if err := workflow.ExecuteActivity(ctx, "work").Get(ctx, nil); err != nil {
		return "", err
	}
	o := workflow.GetActivityOptions(ctx)
	o.DisableEagerExecution = true
	var out string
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), "work").Get(ctx, &out)
	return out, err
}

func work(context.Context) (string, error) { return "well", nil }

func panics(workflow.Context) error { panic("boom in a workflow") }

func exits(workflow.Context) error { os.Exit(7); return nil }

func loops(workflow.Context) error {
	for {
	}
}

func greedy(workflow.Context) error { greed(); return nil }

// greed takes memory until there is none.
func greed() {
	var all [][]byte
	for {
		all = append(all, make([]byte, 64<<20)) // asked for and not used, so that no other process suffers
	}
}

// calls runs one activity, at most three times.
func calls(ctx workflow.Context, name string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 2 * time.Second,
		RetryPolicy: &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 3}})
	var out string
	err := workflow.ExecuteActivity(ctx, name).Get(ctx, &out)
	return out, err
}

// callsLocal is calls for a local activity.
func callsLocal(ctx workflow.Context, name string) (string, error) {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 2 * time.Second,
		RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 3}})
	var out string
	err := workflow.ExecuteLocalActivity(ctx, name).Get(ctx, &out)
	return out, err
}

func strayPanic(ctx context.Context) error {
	go func() { panic("boom in a goroutine of an activity's own") }()
	<-ctx.Done()
	return ctx.Err()
}

// loop ignores its context.
func loop() error {
	for {
	}
}

func leak(context.Context) (string, error) {
	for range 10_000 {
		go func() { select {} }()
	}
	return "leaked", nil
}

func large() (string, error) { return strings.Repeat("x", 10<<20), nil }

func wordy() error { return errors.New(strings.Repeat("word ", 1<<20)) }

// flooded counts signals until it is told how many there were.
func flooded(ctx workflow.Context) (int, error) {
	got, want := 0, -1
	drops := workflow.GetSignalChannel(ctx, "drop")
	s := workflow.NewSelector(ctx)
	s.AddReceive(drops, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil); got++ })
	s.AddReceive(workflow.GetSignalChannel(ctx, "end"), func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, &want) })
	for got != want {
		s.Select(ctx)
	}
	return got, nil
}

// asked has a query handler and an update validator that panic.
func asked(ctx workflow.Context) error {
	if err := workflow.SetQueryHandler(ctx, "q", func() (string, error) { panic("boom in a query") }); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, "u", func(workflow.Context) error { return nil },
		workflow.UpdateHandlerOptions{Validator: func() error { panic("boom in a validator") }}); err != nil {
		return err
	}
	workflow.GetSignalChannel(ctx, "end").Receive(ctx, nil)
	return nil
}

// changing asks for another activity in its variant.
func changing(ctx workflow.Context, variant string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	if variant != "" {
		if err := workflow.Sleep(ctx, time.Millisecond); err != nil {
			return "", err
		}
	}
	if err := workflow.ExecuteActivity(ctx, "work").Get(ctx, nil); err != nil {
		return "", err
	}
	workflow.GetSignalChannel(ctx, "end").Receive(ctx, nil)
	return "ended", nil
}
