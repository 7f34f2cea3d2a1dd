// Package failures tells kinds of failures apart by their types and details.
package failures

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// NotEnough is what an account lacks.
type NotEnough struct{ Wanted, Has int }

// Workflow says in words how the activity failed.
func Workflow(ctx workflow.Context, kind string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 100 * time.Millisecond,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Millisecond, MaximumAttempts: 2, NonRetryableErrorTypes: []string{"NotEnough"}},
	})
	err := workflow.ExecuteActivity(ctx, Fail, kind).Get(ctx, nil)
	var in *temporal.ActivityError
	if !errors.As(err, &in) {
		return "", fmt.Errorf("no activity error: %w", err)
	}
	var app *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	var panicked *temporal.PanicError
	switch {
	case errors.As(err, &panicked):
		return "panic", nil
	case errors.As(err, &timeout):
		return "timeout " + timeout.TimeoutType().String(), nil
	case errors.As(err, &app) && app.Type() == "NotEnough":
		var lack NotEnough
		err := app.Details(&lack)
		return fmt.Sprintf("lacks %d", lack.Wanted-lack.Has), err
	case errors.As(err, &app):
		return app.Message(), nil
	}
	return "", err
}

// Fail fails as it is told.
func Fail(ctx context.Context, kind string) error {
	switch kind {
	case "plain":
		return errors.New("as plain as can be")
	case "details":
		return temporal.NewApplicationError("too little", "NotEnough", NotEnough{10, 3})
	case "timeout":
		<-ctx.Done()
		return ctx.Err()
	}
	panic("out of cheese")
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "failures", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Fail)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	for kind, want := range map[string]string{
		"plain": "as plain as can be", "details": "lacks 7", "timeout": "timeout StartToClose", "panic": "panic",
	} {
		if err := scene.Expect(ctx, s, want, Workflow, kind); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}
