package mutex

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func TestLockServesInOrder(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	var order []string
	env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, "", acquiredSignal, mock.Anything).
		Run(func(args mock.Arguments) { order = append(order, args.String(1)) }).Return(nil)
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow(requestSignal, "a")
		env.SignalWorkflow(requestSignal, "b")
	}, time.Second)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(releaseSignal+"a", nil) }, 5*time.Second)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(releaseSignal+"b", nil) }, 9*time.Second)
	env.ExecuteWorkflow(Lock, time.Minute)
	var served int
	if err := env.GetWorkflowResult(&served); err != nil || served != 2 {
		t.Fatalf("served %d, %v", served, err)
	}
	if len(order) != 2 || order[0] != "a" || order[1] != "b" {
		t.Errorf("order %v", order)
	}
}

func TestHolderWaitsForTheLock(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnSignalExternalWorkflow(mock.Anything, "lock", "", mock.Anything, mock.Anything).Return(nil).Twice()
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(acquiredSignal, nil) }, time.Hour)
	start := env.Now()
	env.ExecuteWorkflow(Holder, "lock", time.Minute)
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if took := env.Now().Sub(start); took < time.Hour+time.Minute {
		t.Errorf("took %v", took)
	}
	env.AssertExpectations(t)
}
