package schedule

import (
	"fmt"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

// The activities that the workflow calls.
const (
	// ActivityStart takes a Start and starts the run, once however often it is called.
	ActivityStart = "millrace.schedule.start"
	// ActivityOutcomes takes a list of Run and returns the Outcomes of those that have closed.
	ActivityOutcomes = "millrace.schedule.outcomes"
	// ActivityCancel and ActivityTerminate take a list of Run; those that have closed are no error.
	ActivityCancel    = "millrace.schedule.cancel"
	ActivityTerminate = "millrace.schedule.terminate"
	// ActivityWatch takes a Run and returns when it has closed, or after a while.
	ActivityWatch = "millrace.schedule.watch"
)

// Workflow is a schedule. It ends when it is canceled or terminated.
func Workflow(ctx workflow.Context, s *State) error {
	times, err := NewTimes(s.ID, s.Spec)
	if err != nil {
		return millrace.NewNonRetryableApplicationError("schedule "+s.ID, "InvalidSchedule", err)
	}
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: 30 * time.Second, ScheduleToCloseTimeout: time.Hour})
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: watchTimeout})
	x := &execution{State: s, times: times}
	if err := x.listen(ctx); err != nil {
		return err
	}
	return x.run(ctx)
}

// watchTimeout bounds one attempt of ActivityWatch, which returns long before that.
const watchTimeout = 15 * time.Minute

// searchStep is how long the workflow rests after it has looked at many times that are all skipped.
const searchStep = 10 * time.Millisecond

// execution is a run of the workflow.
type execution struct {
	*State
	times *Times
	// changed is set when a handler has changed the State.
	changed bool
	// watch is the end of a run that is waited for, nil for none.
	watch     workflow.Future
	stopWatch workflow.CancelFunc
}

// listen sets the handlers. They do not block.
func (x *execution) listen(ctx workflow.Context) error {
	update := func(name string, handler any) error {
		return workflow.SetUpdateHandler(ctx, name, handler)
	}
	if err := workflow.SetQueryHandler(ctx, QueryDescribe, func() (*State, error) { return x.State, nil }); err != nil {
		return err
	}
	if err := update(UpdatePause, func(ctx workflow.Context, p Pause) error {
		x.Advance(x.times, workflow.Now(ctx))
		x.Paused, x.Note, x.changed = p.Paused, p.Note, true
		return nil
	}); err != nil {
		return err
	}
	if err := update(UpdateTrigger, func(ctx workflow.Context, t Trigger) error {
		x.Trigger(t, workflow.Now(ctx))
		x.changed = true
		return nil
	}); err != nil {
		return err
	}
	if err := update(UpdateBackfill, func(_ workflow.Context, b []Backfill) error {
		x.Backfills = append(x.Backfills, b...)
		x.changed = true
		return nil
	}); err != nil {
		return err
	}
	return update(UpdateChange, x.change)
}

func (x *execution) change(ctx workflow.Context, c Change) error {
	d, err := c.Definition.Resolved()
	if err != nil {
		return err
	}
	times, err := NewTimes(x.ID, d.Spec)
	if err != nil {
		return err
	}
	if d.Action.Header == nil { // it is no part of what users change
		d.Action.Header = x.Action.Header
	}
	now := workflow.Now(ctx)
	x.Advance(x.times, now)
	x.Definition, x.times, x.Updated, x.Processed, x.changed = d, times, now, latest(x.Processed, now), true
	if c.Search != nil {
		x.Search = c.Search
	}
	return nil
}

func (x *execution) run(ctx workflow.Context) error {
	for {
		x.changed = false
		more := x.Advance(x.times, workflow.Now(ctx))
		searching := x.Backfill(x.times)
		if err := x.act(ctx); err != nil {
			return err
		}
		switch {
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			if x.stopWatch != nil {
				x.stopWatch()
			}
			return workflow.NewContinueAsNewError(ctx, WorkflowType, x.State)
		case searching:
			if err := workflow.Sleep(ctx, searchStep); err != nil {
				return err
			}
			continue
		case x.changed || len(x.Backfills) > 0 && len(x.Buffer) < maxBuffer:
			continue
		}
		x.startWatch(ctx)
		if err := x.wait(ctx, more); err != nil {
			return err
		}
	}
}

// act does what can be done about the actions that wait.
func (x *execution) act(ctx workflow.Context) error {
	ended := x.watch != nil && x.watch.IsReady()
	if ended {
		x.watch, x.stopWatch = nil, nil
	}
	if len(x.Running) > 0 && (len(x.Buffer) > 0 || ended) {
		if err := x.refresh(ctx); err != nil {
			return err
		}
	}
	for {
		p := x.Plan()
		if p.Empty() {
			return nil
		}
		if err := x.stop(ctx, ActivityCancel, p.Cancel); err != nil {
			return err
		}
		if err := x.stop(ctx, ActivityTerminate, p.Terminate); err != nil {
			return err
		}
		for _, d := range p.Start {
			if err := x.start(ctx, d); err != nil {
				return err
			}
		}
		if len(p.Terminate) > 0 {
			if err := x.refresh(ctx); err != nil {
				return err
			}
		}
	}
}

// refresh asks which of the runs have closed.
func (x *execution) refresh(ctx workflow.Context) error {
	var closed []Outcome
	err := workflow.ExecuteLocalActivity(ctx, ActivityOutcomes, x.Running).Get(ctx, &closed)
	for _, o := range closed {
		x.Close(o)
	}
	return x.tolerate(ctx, "ask for outcomes", err)
}

func (x *execution) stop(ctx workflow.Context, activity string, runs []Run) error {
	if len(runs) == 0 {
		return nil
	}
	return x.tolerate(ctx, activity, workflow.ExecuteLocalActivity(ctx, activity, runs).Get(ctx, nil))
}

func (x *execution) start(ctx workflow.Context, d Due) error {
	now := workflow.Now(ctx)
	id := x.Action.ID + "-" + d.Nominal.UTC().Format(time.RFC3339Nano)
	x.Numbered++
	mine := history.Run{WorkflowID: id, RunID: workflow.GetInfo(ctx).FirstRunID}
	run := Run{WorkflowID: id, RunID: history.DeriveRunID(mine, x.Numbered, now)}
	err := workflow.ExecuteLocalActivity(ctx, ActivityStart, Start{ScheduleID: x.ID, Run: run, Nominal: d.Nominal, Action: x.Action,
		LastResult: x.LastResult, LastError: x.LastError}).Get(ctx, nil)
	if err != nil {
		x.Dropped++
		return x.tolerate(ctx, "start "+id, err)
	}
	x.Record(d, run, now)
	return nil
}

// tolerate logs an error, so that the schedule goes on, unless the workflow is canceled.
func (x *execution) tolerate(ctx workflow.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("schedule %s: %s: %w", x.ID, what, ctx.Err())
	}
	workflow.GetLogger(ctx).Warn("schedule cannot do what is due", "schedule", x.ID, "what", what, "error", err)
	return nil
}

// startWatch waits for the end of a run when there is a reason to.
func (x *execution) startWatch(ctx workflow.Context) {
	run, ok := x.Watched()
	if !ok || x.watch != nil {
		return
	}
	ctx, x.stopWatch = workflow.WithCancel(ctx)
	x.watch = workflow.ExecuteActivity(ctx, ActivityWatch, run)
}

// wait returns when there may be something to do.
func (x *execution) wait(ctx workflow.Context, more bool) error {
	woken := func() bool { return x.changed || x.watch != nil && x.watch.IsReady() }
	next, ok := x.Next(x.times)
	if !ok && !more {
		return workflow.Await(ctx, woken)
	}
	d := max(next.Sub(workflow.Now(ctx)), 0)
	if more {
		d = max(d, searchStep)
	}
	if d == 0 {
		return nil
	}
	// Timers are kept in milliseconds; one that fires too early would be followed by another.
	_, err := workflow.AwaitWithTimeout(ctx, (d + time.Millisecond - 1).Truncate(time.Millisecond), woken)
	return err
}
