// Package helloworld is the smallest workflow: one activity.
package helloworld

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Workflow greets by an activity.
func Workflow(ctx workflow.Context, name string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	workflow.GetLogger(ctx).Info("greeting", "name", name)
	var result string
	err := workflow.ExecuteActivity(ctx, Greet, name).Get(ctx, &result)
	return result, err
}

// Greet is the activity.
func Greet(ctx context.Context, name string) (string, error) {
	activity.GetLogger(ctx).Info("called", "name", name)
	return "Hello " + name + "!", nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "helloworld", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Greet)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(ctx, s, "Hello World!", Workflow, "World")
}
