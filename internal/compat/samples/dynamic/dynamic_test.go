package dynamic

import (
	"testing"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

func TestAnyName(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterDynamicWorkflow(Workflow, workflow.DynamicRegisterOptions{})
	env.RegisterDynamicActivity(Activity, activity.DynamicRegisterOptions{})
	env.ExecuteWorkflow("whatever", "you")
	var result string
	if err := env.GetWorkflowResult(&result); err != nil || result != "whatever: any-activity for you" {
		t.Fatalf("result %q, %v", result, err)
	}
}
