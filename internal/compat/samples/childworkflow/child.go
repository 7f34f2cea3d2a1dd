// Package childworkflow starts a child and waits for it.
package childworkflow

import (
	"context"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Parent runs one child.
func Parent(ctx workflow.Context, name string) (string, error) {
	id := workflow.GetInfo(ctx).WorkflowExecution.ID + "-child"
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: id})
	child := workflow.ExecuteChildWorkflow(ctx, Child, name)
	var execution workflow.Execution
	if err := child.GetChildWorkflowExecution().Get(ctx, &execution); err != nil {
		return "", err
	}
	if execution.ID != id {
		return "wrong child " + execution.ID, nil
	}
	var result string
	err := child.Get(ctx, &result)
	return result, err
}

// Child greets, and says whose child it is.
func Child(ctx workflow.Context, name string) (string, error) {
	if parent := workflow.GetInfo(ctx).ParentWorkflowExecution; parent == nil {
		return "I have no parent", nil
	}
	return "Hello " + name + ", from a child", nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "childworkflow", func(r worker.Registry) {
		r.RegisterWorkflow(Parent)
		r.RegisterWorkflow(Child)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(ctx, s, "Hello World, from a child", Parent, "World")
}
