package pollinginfrequent

import (
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
)

func TestPollsInVirtualTime(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(&Service{Enough: 5})
	start := env.Now()
	env.ExecuteWorkflow(Workflow, time.Minute)
	var attempt int32
	if err := env.GetWorkflowResult(&attempt); err != nil || attempt != 5 {
		t.Fatalf("attempt %d, %v", attempt, err)
	}
	if waited := env.Now().Sub(start); waited < 4*time.Minute {
		t.Errorf("waited %v", waited)
	}
}
