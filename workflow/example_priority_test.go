package workflow_test

import (
	"context"
	"fmt"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/workflow"
)

// Print says with which priority it was queued.
func Print(ctx context.Context, page string) error {
	fmt.Println(page, "has priority", activity.GetInfo(ctx).Priority.PriorityKey)
	return nil
}

// PrintBook is queued behind other books, but for its cover.
func PrintBook(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute,
		Priority: millrace.Priority{PriorityKey: 4}})
	first := workflow.WithPriority(ctx, millrace.Priority{PriorityKey: 1})
	if err := workflow.ExecuteActivity(first, Print, "cover").Get(ctx, nil); err != nil {
		return err
	}
	return workflow.ExecuteActivity(ctx, Print, "page 1").Get(ctx, nil)
}

// Activities are taken in the order of their priorities where they wait for a worker.
func ExampleWithPriority() {
	env := (&testsuite.WorkflowTestSuite{}).NewTestWorkflowEnvironment()
	env.RegisterActivity(Print)
	env.ExecuteWorkflow(PrintBook)
	fmt.Println(env.GetWorkflowError())
	// Output:
	// cover has priority 1
	// page 1 has priority 4
	// <nil>
}
