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
