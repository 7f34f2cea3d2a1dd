package parallel

import (
	"testing"

	"go.temporal.io/sdk/testsuite"
)

func TestBound(t *testing.T) {
	for bound := 1; bound <= 3; bound++ {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestWorkflowEnvironment()
		env.RegisterActivity(Square)
		env.ExecuteWorkflow(Workflow, 4, bound)
		var o Outcome
		if err := env.GetWorkflowResult(&o); err != nil || o != (Outcome{14, bound}) {
			t.Fatalf("bound %d: %v, %v", bound, o, err)
		}
	}
}
