package abandoned

import (
	"testing"

	"go.temporal.io/sdk/testsuite"
)

func TestParentDoesNotWait(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflow(Child)
	env.ExecuteWorkflow(Parent)
	var id string
	if err := env.GetWorkflowResult(&id); err != nil || id == "" {
		t.Fatalf("child %q, %v", id, err)
	}
}
