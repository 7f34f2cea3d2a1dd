package query

import (
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
)

func TestStates(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	ask := func(want string) {
		value, err := env.QueryWorkflow("state", "> ")
		if err != nil {
			t.Error(err)
			return
		}
		var got string
		if err := value.Get(&got); err != nil || got != "> "+want {
			t.Errorf("state %q, %v, want %s", got, err, want)
		}
	}
	env.RegisterDelayedCallback(func() { ask("waiting"); env.SignalWorkflow("go", nil) }, time.Minute)
	env.ExecuteWorkflow(Workflow)
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	ask("done")
	if _, err := env.QueryWorkflow("nothing"); err == nil {
		t.Error("a query of an unknown type has an answer")
	}
}
