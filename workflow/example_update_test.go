package workflow_test

import (
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/workflow"
)

// Account keeps a balance that updates change. A withdrawal that the balance does not cover is rejected before it gets
// into the history.
func Account(ctx workflow.Context) (int, error) {
	balance, closed := 0, false
	change := func(ctx workflow.Context, amount int) (int, error) {
		balance += amount
		return balance, nil
	}
	covered := func(amount int) error {
		if balance+amount < 0 {
			return errors.New("balance is too low")
		}
		return nil
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, "change", change, workflow.UpdateHandlerOptions{Validator: covered}); err != nil {
		return 0, err
	}
	if err := workflow.SetUpdateHandler(ctx, "close", func() error { closed = true; return nil }); err != nil {
		return 0, err
	}
	err := workflow.Await(ctx, func() bool { return closed && workflow.AllHandlersFinished(ctx) })
	return balance, err
}

func ExampleSetUpdateHandlerWithOptions() {
	t := &stage{}
	defer t.close()
	run := begin(t, Account)
	for _, amount := range []int{50, -80, -20} {
		if _, rejected := run.update("change", amount); rejected != nil {
			fmt.Println(amount, rejected.Message)
		}
	}
	run.update("close")
	var balance int
	run.result(&balance)
	fmt.Println("balance", balance)
	// Output:
	// -80 balance is too low
	// balance 30
}
