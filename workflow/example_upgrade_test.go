package workflow_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/workflow"
)

// Patrol is pinned and goes on for ever: at the end of a round it moves to the version that new runs go to.
func Patrol(ctx workflow.Context, round int) error {
	if err := workflow.Sleep(ctx, time.Hour); err != nil {
		return err
	}
	var options workflow.ContinueAsNewErrorOptions
	if workflow.GetInfo(ctx).GetTargetWorkerDeploymentVersionChanged() {
		options.InitialVersioningBehavior = workflow.ContinueAsNewVersioningBehaviorAutoUpgrade
	}
	return workflow.NewContinueAsNewErrorWithOptions(ctx, options, Patrol, round+1)
}

// A run that never ends leaves an old version when it continues as new.
func ExampleInfo_GetTargetWorkerDeploymentVersionChanged() {
	for _, deployed := range []bool{false, true} {
		env := (&testsuite.WorkflowTestSuite{}).NewTestWorkflowEnvironment()
		env.RegisterDelayedCallback(func() { env.SetTargetWorkerDeploymentVersionChanged(deployed) }, time.Minute)
		env.ExecuteWorkflow(Patrol, 1)
		var next *workflow.ContinueAsNewError
		if errors.As(env.GetWorkflowError(), &next) {
			fmt.Println("upgrades:", next.InitialVersioningBehavior == workflow.ContinueAsNewVersioningBehaviorAutoUpgrade)
		}
	}
	// Output:
	// upgrades: false
	// upgrades: true
}
