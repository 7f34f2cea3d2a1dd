package choice

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func TestChosenActivityOnly(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	k := &Kitchen{Orders: []string{"coffee"}}
	env.RegisterActivity(k)
	env.OnActivity(k.Brew, mock.Anything, "coffee").Return("espresso", nil).Once()
	env.ExecuteWorkflow(Workflow)
	var got []string
	if err := env.GetWorkflowResult(&got); err != nil || len(got) != 1 || got[0] != "espresso" {
		t.Fatalf("result %v, %v", got, err)
	}
	env.AssertActivityNotCalled(t, "Bake", mock.Anything, mock.Anything)
}

func TestUnknownOrder(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(&Kitchen{Orders: []string{"soup"}})
	env.ExecuteWorkflow(Workflow)
	if err := env.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "there is no soup") {
		t.Fatalf("error %v", err)
	}
}
