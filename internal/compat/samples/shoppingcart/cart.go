// Package shoppingcart starts a cart with the first update of it.
package shoppingcart

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

const add = "add"

// Cart holds items until checkout.
func Cart(ctx workflow.Context) (map[string]int, error) {
	items := make(map[string]int)
	err := workflow.SetUpdateHandler(ctx, add, func(ctx workflow.Context, item string, n int) (int, error) {
		if items[item] += n; items[item] <= 0 {
			delete(items, item)
		}
		return len(items), nil
	})
	if err != nil {
		return nil, err
	}
	workflow.GetSignalChannel(ctx, "checkout").Receive(ctx, nil)
	return items, workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "shoppingcart", func(r worker.Registry) { r.RegisterWorkflow(Cart) })
	if err != nil {
		return err
	}
	defer s.Close()
	start := s.Workflow()
	start.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	put := func(item string, n, want int) error {
		handle, err := s.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
			StartWorkflowOperation: s.NewWithStartWorkflowOperation(start, Cart),
			UpdateOptions: client.UpdateWorkflowOptions{
				UpdateName: add, Args: []any{item, n}, WaitForStage: client.WorkflowUpdateStageCompleted,
			},
		})
		if err != nil {
			return err
		}
		var kinds int
		if err := handle.Get(ctx, &kinds); err != nil || kinds != want {
			return fmt.Errorf("%d kinds after %s, want %d: %w", kinds, item, want, err)
		}
		return nil
	}
	for _, err := range []error{put("apple", 2, 1), put("pear", 1, 2), put("apple", -2, 1)} {
		if err != nil {
			return err
		}
	}
	if err := s.SignalWorkflow(ctx, start.ID, "", "checkout", nil); err != nil {
		return err
	}
	return scene.Result(ctx, s.GetWorkflow(ctx, start.ID, ""), map[string]int{"pear": 1})
}
