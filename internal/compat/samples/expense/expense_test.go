package expense

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func TestRefusedAtOnce(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(&Desk{})
	env.ExecuteWorkflow(Workflow, "")
	var result string
	if err := env.GetWorkflowResult(&result); err != nil || result != "REFUSED" {
		t.Fatalf("result %q, %v", result, err)
	}
}

func TestApprovedFromOutside(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	desk := &Desk{Tokens: make(chan []byte, 1)}
	env.RegisterActivity(desk)
	env.OnActivity(desk.Pay, mock.Anything, "flight").Return(nil).Once()
	env.RegisterDelayedCallback(func() {
		if err := env.CompleteActivity(<-desk.Tokens, "APPROVED", nil); err != nil {
			t.Error(err)
		}
	}, time.Minute)
	env.ExecuteWorkflow(Workflow, "flight")
	var result string
	if err := env.GetWorkflowResult(&result); err != nil || result != "COMPLETED" {
		t.Fatalf("result %q, %v", result, err)
	}
	env.AssertExpectations(t)
}
