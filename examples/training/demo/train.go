package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	temporal "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/examples/training/journal"
)

// errTrained ends what runs beside the job when the job is done.
var errTrained = errors.New("all ranges are trained")

// trainInProcess runs the job with server and worker in this process.
func trainInProcess(ctx context.Context, o options, dir layout, spans []span) (err error) {
	server, err := startServer(ctx, dir, "")
	if err != nil {
		return err
	}
	defer server.Shutdown()
	c, err := dial(ctx, server.ClientURL())
	if err != nil {
		return err
	}
	defer c.Close()
	w, err := newWorker(c, dir, "worker", o.pace)
	if err != nil {
		return err
	}
	if err := w.Start(); err != nil {
		return errors.Join(err, w.close())
	}
	defer func() {
		w.Stop()
		err = errors.Join(err, w.close())
	}()
	fmt.Printf("training %d ranges of %d days at %s, files in %s\n", len(spans), o.days, server.ClientURL(), dir.root)
	show := newProgress(os.Stdout, len(spans)*o.days)
	return runJob(ctx, c, dir, spans, show)
}

// trainUnderFire runs the job with server and workers in processes of their own, and kills them.
func trainUnderFire(ctx context.Context, o options, dir layout, spans []span) (err error) {
	fmt.Printf("seed %d\n", o.seed)
	f, err := startFleet(ctx, o, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	c, err := dial(ctx, f.address)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Printf("training %d ranges of %d days with a server at %s and %d workers, files in %s\n", len(spans), o.days, f.address, o.workers, dir.root)
	show := newProgress(os.Stdout, len(spans)*o.days)
	k := &killer{fleet: f, random: rand.New(rand.NewPCG(o.seed, 0)), note: show.note}
	jobCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var killing sync.WaitGroup
	var killErr error
	killing.Go(func() {
		if killErr = k.run(jobCtx, o.kills-o.servers, o.servers); killErr != nil && !errors.Is(killErr, errTrained) {
			cancel(killErr)
		}
	})
	jobErr := runJob(jobCtx, c, dir, spans, show)
	cancel(errTrained)
	killing.Wait()
	if jobErr != nil {
		return jobErr
	}
	totals, err := journal.Count(dir.journals())
	if err != nil {
		return err
	}
	fmt.Printf("\n%d kills with an activity in flight, %d of them of the server (%d more hit nothing)\n", k.done.total(), k.done.servers, k.done.idle)
	fmt.Printf("%d redeliveries: %d activities took %d executions, %d of them with an attempt above 1, %d of them cut off by a kill\n\n",
		totals.Redeliveries(), totals.Activities, totals.Executions, totals.FurtherAttempts, totals.Interrupted)
	switch {
	case killErr != nil:
		return fmt.Errorf("%d of %d kills made before the job was done: raise -pace: %w", k.done.total(), o.kills, killErr)
	case o.kills > o.servers && totals.Redeliveries() == 0:
		return errors.New("workers were killed, but nothing was redelivered")
	}
	return nil
}

// runJob starts the spans and waits for their ends, showing the number of published cards meanwhile.
func runJob(ctx context.Context, c client.Client, dir layout, spans []span, show *progress) error {
	for _, s := range spans {
		if err := s.start(ctx, c); err != nil {
			return err
		}
	}
	showCtx, stop := context.WithCancel(ctx)
	var showing sync.WaitGroup
	showing.Go(func() { show.run(showCtx, func() int { return countCards(dir.cards()) }) })
	defer showing.Wait()
	defer stop()
	errs := make([]error, len(spans))
	var waiting sync.WaitGroup
	for i, s := range spans {
		waiting.Go(func() { errs[i] = s.wait(ctx, c) })
	}
	waiting.Wait()
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("wait for %d ranges: %w", len(spans), err)
	}
	return errors.Join(errs...)
}

// waitRetry is the time between two tries to reach a server that is down.
const waitRetry = 500 * time.Millisecond

// wait waits for the end of the span's workflow, also while there is no server to ask.
func (s span) wait(ctx context.Context, c client.Client) error {
	for {
		err := c.GetWorkflow(ctx, s.workflowID(), "").Get(ctx, nil)
		var failed *temporal.WorkflowExecutionError
		if err == nil || errors.As(err, &failed) {
			return err
		}
		if sleep(ctx, waitRetry) != nil {
			return fmt.Errorf("wait for %s: %w", s.workflowID(), err)
		}
	}
}
