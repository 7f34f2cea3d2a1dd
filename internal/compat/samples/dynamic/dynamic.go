// Package dynamic serves workflows and activities of any name.
package dynamic

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Workflow is every workflow that has no function of its own.
func Workflow(ctx workflow.Context, args converter.EncodedValues) (string, error) {
	var name string
	if err := args.Get(&name); err != nil {
		return "", err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	var result string
	err := workflow.ExecuteActivity(ctx, "any-activity", name).Get(ctx, &result)
	return workflow.GetInfo(ctx).WorkflowType.Name + ": " + result, err
}

// Activity is every activity that has no function of its own.
func Activity(ctx context.Context, args converter.EncodedValues) (string, error) {
	var name string
	if err := args.Get(&name); err != nil {
		return "", err
	}
	return activity.GetInfo(ctx).ActivityType.Name + " for " + name, nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "dynamic", func(r worker.Registry) {
		r.RegisterDynamicWorkflow(Workflow, workflow.DynamicRegisterOptions{})
		r.RegisterDynamicActivity(Activity, activity.DynamicRegisterOptions{})
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(ctx, s, "some-workflow: any-activity for me", "some-workflow", "me")
}
