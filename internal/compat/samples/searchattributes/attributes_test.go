package searchattributes

import (
	"testing"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
)

func TestUpsert(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	err := env.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes(Number.ValueSet(4), Flag.ValueSet(true)))
	if err != nil {
		t.Fatal(err)
	}
	env.ExecuteWorkflow(Workflow)
	var seen Seen
	if err := env.GetWorkflowResult(&seen); err != nil || seen != (Seen{8, "done", false}) {
		t.Fatalf("seen %+v, %v", seen, err)
	}
}
