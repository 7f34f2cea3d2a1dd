package childworkflow

import (
	"testing"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func run(t *testing.T, env *testsuite.TestWorkflowEnvironment) string {
	t.Helper()
	env.ExecuteWorkflow(Parent, "World")
	if !env.IsWorkflowCompleted() {
		t.Fatal("not completed")
	}
	var result string
	if err := env.GetWorkflowResult(&result); err != nil {
		t.Fatal(err)
	}
	return result
}

func TestRealChild(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflow(Child)
	if got := run(t, env); got != "Hello World, from a child" {
		t.Error(got)
	}
}

func TestMockedChild(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflow(Child)
	env.OnWorkflow(Child, mock.Anything, "World").Return("mocked", nil)
	if got := run(t, env); got != "mocked" {
		t.Error(got)
	}
	env.AssertExpectations(t)
}
