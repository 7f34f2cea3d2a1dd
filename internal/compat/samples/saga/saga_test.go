package saga

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
)

func TestCompensatesInReverseOrder(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	var order []string
	note := func(name string) func(mock.Arguments) {
		return func(mock.Arguments) { order = append(order, name) }
	}
	env.OnActivity(Withdraw, mock.Anything, mock.Anything).Run(note("withdraw")).Return(nil).Once()
	env.OnActivity(Deposit, mock.Anything, mock.Anything).Run(note("deposit")).Return(nil).Once()
	env.OnActivity(WithdrawCompensation, mock.Anything, mock.Anything).Run(note("return")).Return(nil).Once()
	env.OnActivity(DepositCompensation, mock.Anything, mock.Anything).Run(note("take back")).Return(nil).Once()
	env.RegisterActivity(Report)
	env.ExecuteWorkflow(Workflow, Transfer{"a", "b", 500})
	var app *temporal.ApplicationError
	if err := env.GetWorkflowError(); !errors.As(err, &app) || app.Type() != "TooMuch" {
		t.Fatalf("error %v", err)
	}
	var amount int
	if err := app.Details(&amount); err != nil || amount != 500 {
		t.Errorf("details %d, %v", amount, err)
	}
	if want := []string{"withdraw", "deposit", "take back", "return"}; !slices.Equal(order, want) {
		t.Errorf("order %v", order)
	}
	env.AssertExpectations(t)
}

func TestRetriesBeforeItGivesUp(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnActivity(Withdraw, mock.Anything, mock.Anything).Return(errors.New("closed")).Times(3)
	env.ExecuteWorkflow(Workflow, Transfer{"a", "b", 5})
	if err := env.GetWorkflowError(); err == nil {
		t.Fatal("no error")
	}
	env.AssertExpectations(t)
}
