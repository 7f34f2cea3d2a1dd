package integration

import (
	"context"
	"errors"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/interceptor"
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
			return workflow.Await(ctx, func() bool { return workflow.GetSignalChannel(ctx, "go").ReceiveAsync(nil) })
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

func TestScheduledRunsHaveTheActionsPriority(t *testing.T) {
	e := newEngine(t)
	e.serveSchedules()
	want := millrace.Priority{PriorityKey: 2, FairnessKey: "tenant", FairnessWeight: 3}
	got := make(chan millrace.Priority, 100)
	e.serve(code{"Job": func(ctx workflow.Context) error {
		if !workflow.IsReplaying(ctx) {
			got <- workflow.GetInfo(ctx).Priority
		}
		return nil
	}}, nil)
	h := e.schedule(client.ScheduleOptions{Paused: true, Action: &client.ScheduleWorkflowAction{ID: "job", Workflow: "Job", TaskQueue: queue, Priority: want}})
	if err := h.Trigger(e.ctx, client.ScheduleTriggerOptions{}); err != nil {
		t.Fatal(err)
	}
	select {
	case p := <-got:
		if p != want {
			t.Errorf("priority is %+v, want %+v", p, want)
		}
	case <-e.ctx.Done():
		t.Fatal("no run began")
	}
	if a := e.describeSchedule(h).Schedule.Action.(*client.ScheduleWorkflowAction); a.Priority != want {
		t.Errorf("described priority is %+v", a.Priority)
	}
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

func TestScheduleSkipsWhileARunIsOpen(t *testing.T) {
	e := newEngine(t)
	e.serveSchedules()
	ran := e.jobs(true)
	h := e.schedule(client.ScheduleOptions{Spec: every(100 * time.Millisecond)})
	first := e.next(ran)
	d := e.describeSchedule(h)
	for d.Info.NumActionsSkippedOverlap < 3 {
		d = e.describeSchedule(h)
	}
	if len(d.Info.RunningWorkflows) != 1 || d.Info.RunningWorkflows[0].WorkflowID != first || d.Info.NumActions != 1 {
		t.Errorf("running %+v, %d actions", d.Info.RunningWorkflows, d.Info.NumActions)
	}
	if err := e.client.SignalWorkflow(e.ctx, first, "", "go", nil); err != nil {
		t.Fatal(err)
	}
	if second := e.next(ran); second == first {
		t.Errorf("run %s twice", first)
	}
}

func TestScheduleMakesRoomForTheNextRun(t *testing.T) {
	for policy, status := range map[enums.ScheduleOverlapPolicy]enums.WorkflowExecutionStatus{
		enums.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER:    enums.WORKFLOW_EXECUTION_STATUS_CANCELED,
		enums.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER: enums.WORKFLOW_EXECUTION_STATUS_TERMINATED,
	} {
		t.Run(policy.String(), func(t *testing.T) {
			e := newEngine(t)
			e.serveSchedules()
			ran := e.jobs(true)
			h := e.schedule(client.ScheduleOptions{Overlap: policy, TriggerImmediately: true})
			first := e.next(ran)
			if err := h.Trigger(e.ctx, client.ScheduleTriggerOptions{}); err != nil {
				t.Fatal(err)
			}
			e.next(ran)
			d, err := e.client.DescribeWorkflow(e.ctx, first, "")
			if err != nil || d.Status != status {
				t.Errorf("the first run is %v, %v", d.Status, err)
			}
		})
	}
}

func TestScheduleBuffersUntilTheRunCloses(t *testing.T) {
	e := newEngine(t)
	e.serveSchedules()
	ran := e.jobs(true)
	h := e.schedule(client.ScheduleOptions{Overlap: enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL, TriggerImmediately: true})
	first := e.next(ran)
	if err := h.Trigger(e.ctx, client.ScheduleTriggerOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := e.describeSchedule(h).Info.NumActions; n != 1 {
		t.Errorf("%d actions", n)
	}
	if err := e.client.SignalWorkflow(e.ctx, first, "", "go", nil); err != nil {
		t.Fatal(err)
	}
	e.next(ran)
}

func TestScheduleHandsOnResultsAndPausesOnFailure(t *testing.T) {
	e := newEngine(t)
	e.serveSchedules()
	e.serve(code{"Count": func(ctx workflow.Context, step int) (int, error) {
		last := 0
		if workflow.HasLastCompletionResult(ctx) {
			if err := workflow.GetLastCompletionResult(ctx, &last); err != nil {
				return 0, err
			}
		}
		if last += step; last > 3*step {
			return 0, millrace.NewNonRetryableApplicationError("too many", "Limit", nil)
		}
		return last, nil
	}}, nil)
	h := e.schedule(client.ScheduleOptions{Spec: every(100 * time.Millisecond), PauseOnFailure: true,
		Action: &client.ScheduleWorkflowAction{ID: "count", Workflow: "Count", TaskQueue: queue, Args: []interface{}{7},
			Memo: map[string]interface{}{"kind": "counter"}}})
	d := e.describeSchedule(h)
	for !d.Schedule.State.Paused {
		d = e.describeSchedule(h)
	}
	failed := d.Info.RecentActions[len(d.Info.RecentActions)-1].StartWorkflowResult
	if want := "paused: workflow " + failed.WorkflowID + " failed: too many"; d.Schedule.State.Note != want || d.Info.NumActions != 4 {
		t.Errorf("note %q after %d actions, want %q", d.Schedule.State.Note, d.Info.NumActions, want)
	}
	run, err := e.client.DescribeWorkflow(e.ctx, failed.WorkflowID, "")
	if err != nil {
		t.Fatal(err)
	}
	by, _ := run.TypedSearchAttributes.GetKeyword(millrace.NewSearchAttributeKeyKeyword("TemporalScheduledById"))
	at, _ := run.TypedSearchAttributes.GetTime(millrace.NewSearchAttributeKeyTime("TemporalScheduledStartTime"))
	if by != "s" || "count-"+at.UTC().Format(time.RFC3339Nano) != failed.WorkflowID || len(run.Memo.GetFields()) != 1 {
		t.Errorf("search attributes %q, %v, memo %v of run %s", by, at, run.Memo, failed.WorkflowID)
	}
}

func TestScheduleIsUpdatedBackfilledAndListed(t *testing.T) {
	e := newEngine(t)
	e.serveSchedules()
	ran := e.jobs(false)
	h := e.schedule(client.ScheduleOptions{Paused: true, Note: "first", Memo: map[string]interface{}{"who": "me"},
		Spec: client.ScheduleSpec{CronExpressions: []string{"TZ=Europe/Berlin 30 8 * * MON-FRI"}}})
	err := h.Update(e.ctx, client.ScheduleUpdateOptions{DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		s := in.Description.Schedule
		s.State.Note = "second"
		s.Spec.Calendars[0].Hour = []client.ScheduleRange{{Start: 9}}
		return &client.ScheduleUpdate{Schedule: &s}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	err = h.Update(e.ctx, client.ScheduleUpdateOptions{DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		in.Description.Schedule.State.Note = "never"
		return nil, millrace.ErrSkipScheduleUpdate
	}})
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	err = h.Backfill(e.ctx, client.ScheduleBackfillOptions{Backfill: []client.ScheduleBackfill{{
		Start: time.Date(2026, 3, 27, 9, 30, 0, 0, berlin), End: time.Date(2026, 3, 30, 12, 0, 0, 0, berlin),
		Overlap: enums.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL}}})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := e.next(ran), e.next(ran); a != "job-2026-03-27T08:30:00Z" && b != "job-2026-03-27T08:30:00Z" || a != "job-2026-03-30T07:30:00Z" && b != "job-2026-03-30T07:30:00Z" {
		t.Errorf("backfilled %s and %s", a, b)
	}
	list, err := e.client.ScheduleClient().List(e.ctx, client.ScheduleListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; list.HasNext(); n++ {
		entry, err := list.Next()
		if err != nil {
			t.Fatal(err)
		}
		if entry.ID != "s" || entry.Note != "second" || !entry.Paused || entry.WorkflowType.Name != "Job" || len(entry.NextActionTimes) != 5 ||
			entry.NextActionTimes[0].In(berlin).Hour() != 9 || len(entry.RecentActions) != 2 || len(entry.Memo.GetFields()) != 1 {
			t.Errorf("entry %+v", entry)
		}
	}
	if n != 1 {
		t.Errorf("%d schedules", n)
	}
}

func TestWrongScheduleIsRefused(t *testing.T) {
	e := newEngine(t)
	good := &client.ScheduleWorkflowAction{Workflow: "Job", TaskQueue: queue}
	for name, o := range map[string]client.ScheduleOptions{
		"no ID":       {Action: good},
		"no action":   {ID: "s"},
		"no queue":    {ID: "s", Action: &client.ScheduleWorkflowAction{Workflow: "Job"}},
		"no workflow": {ID: "s", Action: &client.ScheduleWorkflowAction{TaskQueue: queue}},
		"spec":        {ID: "s", Action: good, Spec: client.ScheduleSpec{CronExpressions: []string{"often"}}},
		"overlap":     {ID: "s", Action: good, Overlap: 17},
		"backfill":    {ID: "s", Action: good, ScheduleBackfill: []client.ScheduleBackfill{{Start: time.Now(), End: time.Unix(0, 0)}}},
	} {
		_, err := e.client.ScheduleClient().Create(e.ctx, o)
		var invalid *serviceerror.InvalidArgument
		if !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// annotating is an interceptor that gives schedules a note, and their runs a header.
type annotating struct{ client.InterceptorBase }

func (*annotating) InterceptClient(next client.OutboundInterceptor) client.OutboundInterceptor {
	return &annotatingOutbound{client.OutboundInterceptorBase{Next: next}}
}

type annotatingOutbound struct{ client.OutboundInterceptorBase }

func (o *annotatingOutbound) CreateSchedule(ctx context.Context, in *client.CreateScheduleInput) (client.ScheduleHandle, error) {
	in.Options.Note = "seen"
	interceptor.Header(ctx)["tenant"] = &common.Payload{Data: []byte("7")}
	return o.Next.CreateSchedule(ctx, in)
}

func TestInterceptorsSeeSchedulesAndGiveTheirRunsAHeader(t *testing.T) {
	e := newEngine(t)
	e.serveSchedules()
	ran := e.jobs(false)
	e.client = e.dialWith(client.Options{Interceptors: []client.Interceptor{&annotating{}}})
	h := e.schedule(client.ScheduleOptions{TriggerImmediately: true})
	id := e.next(ran)
	if note := e.describeSchedule(h).Schedule.State.Note; note != "seen" {
		t.Errorf("note %q", note)
	}
	events := e.client.GetWorkflowHistory(e.ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	started, err := events.Next()
	if err != nil {
		t.Fatal(err)
	}
	if got := string(started.GetWorkflowExecutionStartedEventAttributes().Header.GetFields()["tenant"].GetData()); got != "7" {
		t.Errorf("header %q", got)
	}
}
