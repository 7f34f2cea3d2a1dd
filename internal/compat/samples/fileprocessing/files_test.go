package fileprocessing

import (
	"testing"

	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
)

func TestSession(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{EnableSessionWorker: true})
	env.RegisterActivity(&Disk{t.TempDir()})
	env.ExecuteWorkflow(Workflow, "x")
	var result string
	if err := env.GetWorkflowResult(&result); err != nil || result != "CONTENT OF X" {
		t.Fatalf("result %q, %v", result, err)
	}
}
