package timer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func result(t *testing.T, env *testsuite.TestWorkflowEnvironment) string {
	t.Helper()
	env.ExecuteWorkflow(Workflow, time.Minute, time.Second)
	var result string
	if err := env.GetWorkflowResult(&result); err != nil {
		t.Fatal(err)
	}
	env.AssertExpectations(t)
	return result
}

func TestInTime(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnActivity(Process, mock.Anything, mock.Anything).Return(nil)
	if got := result(t, env); got != "in time" {
		t.Error(got)
	}
}

func TestLate(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnActivity(Process, mock.Anything, mock.Anything).Return(nil).After(10 * time.Minute)
	env.OnActivity(Notify, mock.Anything).Return(nil).Once()
	if got := result(t, env); got != "late" {
		t.Error(got)
	}
}
