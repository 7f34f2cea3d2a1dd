// Package abandoned starts a child that outlives its parent.
package abandoned

import (
	"context"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Parent returns the child's ID as soon as the child has started.
func Parent(ctx workflow.Context) (string, error) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:        "child-of-" + workflow.GetInfo(ctx).WorkflowExecution.ID,
		ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON,
	})
	var child workflow.Execution
	err := workflow.ExecuteChildWorkflow(ctx, Child).GetChildWorkflowExecution().Get(ctx, &child)
	return child.ID, err
}

// Child takes its time.
func Child(ctx workflow.Context) (string, error) {
	if err := workflow.Sleep(ctx, 100*time.Millisecond); err != nil {
		return "", err
	}
	return "I am still here", nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "abandoned", func(r worker.Registry) {
		r.RegisterWorkflow(Parent)
		r.RegisterWorkflow(Child)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	parent, err := s.Start(ctx, Parent)
	if err != nil {
		return err
	}
	var id string
	if err := parent.Get(ctx, &id); err != nil {
		return err
	}
	return scene.Result(ctx, s.GetWorkflow(ctx, id, ""), "I am still here")
}
