package update

import (
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
)

func TestAddAndRefuse(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	var answers []int
	rejected := 0
	send := func(id string, n int) {
		env.UpdateWorkflow(Name, id, &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(error) { rejected++ },
			OnComplete: func(result any, err error) {
				if err != nil {
					t.Error(err)
					return
				}
				answers = append(answers, result.(int))
			},
		}, n)
	}
	env.RegisterDelayedCallback(func() { send("a", 4) }, time.Second)
	env.RegisterDelayedCallback(func() { send("b", -4) }, 2*time.Second)
	env.RegisterDelayedCallback(func() { send("c", 3) }, 3*time.Second)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("done", nil) }, 4*time.Second)
	env.ExecuteWorkflow(Workflow)
	var counter int
	if err := env.GetWorkflowResult(&counter); err != nil || counter != 7 {
		t.Fatalf("counter %d, %v", counter, err)
	}
	if rejected != 1 || len(answers) != 2 || answers[0] != 0 || answers[1] != 4 {
		t.Errorf("%d rejected, answers %v", rejected, answers)
	}
}
