// Package greetings runs activities that are methods of a struct, one after the other.
package greetings

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Activities are methods that share what they need.
type Activities struct{ Name, Greeting string }

// GetName is an activity.
func (a *Activities) GetName(context.Context) (string, error) { return a.Name, nil }

// GetGreeting is an activity.
func (a *Activities) GetGreeting(context.Context) (string, error) { return a.Greeting, nil }

// Say is an activity without a context.
func (a *Activities) Say(greeting, name string) (string, error) {
	return greeting + " " + name + "!", nil
}

// Workflow calls the three.
func Workflow(ctx workflow.Context) (result string, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	var a *Activities
	var greeting, name string
	if err = workflow.ExecuteActivity(ctx, a.GetGreeting).Get(ctx, &greeting); err != nil {
		return "", err
	}
	if err = workflow.ExecuteActivity(ctx, a.GetName).Get(ctx, &name); err != nil {
		return "", err
	}
	err = workflow.ExecuteActivity(ctx, a.Say, greeting, name).Get(ctx, &result)
	return result, err
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "greetings", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(&Activities{Name: "Ada", Greeting: "Good morning"})
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(ctx, s, "Good morning Ada!", Workflow)
}
