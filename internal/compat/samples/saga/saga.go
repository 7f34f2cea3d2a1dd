// Package saga undoes what was done when a later step fails.
package saga

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

// Transfer moves an amount between accounts.
type Transfer struct {
	From, To string
	Amount   int
}

// Workflow withdraws, deposits and reports; what succeeded is compensated if a later step fails.
func Workflow(ctx workflow.Context, t Transfer) (err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 3},
	})
	var undo []any
	defer func() {
		if err == nil {
			return
		}
		clean, _ := workflow.NewDisconnectedContext(ctx)
		for i := len(undo) - 1; i >= 0; i-- {
			if e := workflow.ExecuteActivity(clean, undo[i], t).Get(clean, nil); e != nil {
				err = errors.Join(err, e)
			}
		}
	}()
	if err = workflow.ExecuteActivity(ctx, Withdraw, t).Get(ctx, nil); err != nil {
		return err
	}
	undo = append(undo, WithdrawCompensation)
	if err = workflow.ExecuteActivity(ctx, Deposit, t).Get(ctx, nil); err != nil {
		return err
	}
	undo = append(undo, DepositCompensation)
	return workflow.ExecuteActivity(ctx, Report, t).Get(ctx, nil)
}

// Withdraw takes the amount.
func Withdraw(context.Context, Transfer) error { return nil }

// WithdrawCompensation gives it back.
func WithdrawCompensation(context.Context, Transfer) error { return nil }

// Deposit brings the amount.
func Deposit(context.Context, Transfer) error { return nil }

// DepositCompensation takes it away.
func DepositCompensation(context.Context, Transfer) error { return nil }

// Report fails for large amounts.
func Report(_ context.Context, t Transfer) error {
	if t.Amount > 100 {
		return temporal.NewNonRetryableApplicationError(fmt.Sprintf("%d is too much", t.Amount), "TooMuch", nil, t.Amount)
	}
	return nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "saga", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		for _, a := range []any{Withdraw, WithdrawCompensation, Deposit, DepositCompensation, Report} {
			r.RegisterActivity(a)
		}
	})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := scene.Expect[any](ctx, s, nil, Workflow, Transfer{"a", "b", 5}); err != nil {
		return err
	}
	run, err := s.Start(ctx, Workflow, Transfer{"a", "b", 500})
	if err != nil {
		return err
	}
	var app *temporal.ApplicationError
	if err := run.Get(ctx, nil); !errors.As(err, &app) || app.Type() != "TooMuch" {
		return fmt.Errorf("got error %v, want one of type TooMuch", err)
	}
	return nil
}
