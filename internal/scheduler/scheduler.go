// Package scheduler serves what a namespace's users ask of its daemons: schedules, whose workflow it hosts and for which it
// does what needs a client, and activities without a workflow of the user's.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/internal/schedule"
	"github.com/millrace-dev/millrace/internal/standalone"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

const (
	// maxWatches is how many schedules of a daemon wait at a time for the end of a run. Waiting costs little.
	maxWatches = 10_000
	// watchFor is how long an attempt of a watch lasts at most, watchStep how often it asks whether it is still wanted.
	watchFor  = 10 * time.Minute
	watchStep = 5 * time.Second
)

// Register gives a worker the workflows and their activities.
func Register(r worker.Registry, c client.Client) {
	r.RegisterWorkflowWithOptions(schedule.Workflow, workflow.RegisterOptions{Name: schedule.WorkflowType})
	r.RegisterWorkflowWithOptions(standalone.Workflow, workflow.RegisterOptions{Name: standalone.WorkflowType})
	a := actions{c}
	for name, fn := range map[string]any{
		schedule.ActivityStart: a.start, schedule.ActivityOutcomes: a.outcomes, schedule.ActivityCancel: a.cancel,
		schedule.ActivityTerminate: a.terminate, schedule.ActivityWatch: a.watch,
	} {
		r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}

// Run serves the namespace of the client, which must have the default data converter and no interceptors, until ctx ends, and
// returns when everything has ended. Ready, unless it is nil, is called once it works.
func Run(ctx context.Context, c client.Client, ready func()) error {
	fatal := make(chan error, 1)
	w := worker.New(c, schedule.TaskQueue, worker.Options{MaxConcurrentActivityExecutionSize: maxWatches,
		// A start takes milliseconds, and a watch loses nothing.
		WorkerStopTimeout: time.Second, OnFatalError: func(err error) { fatal <- err },
		Interceptors: []interceptor.WorkerInterceptor{&passing{}}})
	Register(w, c)
	if err := w.Start(); err != nil {
		return fmt.Errorf("serve schedules: %w", err)
	}
	defer w.Stop()
	if ready != nil {
		ready()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-fatal:
		return fmt.Errorf("serve schedules: %w", err)
	}
}

// passing lets headers pass through the workflow around an activity.
type passing struct {
	interceptor.WorkerInterceptorBase
}

func (passing) InterceptWorkflow(ctx workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return standalone.Interceptor(ctx, next)
}

// actions are the activities.
type actions struct{ client client.Client }

func (a actions) start(ctx context.Context, s schedule.Start) error {
	err := client.StartScheduled(ctx, a.client, &s)
	var invalid *serviceerror.InvalidArgument
	if errors.As(err, &invalid) || millrace.IsWorkflowExecutionAlreadyStartedError(err) {
		return millrace.NewNonRetryableApplicationError(err.Error(), "ScheduledStart", err)
	}
	return err
}

func (a actions) outcomes(ctx context.Context, runs []schedule.Run) (closed []schedule.Outcome, err error) {
	for _, r := range runs {
		o, err := client.ScheduledOutcome(ctx, a.client, r)
		if err != nil {
			return nil, err
		}
		if o != nil {
			closed = append(closed, *o)
		}
	}
	return closed, nil
}

func (a actions) cancel(ctx context.Context, runs []schedule.Run) error {
	return each(runs, func(r schedule.Run) error { return a.client.CancelWorkflow(ctx, r.WorkflowID, "") })
}

func (a actions) terminate(ctx context.Context, runs []schedule.Run) error {
	return each(runs, func(r schedule.Run) error {
		return a.client.TerminateWorkflow(ctx, r.WorkflowID, "", "the schedule's next action takes its place")
	})
}

// each asks something of runs, of which some may have closed.
func each(runs []schedule.Run, ask func(schedule.Run) error) error {
	var errs []error
	for _, r := range runs {
		err := ask(r)
		var gone *serviceerror.NotFound
		if err != nil && !errors.As(err, &gone) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// watch returns when the run has closed, or after a while.
func (a actions) watch(ctx context.Context, r schedule.Run) error {
	run := a.client.GetWorkflow(ctx, r.WorkflowID, r.RunID)
	for begun := time.Now(); time.Since(begun) < watchFor; activity.RecordHeartbeat(ctx) {
		step, cancel := context.WithTimeout(ctx, watchStep)
		err := run.Get(step, nil)
		late := step.Err() != nil
		cancel()
		var ended *millrace.WorkflowExecutionError
		var gone *serviceerror.NotFound
		switch {
		case err == nil, errors.As(err, &ended), errors.As(err, &gone):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !late:
			return err
		}
	}
	return nil
}
