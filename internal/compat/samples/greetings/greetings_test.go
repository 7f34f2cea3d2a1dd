package greetings

import (
	"testing"

	"go.temporal.io/sdk/testsuite"
)

func TestRegisteredStruct(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(&Activities{Name: "Bo", Greeting: "Hello"})
	env.ExecuteWorkflow(Workflow)
	var result string
	if err := env.GetWorkflowResult(&result); err != nil || result != "Hello Bo!" {
		t.Fatalf("result %q, %v", result, err)
	}
}

func TestMockedMethod(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	a := &Activities{Name: "Bo", Greeting: "Hello"}
	env.RegisterActivity(a)
	env.OnActivity(a.Say, "Hello", "Bo").Return("mocked", nil).Once()
	env.ExecuteWorkflow(Workflow)
	var result string
	if err := env.GetWorkflowResult(&result); err != nil || result != "mocked" {
		t.Fatalf("result %q, %v", result, err)
	}
	env.AssertExpectations(t)
}
