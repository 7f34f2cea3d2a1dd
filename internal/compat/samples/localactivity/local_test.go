package localactivity

import (
	"testing"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func TestRealLocalActivity(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(Handle)
	env.ExecuteWorkflow(Workflow, "xbx")
	var got string
	if err := env.GetWorkflowResult(&got); err != nil || got != "<b>" {
		t.Fatalf("result %q, %v", got, err)
	}
}

func TestMockedLocalActivity(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnActivity(Contains, mock.Anything, "q", "a").Return(true, nil)
	env.OnActivity(Contains, mock.Anything, "q", "b").Return(false, nil)
	env.OnActivity(Handle, mock.Anything, "a").Return("A", nil).Once()
	env.ExecuteWorkflow(Workflow, "q")
	var got string
	if err := env.GetWorkflowResult(&got); err != nil || got != "A" {
		t.Fatalf("result %q, %v", got, err)
	}
	env.AssertExpectations(t)
}
