package pickfirst

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func TestFirstWins(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	for i, wait := range []time.Duration{30 * time.Second, 10 * time.Second, 20 * time.Second} {
		env.OnActivity(Ask, mock.Anything, i, mock.Anything).Return(i, nil).After(wait)
	}
	env.ExecuteWorkflow(Workflow, make([]time.Duration, 3))
	var first int
	if err := env.GetWorkflowResult(&first); err != nil || first != 1 {
		t.Fatalf("first %d, %v", first, err)
	}
}
