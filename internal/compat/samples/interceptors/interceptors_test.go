package interceptors

import (
	"testing"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
)

func TestIntercepted(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	c := new(Counter)
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{c}})
	env.RegisterActivity(Echo)
	env.ExecuteWorkflow(Workflow, "hi")
	var got string
	if err := env.GetWorkflowResult(&got); err != nil || got != "[hi!]" {
		t.Fatalf("result %q, %v", got, err)
	}
	if c.Activities.Load() != 1 {
		t.Errorf("%d activities", c.Activities.Load())
	}
}
