// Package earlyreturn answers as soon as a transaction is begun, and completes it afterwards.
package earlyreturn

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

const begun = "begun"

// Workflow begins and completes a transaction, or cancels it if it could not begin.
func Workflow(ctx workflow.Context, amount int) (string, error) {
	var id string
	var failure error
	initialized := false
	err := workflow.SetUpdateHandler(ctx, begun, func(ctx workflow.Context) (string, error) {
		err := workflow.Await(ctx, func() bool { return initialized })
		return id, errors.Join(err, failure)
	})
	if err != nil {
		return "", err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	failure = workflow.ExecuteActivity(ctx, Begin, amount).Get(ctx, &id)
	initialized = true
	if failure != nil {
		return "canceled", workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	}
	if err := workflow.Sleep(ctx, 20*time.Millisecond); err != nil {
		return "", err
	}
	return "completed " + id, nil
}

// Begin is an activity.
func Begin(_ context.Context, amount int) (string, error) {
	if amount <= 0 {
		return "", errors.New("nothing to transfer")
	}
	return "tx", nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "earlyreturn", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Begin)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	start := s.Workflow()
	start.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL
	operation := s.NewWithStartWorkflowOperation(start, Workflow, 5)
	handle, err := s.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: operation,
		UpdateOptions:          client.UpdateWorkflowOptions{UpdateName: begun, WaitForStage: client.WorkflowUpdateStageCompleted},
	})
	if err != nil {
		return err
	}
	var id string
	if err := handle.Get(ctx, &id); err != nil {
		return err
	}
	if err := scene.Equal(id, "tx"); err != nil {
		return err
	}
	run, err := operation.Get(ctx)
	if err != nil {
		return err
	}
	return scene.Result(ctx, run, "completed tx")
}
