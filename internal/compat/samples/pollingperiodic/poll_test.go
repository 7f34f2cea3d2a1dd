package pollingperiodic

import (
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

func TestPollerAnswers(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflow(Poller)
	env.RegisterActivity(&Service{Enough: 3})
	env.ExecuteWorkflow(Workflow, time.Hour)
	var result string
	if err := env.GetWorkflowResult(&result); err != nil || result != "done" {
		t.Fatalf("result %q, %v", result, err)
	}
}

func TestPollerContinuesAsNew(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(&Service{Enough: 8})
	env.ExecuteWorkflow(Poller, time.Hour)
	if err := env.GetWorkflowError(); !workflow.IsContinueAsNewError(err) {
		t.Fatalf("error %v", err)
	}
}
