// Package localactivity decides by short functions that run in the worker itself.
package localactivity

import (
	"context"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Workflow asks which activities to run for a word, and runs them.
func Workflow(ctx workflow.Context, word string) (result string, err error) {
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: 5 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Millisecond, MaximumAttempts: 3},
	})
	var hasA, hasB bool
	if err = workflow.ExecuteLocalActivity(local, Contains, word, "a").Get(ctx, &hasA); err != nil {
		return "", err
	}
	if err = workflow.ExecuteLocalActivity(local, Contains, word, "b").Get(ctx, &hasB); err != nil {
		return "", err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	for letter, has := range [2]bool{hasA, hasB} {
		if has {
			var part string
			if err = workflow.ExecuteActivity(ctx, Handle, string(rune('a'+letter))).Get(ctx, &part); err != nil {
				return "", err
			}
			result += part
		}
	}
	return result, nil
}

// Contains is a local activity.
func Contains(_ context.Context, word, letter string) (bool, error) {
	return strings.Contains(word, letter), nil
}

// Handle is an activity.
func Handle(_ context.Context, letter string) (string, error) { return "<" + letter + ">", nil }

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "localactivity", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Handle)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(ctx, s, "<a><b>", Workflow, "abc")
}
