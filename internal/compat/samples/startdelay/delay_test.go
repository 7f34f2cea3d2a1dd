package startdelay

import (
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
)

func TestStartTime(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	env.SetStartTime(at)
	env.ExecuteWorkflow(Workflow)
	var began time.Time
	if err := env.GetWorkflowResult(&began); err != nil || began.Before(at) || began.Sub(at) > time.Minute {
		t.Fatalf("began %v, %v", began, err)
	}
}
