package ctxpropagation

import (
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

func TestPropagates(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	suite.SetContextPropagators([]workflow.ContextPropagator{Propagator{}})
	p, err := converter.GetDefaultDataConverter().ToPayload("bo")
	if err != nil {
		t.Fatal(err)
	}
	suite.SetHeader(&commonpb.Header{Fields: map[string]*commonpb.Payload{header: p}})
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(Activity)
	env.ExecuteWorkflow(Workflow)
	var got string
	if err := env.GetWorkflowResult(&got); err != nil || got != "bo/bo" {
		t.Fatalf("result %q, %v", got, err)
	}
}
