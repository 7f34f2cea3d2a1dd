package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/schedule"
)

// newSchedule makes the state of a new schedule.
func (c *workflowClient) newSchedule(ctx context.Context, o ScheduleOptions) (*schedule.State, error) {
	if o.ID == "" {
		return nil, serviceerror.NewInvalidArgument("ScheduleOptions.ID is empty")
	}
	d, err := c.scheduleDefinition(ctx, Schedule{
		Action: o.Action, Spec: &o.Spec,
		Policy: &SchedulePolicies{Overlap: o.Overlap, CatchupWindow: o.CatchupWindow, PauseOnFailure: o.PauseOnFailure},
		State: &ScheduleState{Note: o.Note, Paused: o.Paused, LimitedActions: o.RemainingActions > 0,
			RemainingActions: o.RemainingActions},
	})
	if err != nil {
		return nil, err
	}
	list, err := backfills(o.ScheduleBackfill)
	if err != nil {
		return nil, serviceerror.NewInvalidArgument("ScheduleOptions." + err.Error())
	}
	search, err := StartWorkflowOptions{TypedSearchAttributes: o.TypedSearchAttributes, SearchAttributes: o.SearchAttributes}.encodeSearch()
	if err != nil {
		return nil, serviceerror.NewInvalidArgument("ScheduleOptions: " + err.Error())
	}
	memo, err := c.encodeMemo(nil, o.Memo)
	if err != nil {
		return nil, err
	}
	now := time.Now().Round(0).UTC()
	s := &schedule.State{ID: o.ID, Definition: d, Memo: memo, Search: search, Created: now, Processed: now, Backfills: list}
	if o.TriggerImmediately {
		s.Trigger(schedule.Trigger{}, now)
	}
	return s, nil
}

func backfills(in []ScheduleBackfill) (out []schedule.Backfill, err error) {
	for i, b := range in {
		if b.End.Before(b.Start) {
			return nil, fmt.Errorf("Backfill[%d] ends at %v, before it starts at %v", i, b.End, b.Start)
		}
		if err := schedule.CheckOverlap(b.Overlap); err != nil {
			return nil, fmt.Errorf("Backfill[%d].Overlap: %w", i, err)
		}
		out = append(out, schedule.Backfill(b))
	}
	return out, nil
}

// scheduleDefinition is what daemons read.
func (c *workflowClient) scheduleDefinition(ctx context.Context, s Schedule) (schedule.Definition, error) {
	action, ok := s.Action.(*ScheduleWorkflowAction)
	if !ok || action == nil {
		return schedule.Definition{}, serviceerror.NewInvalidArgument(fmt.Sprintf("the schedule's Action is %T: it must be a *ScheduleWorkflowAction", s.Action))
	}
	a, err := c.scheduleAction(ctx, action)
	if err != nil {
		return schedule.Definition{}, err
	}
	d, err := schedule.Definition{
		Action: a, Spec: specOf(s.Spec), Policies: schedule.Policies(*s.Policy),
		Note: s.State.Note, Paused: s.State.Paused, LimitedActions: s.State.LimitedActions, RemainingActions: s.State.RemainingActions,
	}.Resolved()
	if err != nil {
		return d, serviceerror.NewInvalidArgument(err.Error())
	}
	return d, nil
}

func (c *workflowClient) scheduleAction(ctx context.Context, a *ScheduleWorkflowAction) (schedule.Action, error) {
	name, err := calledName(a.Workflow)
	if err != nil {
		return schedule.Action{}, serviceerror.NewInvalidArgument("ScheduleWorkflowAction.Workflow: " + err.Error())
	}
	options := StartWorkflowOptions{ID: a.ID, TaskQueue: a.TaskQueue, WorkflowExecutionTimeout: a.WorkflowExecutionTimeout,
		WorkflowRunTimeout: a.WorkflowRunTimeout, WorkflowTaskTimeout: a.WorkflowTaskTimeout, RetryPolicy: a.RetryPolicy,
		TypedSearchAttributes: a.TypedSearchAttributes, Priority: a.Priority}
	if err := options.validate(); err != nil {
		return schedule.Action{}, fmt.Errorf("ScheduleWorkflowAction: %w", err)
	}
	out := schedule.Action{ID: a.ID, Type: name, TaskQueue: a.TaskQueue, ExecutionTimeout: a.WorkflowExecutionTimeout,
		RunTimeout: a.WorkflowRunTimeout, TaskTimeout: a.WorkflowTaskTimeout, RetryPolicy: a.RetryPolicy,
		StaticSummary: a.StaticSummary, StaticDetails: a.StaticDetails, Priority: a.Priority}
	if out.ID == "" {
		out.ID = uuid.NewString()
	}
	if out.Search, err = options.encodeSearch(); err != nil {
		return out, serviceerror.NewInvalidArgument("ScheduleWorkflowAction: " + err.Error())
	}
	for key, p := range a.UntypedSearchAttributes {
		if out.Search == nil {
			out.Search = &common.SearchAttributes{IndexedFields: make(map[string]*common.Payload)}
		}
		out.Search.IndexedFields[key] = p
	}
	if out.Header, err = c.header(ctx); err != nil {
		return out, err
	}
	if out.Args, err = c.encodeEach(ctx, a.Args); err != nil {
		return out, fmt.Errorf("ScheduleWorkflowAction.Args: %w", err)
	}
	override, err := storedOverride(a.VersioningOverride)
	if err != nil {
		return out, fmt.Errorf("ScheduleWorkflowAction: %w", err)
	}
	if override != nil {
		out.Override = &schedule.Override{Deployment: override.Deployment, Build: override.Build}
	}
	out.Memo, err = c.encodeMixedMemo(a.Memo)
	return out, err
}

// encodeEach encodes values but those that are payloads already.
func (c *workflowClient) encodeEach(ctx context.Context, values []interface{}) (*common.Payloads, error) {
	var out []*common.Payload
	for _, v := range values {
		if p, ok := v.(*common.Payload); ok {
			out = append(out, p)
			continue
		}
		p, err := c.encodeIn(ctx, nil, []interface{}{v})
		if err != nil {
			return nil, err
		}
		out = append(out, p.Payloads...)
	}
	if out == nil {
		return nil, nil
	}
	return &common.Payloads{Payloads: out}, nil
}

// encodeMixedMemo is encodeMemo for values of which some are payloads already.
func (c *workflowClient) encodeMixedMemo(memo map[string]interface{}) (*common.Memo, error) {
	fresh, ready := make(map[string]interface{}), make(map[string]*common.Payload)
	for key, v := range memo {
		if p, ok := v.(*common.Payload); ok {
			ready[key] = p
		} else {
			fresh[key] = v
		}
	}
	out, err := c.encodeMemo(nil, fresh)
	if err != nil || len(ready) == 0 {
		return out, err
	}
	for key, p := range out.GetFields() {
		ready[key] = p
	}
	return &common.Memo{Fields: ready}, nil
}

// scheduleChange is what an update makes of a schedule.
func (c *workflowClient) scheduleChange(ctx context.Context, old *Schedule, u *ScheduleUpdate) (*schedule.Change, error) {
	if u == nil || u.Schedule == nil {
		return nil, serviceerror.NewInvalidArgument("ScheduleUpdate.Schedule is nil")
	}
	s := *u.Schedule
	if s.Policy == nil {
		s.Policy = old.Policy
	}
	if s.State == nil {
		s.State = old.State
	}
	d, err := c.scheduleDefinition(ctx, s)
	if err != nil {
		return nil, err
	}
	out := &schedule.Change{Definition: d}
	if u.TypedSearchAttributes == nil {
		return out, nil
	}
	if out.Search, err = history.EncodeSearch(*u.TypedSearchAttributes); err != nil {
		return nil, serviceerror.NewInvalidArgument("ScheduleUpdate.TypedSearchAttributes: " + err.Error())
	}
	if out.Search == nil {
		out.Search = &common.SearchAttributes{}
	}
	return out, nil
}

// describeSchedule is the description of a schedule in a given state.
func (c *workflowClient) describeSchedule(ctx context.Context, s *schedule.State) (*ScheduleDescription, error) {
	next, err := nextActions(s, 10)
	if err != nil {
		return nil, err
	}
	running, err := c.stillRunning(ctx, s.Running)
	if err != nil {
		return nil, err
	}
	spec := publicSpec(s.Spec)
	policies := SchedulePolicies(s.Policies)
	return &ScheduleDescription{
		Schedule: Schedule{Action: publicAction(&s.Action), Spec: &spec, Policy: &policies, State: &ScheduleState{
			Note: s.Note, Paused: s.Paused, LimitedActions: s.LimitedActions, RemainingActions: s.RemainingActions}},
		Info: ScheduleInfo{NumActions: int(s.Started), NumActionsMissedCatchupWindow: int(s.Missed), NumActionsSkippedOverlap: int(s.Skipped),
			RunningWorkflows: running, RecentActions: publicTaken(s.Recent), NextActionTimes: next, CreatedAt: s.Created, LastUpdateAt: s.Updated},
		Memo: s.Memo, SearchAttributes: s.Search, TypedSearchAttributes: history.DecodeSearch(s.Search),
	}, nil
}

// nextActions are at most n times at which the schedule would take its action.
func nextActions(s *schedule.State, n int) ([]time.Time, error) {
	times, err := schedule.NewTimes(s.ID, s.Spec)
	if err != nil {
		return nil, fmt.Errorf("compute the next times: %w", err)
	}
	if s.LimitedActions {
		n = min(n, s.RemainingActions)
	}
	after := s.Processed
	if s.Paused { // its times pass although nobody looks
		after = time.Now()
	}
	var out []time.Time
	for range maxSkips {
		next, ok := times.Next(after)
		if !ok || len(out) >= n {
			break
		}
		after = next.Nominal
		if !next.Skipped {
			out = append(out, next.At)
		}
	}
	return out, nil
}

// maxSkips bounds the search for the next times of a schedule that skips nearly all.
const maxSkips = 50

func publicTaken(in []schedule.Taken) []ScheduleActionResult {
	var out []ScheduleActionResult
	for _, t := range in {
		out = append(out, ScheduleActionResult{ScheduleTime: t.Scheduled, ActualTime: t.Actual,
			StartWorkflowResult: &ScheduleWorkflowExecution{WorkflowID: t.Run.WorkflowID, FirstExecutionRunID: t.Run.RunID}})
	}
	return out
}

func publicAction(a *schedule.Action) *ScheduleWorkflowAction {
	out := &ScheduleWorkflowAction{ID: a.ID, Workflow: a.Type, TaskQueue: a.TaskQueue, WorkflowExecutionTimeout: a.ExecutionTimeout,
		WorkflowRunTimeout: a.RunTimeout, WorkflowTaskTimeout: a.TaskTimeout, RetryPolicy: a.RetryPolicy,
		TypedSearchAttributes: history.DecodeSearch(a.Search), StaticSummary: a.StaticSummary, StaticDetails: a.StaticDetails, Priority: a.Priority}
	if o := a.Override; o != nil {
		out.VersioningOverride = publicOverride(&history.VersioningOverride{Deployment: o.Deployment, Build: o.Build})
	}
	for _, p := range a.Args.GetPayloads() {
		out.Args = append(out.Args, p)
	}
	typed := make(map[string]bool)
	for key := range out.TypedSearchAttributes.GetUntypedValues() {
		typed[key.GetName()] = true
	}
	for key, p := range a.Search.GetIndexedFields() {
		if typed[key] {
			continue
		}
		if out.UntypedSearchAttributes == nil {
			out.UntypedSearchAttributes = make(map[string]*common.Payload)
		}
		out.UntypedSearchAttributes[key] = p
	}
	for key, p := range a.Memo.GetFields() {
		if out.Memo == nil {
			out.Memo = make(map[string]interface{})
		}
		out.Memo[key] = p
	}
	return out
}

func specOf(s *ScheduleSpec) schedule.Spec {
	if s == nil {
		return schedule.Spec{}
	}
	out := schedule.Spec{Cron: slices.Clone(s.CronExpressions), StartAt: s.StartAt, EndAt: s.EndAt, Jitter: s.Jitter, TimeZone: s.TimeZoneName}
	for _, v := range s.Intervals {
		out.Intervals = append(out.Intervals, schedule.Interval(v))
	}
	for _, c := range s.Calendars {
		out.Calendars = append(out.Calendars, calendarOf(c))
	}
	for _, c := range s.Skip {
		out.Skip = append(out.Skip, calendarOf(c))
	}
	return out
}

func publicSpec(s schedule.Spec) ScheduleSpec {
	out := ScheduleSpec{StartAt: s.StartAt, EndAt: s.EndAt, Jitter: s.Jitter, TimeZoneName: s.TimeZone}
	for _, v := range s.Intervals {
		out.Intervals = append(out.Intervals, ScheduleIntervalSpec(v))
	}
	for _, c := range s.Calendars {
		out.Calendars = append(out.Calendars, publicCalendar(c))
	}
	for _, c := range s.Skip {
		out.Skip = append(out.Skip, publicCalendar(c))
	}
	return out
}

func calendarOf(c ScheduleCalendarSpec) schedule.Calendar {
	to := func(in []ScheduleRange) (out []schedule.Range) {
		for _, r := range in {
			out = append(out, schedule.Range(r))
		}
		return out
	}
	return schedule.Calendar{Second: to(c.Second), Minute: to(c.Minute), Hour: to(c.Hour), DayOfMonth: to(c.DayOfMonth),
		Month: to(c.Month), Year: to(c.Year), DayOfWeek: to(c.DayOfWeek), Comment: c.Comment}
}

func publicCalendar(c schedule.Calendar) ScheduleCalendarSpec {
	to := func(in []schedule.Range) (out []ScheduleRange) {
		for _, r := range in {
			out = append(out, ScheduleRange(r))
		}
		return out
	}
	return ScheduleCalendarSpec{Second: to(c.Second), Minute: to(c.Minute), Hour: to(c.Hour), DayOfMonth: to(c.DayOfMonth),
		Month: to(c.Month), Year: to(c.Year), DayOfWeek: to(c.DayOfWeek), Comment: c.Comment}
}
