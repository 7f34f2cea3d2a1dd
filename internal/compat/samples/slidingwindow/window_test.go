package slidingwindow

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

func TestLastRun(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflow(Record)
	env.OnWorkflow(Record, mock.Anything, mock.Anything, mock.Anything).Return(nil)
	for i := range 4 {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(doneSignal, i) }, time.Duration(i+1)*time.Minute)
	}
	env.ExecuteWorkflow(Batch, Input{Total: 4, Window: 2, PerRun: 10})
	var progress int
	if err := env.GetWorkflowResult(&progress); err != nil || progress != 4 {
		t.Fatalf("progress %d, %v", progress, err)
	}
}

func TestContinuesAsNew(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflow(Record)
	env.OnWorkflow(Record, mock.Anything, mock.Anything, mock.Anything).Return(nil)
	env.ExecuteWorkflow(Batch, Input{Total: 4, Window: 4, PerRun: 2})
	if err := env.GetWorkflowError(); !workflow.IsContinueAsNewError(err) {
		t.Fatalf("error %v", err)
	}
}
