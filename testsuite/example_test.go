package testsuite_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stretchr/testify/mock"

	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/workflow"
)

// Charge would charge a card.
func Charge(context.Context, string) (string, error) { return "", errors.New("not in tests") }

// Order charges as soon as somebody has approved, within a week.
func Order(ctx workflow.Context, card string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	approved := false
	sel := workflow.NewSelector(ctx)
	sel.AddReceive(workflow.GetSignalChannel(ctx, "approve"), func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(ctx, &approved)
	})
	sel.AddFuture(workflow.NewTimer(ctx, 7*24*time.Hour), func(workflow.Future) {})
	sel.Select(ctx)
	if !approved {
		return "expired", nil
	}
	var receipt string
	err := workflow.ExecuteActivity(ctx, Charge, card).Get(ctx, &receipt)
	return receipt, err
}

func ExampleTestWorkflowEnvironment() {
	var s testsuite.WorkflowTestSuite
	env := s.NewTestWorkflowEnvironment()
	env.SetStartTime(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	env.OnActivity(Charge, mock.Anything, "card-1").Return("receipt-7", nil)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("approve", true) }, 48*time.Hour)
	env.ExecuteWorkflow(Order, "card-1")

	var result string
	err := env.GetWorkflowResult(&result)
	fmt.Println(result, err, env.Now().Format(time.DateOnly))
	// Output: receipt-7 <nil> 2030-01-03
}

func ExampleTestWorkflowEnvironment_timer() {
	var s testsuite.WorkflowTestSuite
	env := s.NewTestWorkflowEnvironment()
	env.ExecuteWorkflow(Order, "card-1")

	var result string
	err := env.GetWorkflowResult(&result)
	fmt.Println(result, err)
	// Output: expired <nil>
}

func ExampleTestActivityEnvironment() {
	var s testsuite.WorkflowTestSuite
	env := s.NewTestActivityEnvironment()
	env.RegisterActivity(Upper)
	v, err := env.ExecuteActivity(Upper, "loud")
	if err != nil {
		fmt.Println(err)
		return
	}
	var result string
	fmt.Println(v.Get(&result), result)
	// Output: <nil> LOUD
}
