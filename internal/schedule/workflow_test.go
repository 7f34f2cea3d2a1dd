package schedule_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/schedule"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/workflow"
)

func TestScheduleContinuesAsNewWithItsState(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflowWithOptions(schedule.Workflow, workflow.RegisterOptions{Name: schedule.WorkflowType})
	started := 0
	env.RegisterActivityWithOptions(func(context.Context, schedule.Start) error {
		if started++; started == 3 {
			env.SetCurrentHistoryLength(1 << 20)
			env.SetContinueAsNewSuggested(true)
		}
		return nil
	}, activity.RegisterOptions{Name: schedule.ActivityStart})
	env.RegisterActivityWithOptions(func(_ context.Context, runs []schedule.Run) (closed []schedule.Outcome, err error) {
		for _, r := range runs {
			closed = append(closed, schedule.Outcome{Run: r})
		}
		return closed, nil
	}, activity.RegisterOptions{Name: schedule.ActivityOutcomes})
	begin := time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC)
	env.SetStartTime(begin)
	d, err := schedule.Definition{Spec: schedule.Spec{Intervals: []schedule.Interval{{Every: time.Hour}}}}.Resolved()
	if err != nil {
		t.Fatal(err)
	}
	env.ExecuteWorkflow(schedule.WorkflowType, &schedule.State{ID: "s", Definition: d, Processed: begin})
	var next *workflow.ContinueAsNewError
	if !errors.As(env.GetWorkflowError(), &next) {
		t.Fatalf("ended with %v", env.GetWorkflowError())
	}
	var state schedule.State
	if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &state); err != nil {
		t.Fatal(err)
	}
	if state.Started != 3 || state.Numbered != 3 || !state.Processed.Equal(begin.Add(150*time.Minute)) || len(state.Recent) != 3 {
		t.Errorf("state %+v", state)
	}
}

func TestABackfillWhoseTimesAreAllSkippedRestsInBetween(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflowWithOptions(schedule.Workflow, workflow.RegisterOptions{Name: schedule.WorkflowType})
	begin := time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC)
	env.SetStartTime(begin)
	always := []schedule.Range{{End: 59}}
	d, err := schedule.Definition{Paused: true, Spec: schedule.Spec{Intervals: []schedule.Interval{{Every: schedule.MinInterval}},
		Skip: []schedule.Calendar{{Second: always, Minute: always, Hour: []schedule.Range{{End: 23}}}}}}.Resolved()
	if err != nil {
		t.Fatal(err)
	}
	describe := func() (s schedule.State) {
		v, err := env.QueryWorkflow(schedule.QueryDescribe)
		if err == nil {
			err = v.Get(&s)
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	env.RegisterDelayedCallback(func() {
		if s := describe(); len(s.Backfills) != 1 || !s.Backfills[0].Start.After(begin.Add(-time.Hour)) {
			t.Errorf("soon after the beginning the backfills are %+v", s.Backfills)
		}
	}, 5*time.Millisecond)
	env.RegisterDelayedCallback(func() {
		if s := describe(); len(s.Backfills) != 0 || len(s.Buffer) != 0 {
			t.Errorf("in the end there are %+v and %+v", s.Backfills, s.Buffer)
		}
		env.CancelWorkflow()
	}, time.Second)
	env.ExecuteWorkflow(schedule.WorkflowType, &schedule.State{ID: "s", Definition: d, Processed: begin,
		Backfills: []schedule.Backfill{{Start: begin.Add(-time.Hour), End: begin}}})
	if !env.IsWorkflowCompleted() {
		t.Error("it did not end")
	}
}
