package accumulator

import (
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
)

func TestEachKeyOnce(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	for i, g := range []Greeting{{"a", "1"}, {"a", "2"}, {"b", "3"}} {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(greet, g) }, time.Duration(i)*40*time.Second)
	}
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(greet, Greeting{"late", "4"}) }, 10*time.Minute)
	env.ExecuteWorkflow(Workflow, time.Minute)
	var got []string
	if err := env.GetWorkflowResult(&got); err != nil || !slices.Equal(got, []string{"1", "3"}) {
		t.Fatalf("result %v, %v", got, err)
	}
}
