package integration

import (
	"context"
	"errors"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/scheduler"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// serveSchedules does what a daemon does for schedules.
func (e *engine) serveSchedules() {
	e.Helper()
	ctx, cancel := context.WithCancel(e.ctx)
	c, up, ended := e.dial(), make(chan struct{}), make(chan error, 1)
	go func() { ended <- scheduler.Run(ctx, c, func() { close(up) }) }()
	e.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			e.Errorf("schedules: %v", err)
		}
	})
	select {
	case <-up:
	case err := <-ended:
		e.Fatal(err)
	}
	scheduler.Register(replayable{worker.New(c, "nobody", worker.Options{}), e}, c) // for the replay at the end
}

// schedule creates a schedule of the workflow "Job".
func (e *engine) schedule(o client.ScheduleOptions) client.ScheduleHandle {
	e.Helper()
	o.ID = "s"
	if o.Action == nil {
		o.Action = &client.ScheduleWorkflowAction{ID: "job", Workflow: "Job", TaskQueue: queue}
	}
	h, err := e.client.ScheduleClient().Create(e.ctx, o)
	if err != nil {
		e.Fatal(err)
	}
	return h
}

func (e *engine) describeSchedule(h client.ScheduleHandle) *client.ScheduleDescription {
	e.Helper()
	d, err := h.Describe(e.ctx)
	if err != nil {
		e.Fatal(err)
	}
	return d
}

// jobs serves a "Job" that tells its workflow ID when it runs, and waits for the signal "go" where asked to.
func (e *engine) jobs(wait bool) <-chan string {
	ran := make(chan string, 1000)
	e.serve(code{"Job": func(ctx workflow.Context) error {
		if !workflow.IsReplaying(ctx) {
			ran <- workflow.GetInfo(ctx).WorkflowExecution.ID
		}
		if wait {
			return workflow.Await(ctx, func() bool { _, ok := workflow.GetSignalChannel(ctx, "go").ReceiveAsyncWithMoreFlag(nil); return ok })
		}
		return nil
	}}, nil)
	return ran
}

func (e *engine) next(ran <-chan string) string {
	e.Helper()
	select {
	case id := <-ran:
		return id
	case <-e.ctx.Done():
		e.Fatal("no further run began")
		return ""
	}
}

func every(d time.Duration) client.ScheduleSpec {
	return client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: d}}}
}

func TestScheduleStartsRunsUntilItIsPausedOrDeleted(t *testing.T) {
	e := newEngine(t)
	e.serveSchedules()
	ran := e.jobs(false)
	h := e.schedule(client.ScheduleOptions{Spec: every(200 * time.Millisecond), Note: "often"})
	for range 3 {
		e.next(ran)
	}
	if err := h.Pause(e.ctx, client.SchedulePauseOptions{Note: "enough"}); err != nil {
		t.Fatal(err)
	}
	d := e.describeSchedule(h)
	if !d.Schedule.State.Paused || d.Schedule.State.Note != "enough" || d.Info.NumActions < 3 {
		t.Errorf("description %+v %+v", d.Schedule.State, d.Info)
	}
	for i, a := range d.Info.RecentActions {
		if a.ScheduleTime.UnixMilli()%200 != 0 || a.ActualTime.Before(a.ScheduleTime) || i > 0 && !a.ScheduleTime.After(d.Info.RecentActions[i-1].ScheduleTime) {
			t.Errorf("action %d: %+v", i, a)
		}
		run := e.client.GetWorkflow(e.ctx, a.StartWorkflowResult.WorkflowID, a.StartWorkflowResult.FirstExecutionRunID)
		if err := run.Get(e.ctx, nil); err != nil {
			t.Error(err)
		}
	}
	taken := d.Info.NumActions
	if err := h.Trigger(e.ctx, client.ScheduleTriggerOptions{Overlap: enums.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL}); err != nil {
		t.Fatal(err)
	}
	for n := 3; n < taken+1; n++ {
		e.next(ran)
	}
	if d := e.describeSchedule(h); d.Info.NumActions != taken+1 {
		t.Errorf("%d actions after a pause and a trigger, want %d", d.Info.NumActions, taken+1)
	}
	if err := h.Unpause(e.ctx, client.ScheduleUnpauseOptions{}); err != nil {
		t.Fatal(err)
	}
	e.next(ran)
	if err := h.Delete(e.ctx); err != nil {
		t.Fatal(err)
	}
	var gone *serviceerror.NotFound
	if _, err := h.Describe(e.ctx); !errors.As(err, &gone) {
		t.Errorf("describe a deleted schedule: %v", err)
	}
	if err := h.Pause(e.ctx, client.SchedulePauseOptions{}); !errors.As(err, &gone) {
		t.Errorf("pause a deleted schedule: %v", err)
	}
	e.schedule(client.ScheduleOptions{Paused: true}) // the ID is free again
}

func TestScheduleIDIsTakenOnce(t *testing.T) {
	e := newEngine(t)
	e.schedule(client.ScheduleOptions{Paused: true})
	_, err := e.client.ScheduleClient().Create(e.ctx, client.ScheduleOptions{ID: "s",
		Action: &client.ScheduleWorkflowAction{Workflow: "Job", TaskQueue: queue}})
	if !errors.Is(err, millrace.ErrScheduleAlreadyRunning) {
		t.Errorf("got %v", err)
	}
}
