package client_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// Basket is a workflow that takes items by updates until it is told to check out.
func Basket(ctx workflow.Context) (items []string, err error) {
	err = workflow.SetUpdateHandlerWithOptions(ctx, "add", func(_ workflow.Context, item string) (int, error) {
		items = append(items, item)
		return len(items), nil
	}, workflow.UpdateHandlerOptions{Validator: func(item string) error {
		if item == "" {
			return errors.New("an item has a name")
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	workflow.GetSignalChannel(ctx, "check out").Receive(ctx, nil)
	return items, nil
}

// serveBaskets runs the workflow in a server of its own.
func serveBaskets(ctx context.Context) (c client.Client, stop func(), err error) {
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{})
	if err != nil {
		return nil, nil, err
	}
	w := worker.New(server.Client(), "shop", worker.Options{})
	w.RegisterWorkflow(Basket)
	if err := w.Start(); err != nil {
		return nil, nil, errors.Join(err, server.Stop())
	}
	return server.Client(), func() { w.Stop(); _ = server.Stop() }, nil
}

// An update changes a run and answers. UpdateWorkflow returns when it has reached the stage that it waits for; the handle
// has the answer, or says why the update was rejected.
func ExampleClient_updateWorkflow() {
	ctx := context.Background()
	c, stop, err := serveBaskets(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "basket-7", TaskQueue: "shop"}, Basket)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, item := range []string{"apple", ""} {
		handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: run.GetID(), UpdateName: "add",
			Args: []any{item}, WaitForStage: client.WorkflowUpdateStageAccepted})
		if err != nil {
			fmt.Println(err)
			return
		}
		var count int
		err = handle.Get(ctx, &count)
		fmt.Printf("%q: %d, rejected: %t\n", item, count, err != nil)
	}
	// Output:
	// "apple": 1, rejected: false
	// "": 0, rejected: true
}

// The first item makes the basket, whoever adds it.
func ExampleClient_updateWithStartWorkflow() {
	ctx := context.Background()
	c, stop, err := serveBaskets(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	for _, item := range []string{"apple", "pear"} {
		start := c.NewWithStartWorkflowOperation(client.StartWorkflowOptions{ID: "basket-7", TaskQueue: "shop",
			WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING}, Basket)
		handle, err := c.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{StartWorkflowOperation: start,
			UpdateOptions: client.UpdateWorkflowOptions{UpdateName: "add", Args: []any{item}, WaitForStage: client.WorkflowUpdateStageCompleted}})
		if err != nil {
			fmt.Println(err)
			return
		}
		var count int
		err = handle.Get(ctx, &count)
		fmt.Println(item, count, err)
	}
	// Output:
	// apple 1 <nil>
	// pear 2 <nil>
}
