package workflow_test

import (
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/workflow"
)

func TrainDay(ctx workflow.Context, day int) (string, error) {
	return fmt.Sprintf("model-%d", day), workflow.Sleep(ctx, time.Hour)
}

// A run for each day, all at once, under IDs that say what they are.
func ExampleExecuteChildWorkflow() {
	backfill := func(ctx workflow.Context, from, to int) ([]string, error) {
		var days []workflow.ChildWorkflowFuture
		for day := from; day <= to; day++ {
			ctx := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
				WorkflowID:        fmt.Sprintf("train-%d", day),
				ParentClosePolicy: enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
			})
			days = append(days, workflow.ExecuteChildWorkflow(ctx, TrainDay, day))
		}
		var models []string
		for _, day := range days {
			var model string
			if err := day.Get(ctx, &model); err != nil {
				return models, err
			}
			models = append(models, model)
		}
		return models, nil
	}
	play(backfill, []any{TrainDay}, 1, 3)
	// Output: result: ["model-1","model-2","model-3"]
}
