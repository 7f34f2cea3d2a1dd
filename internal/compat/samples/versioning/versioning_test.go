package versioning

import (
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

func result(t *testing.T, env *testsuite.TestWorkflowEnvironment) string {
	t.Helper()
	env.RegisterActivity(Greet)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("go", nil) }, time.Second)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("end", nil) }, time.Minute)
	env.ExecuteWorkflow(Workflow)
	var got string
	if err := env.GetWorkflowResult(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestNewRuns(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	if got := result(t, suite.NewTestWorkflowEnvironment()); got != "short greeting" {
		t.Error(got)
	}
}

func TestOldRuns(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnGetVersion(change, workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	if got := result(t, env); got != "long greeting" {
		t.Error(got)
	}
}
