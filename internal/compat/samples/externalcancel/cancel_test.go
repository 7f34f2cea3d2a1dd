package externalcancel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func TestSleeper(t *testing.T) {
	for wake, want := range map[bool]string{true: "woken", false: "slept"} {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestWorkflowEnvironment()
		if wake {
			env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
		}
		env.ExecuteWorkflow(Sleeper)
		var got string
		if err := env.GetWorkflowResult(&got); err != nil || got != want {
			t.Errorf("result %q, %v, want %s", got, err, want)
		}
	}
}

func TestWaker(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnRequestCancelExternalWorkflow(mock.Anything, "x", "").Return(nil).Once()
	env.ExecuteWorkflow(Waker, "x")
	var got string
	if err := env.GetWorkflowResult(&got); err != nil || got != "done" {
		t.Fatalf("result %q, %v", got, err)
	}
	env.AssertExpectations(t)
}
