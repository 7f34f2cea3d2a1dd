package earlyreturn

import (
	"testing"

	"go.temporal.io/sdk/testsuite"
)

func TestAnswersBeforeItIsDone(t *testing.T) {
	for amount, want := range map[int]string{5: "completed tx", 0: "canceled"} {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestWorkflowEnvironment()
		env.RegisterActivity(Begin)
		answered, early := false, false
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(begun, "1", &testsuite.TestUpdateCallback{
				OnReject: func(err error) { t.Error(err) },
				OnAccept: func() {},
				OnComplete: func(_ any, err error) {
					answered, early = true, !env.IsWorkflowCompleted()
					if (err == nil) != (amount > 0) {
						t.Errorf("amount %d: error %v", amount, err)
					}
				},
			})
		}, 0)
		env.ExecuteWorkflow(Workflow, amount)
		var got string
		if err := env.GetWorkflowResult(&got); err != nil || got != want || !answered || !early {
			t.Errorf("amount %d: result %q, %v; answered %v, early %v", amount, got, err, answered, early)
		}
	}
}
