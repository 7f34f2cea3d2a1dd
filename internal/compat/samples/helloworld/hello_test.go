package helloworld

import (
	"testing"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func TestWorkflow(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnActivity(Greet, mock.Anything, "World").Return("Hi World", nil)
	env.ExecuteWorkflow(Workflow, "World")
	var result string
	if err := env.GetWorkflowResult(&result); err != nil || result != "Hi World" {
		t.Fatalf("result %q, %v", result, err)
	}
	env.AssertExpectations(t)
}

func TestActivity(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(Greet)
	value, err := env.ExecuteActivity(Greet, "World")
	if err != nil {
		t.Fatal(err)
	}
	var result string
	if err := value.Get(&result); err != nil || result != "Hello World!" {
		t.Fatalf("result %q, %v", result, err)
	}
}
