package updatabletimer

import (
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
)

func TestLaterAndEarlier(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	start := env.Now()
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(Signal, start.Add(3*time.Hour)) }, time.Minute)
	env.RegisterDelayedCallback(func() {
		value, err := env.QueryWorkflow(Query)
		if err != nil {
			t.Error(err)
			return
		}
		var wakeUp time.Time
		if err := value.Get(&wakeUp); err != nil || !wakeUp.Equal(start.Add(3*time.Hour)) {
			t.Errorf("query says %v, %v", wakeUp, err)
		}
	}, 2*time.Minute)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(Signal, start.Add(2*time.Hour)) }, time.Hour)
	env.ExecuteWorkflow(Workflow, start.Add(30*time.Minute))
	var woke time.Time
	if err := env.GetWorkflowResult(&woke); err != nil {
		t.Fatal(err)
	}
	if slept := woke.Sub(start).Round(time.Second); slept != 2*time.Hour {
		t.Errorf("slept %v", slept)
	}
}
