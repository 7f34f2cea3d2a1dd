package sideeffect

import (
	"testing"

	"go.temporal.io/sdk/testsuite"
)

func TestRecorded(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.ExecuteWorkflow(Workflow)
	var same bool
	if err := env.GetWorkflowResult(&same); err != nil || !same {
		t.Fatalf("same %v, %v", same, err)
	}
}
