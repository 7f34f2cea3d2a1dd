package retryheartbeat

import (
	"testing"

	"go.temporal.io/sdk/testsuite"
)

func TestGoesOn(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(Process)
	env.SetHeartbeatDetails(6)
	value, err := env.ExecuteActivity(Process, 9)
	if err != nil {
		t.Fatal(err)
	}
	var o Outcome
	if err := value.Get(&o); err != nil || o != (Outcome{1, 6, 9}) {
		t.Fatalf("outcome %v, %v", o, err)
	}
}

func TestRetriesUntilDone(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(Process)
	env.ExecuteWorkflow(Workflow, 9)
	var o Outcome
	if err := env.GetWorkflowResult(&o); err != nil || o.Attempt != 3 || o.End != 9 {
		t.Fatalf("outcome %v, %v", o, err)
	}
}
