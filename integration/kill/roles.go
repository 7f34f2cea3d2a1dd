package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// playRole is the whole life of a child process. It returns the exit code; being killed is its usual end.
func playRole(role string) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	go runUntilOrphaned(cancel)
	var config roleConfig
	err := json.Unmarshal([]byte(os.Getenv(configEnv)), &config)
	switch {
	case err != nil:
		err = fmt.Errorf("read %s: %w", configEnv, err)
	case role == roleServer:
		err = serve(ctx, config)
	case role == roleWorker:
		err = work(ctx, config)
	default:
		err = fmt.Errorf("unknown role %q", role)
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

// fileLog writes warnings and errors with their times to the standard error, which is a file of the driver's choice.
func fileLog(w io.Writer) log.Logger {
	return log.NewStructuredLogger(slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn})))
}

func serve(ctx context.Context, config roleConfig) error {
	s, err := devserver.Start(devserver.Config{StoreDir: config.Dir, Port: config.Port, Logger: fileLog(os.Stderr)})
	if err != nil {
		return err
	}
	defer s.Shutdown()
	fmt.Println(readyLine)
	<-ctx.Done()
	return context.Cause(ctx)
}

func work(ctx context.Context, config roleConfig) error {
	l, err := openLedger(config.Ledger)
	if err != nil {
		return err
	}
	c, err := dialPatiently(ctx, client.Options{HostPort: config.URL, Identity: config.Name, Logger: fileLog(os.Stderr)})
	if err != nil {
		return err
	}
	defer c.Close()
	w := newWorker(c, config, l)
	interrupt := make(chan interface{})
	context.AfterFunc(ctx, func() { close(interrupt) })
	fmt.Println(readyLine)
	return w.Run(interrupt)
}

// workerLoss is how soon the broker gives up a worker that was killed.
const workerLoss = 2 * time.Second

func newWorker(c client.Client, config roleConfig, l *ledger) worker.Worker {
	w := worker.New(c, taskQueue, worker.Options{WorkerLossTimeout: workerLoss, MaxConcurrentActivityExecutionSize: 64})
	w.RegisterWorkflowWithOptions(oneActivity, workflow.RegisterOptions{Name: nameOne})
	w.RegisterWorkflowWithOptions(sequential, workflow.RegisterOptions{Name: nameSequence})
	s := &stepper{ledger: l, work: time.Duration(config.Work)}
	w.RegisterActivityWithOptions(s.step, activity.RegisterOptions{Name: nameStep})
	return w
}

// dialPatiently connects as soon as the server is there: it may be down, or be killed while this process connects.
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
