package continueasnew

import (
	"errors"
	"testing"

	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

func TestContinues(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.ExecuteWorkflow(Counter, 2, 5)
	err := env.GetWorkflowError()
	var again *workflow.ContinueAsNewError
	if !workflow.IsContinueAsNewError(err) || !errors.As(err, &again) {
		t.Fatalf("error %v", err)
	}
	if again.WorkflowType.Name != "Counter" {
		t.Errorf("type %q", again.WorkflowType.Name)
	}
}

func TestEnds(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.ExecuteWorkflow(Counter, 0, 5)
	var runs int
	if err := env.GetWorkflowResult(&runs); err != nil || runs != 5 {
		t.Fatalf("runs %d, %v", runs, err)
	}
}
