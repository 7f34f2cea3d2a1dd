package dsl

import (
	"testing"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
)

func TestExample(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(Join)
	env.ExecuteWorkflow(Workflow, Example, map[string]string{"b": "1", "c": "2"})
	var got map[string]string
	if err := env.GetWorkflowResult(&got); err != nil || got["z"] != "1211" {
		t.Fatalf("variables %v, %v", got, err)
	}
}

func TestEmptyStatementFails(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.ExecuteWorkflow(Workflow, Statement{}, nil)
	if err := env.GetWorkflowError(); !temporal.IsApplicationError(errorOf(err)) {
		t.Fatalf("error %v", err)
	}
}

func errorOf(err error) error {
	type unwrapper interface{ Unwrap() error }
	if u, ok := err.(unwrapper); ok {
		return u.Unwrap()
	}
	return err
}
