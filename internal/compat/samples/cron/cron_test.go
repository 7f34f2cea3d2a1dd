package cron

import (
	"testing"

	"go.temporal.io/sdk/testsuite"
)

func TestCounts(t *testing.T) {
	for last, want := range map[int]int{0: 1, 6: 7} {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestWorkflowEnvironment()
		if last > 0 {
			env.SetLastCompletionResult(last)
		}
		env.ExecuteWorkflow(Workflow)
		var runs int
		if err := env.GetWorkflowResult(&runs); err != nil || runs != want {
			t.Fatalf("runs %d, %v, want %d", runs, err, want)
		}
	}
}
