package testsuite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

// TestACronChildRunsAgainWhileItsParentRuns: at the given times of the virtual clock, each run with the result of the one
// before.
func TestACronChildRunsAgainWhileItsParentRuns(t *testing.T) {
	env := newEnv()
	env.SetStartTime(time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC))
	var seen []string
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context) (int, error) {
		last := 0
		if workflow.HasLastCompletionResult(ctx) {
			if err := workflow.GetLastCompletionResult(ctx, &last); err != nil {
				return 0, err
			}
		}
		if workflow.IsReplaying(ctx) {
			return last + 1, nil
		}
		seen = append(seen, fmt.Sprint(workflow.Now(ctx).UTC().Format("15:04"), " ", last))
		return last + 1, nil
	}, workflow.RegisterOptions{Name: "tick"})
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: "ticking", CronSchedule: "0 * * * *"})
		child := workflow.ExecuteChildWorkflow(ctx, "tick")
		if err := child.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
			return "", err
		}
		return "done", workflow.Sleep(ctx, 3*time.Hour)
	})
	check(t, env, "done")
	if got := fmt.Sprint(seen); got != "[11:00 0 12:00 1 13:00 2]" {
		t.Errorf("runs are %s", got)
	}
}

// TestACronWorkflowRunsOnce: what a test executes is one run. What a schedule would hand over is set by the test.
func TestACronWorkflowRunsOnce(t *testing.T) {
	env := newEnv()
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: "cron", CronSchedule: "0 * * * *"})
	env.SetLastCompletionResult(41)
	runs := 0
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		runs++
		var last int
		if err := workflow.GetLastCompletionResult(ctx, &last); err != nil {
			return "", err
		}
		return fmt.Sprint(workflow.GetInfo(ctx).CronSchedule, last+1), nil
	})
	check(t, env, "0 * * * *42")
	if runs > 2 { // the second is the replay at the end
		t.Errorf("%d runs", runs)
	}
}
