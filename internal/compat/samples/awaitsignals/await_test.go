package awaitsignals

import (
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
)

func TestReversed(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("third", "3") }, time.Second)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("second", "2") }, 2*time.Second)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("first", "1") }, 3*time.Second)
	env.ExecuteWorkflow(Workflow, time.Minute)
	var got string
	if err := env.GetWorkflowResult(&got); err != nil || got != "1 2 3" {
		t.Fatalf("result %q, %v", got, err)
	}
}

func TestMissing(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("first", "1") }, time.Second)
	env.ExecuteWorkflow(Workflow, time.Minute)
	var app *temporal.ApplicationError
	if err := env.GetWorkflowError(); !errors.As(err, &app) || app.Type() != "timeout" {
		t.Fatalf("error %v", err)
	}
}
