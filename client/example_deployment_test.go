package client_test

import (
	"context"
	"fmt"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// shop starts workers of a build of the deployment "shop", whose orders say which build they ended on.
func shop(c client.Client, build string) (worker.Worker, error) {
	w := worker.New(c, "orders", worker.Options{DeploymentOptions: worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: "shop", BuildID: build},
		DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
	}})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) (string, error) {
		workflow.GetSignalChannel(ctx, "paid").Receive(ctx, nil)
		return build, nil
	}, workflow.RegisterOptions{Name: "Order"})
	return w, w.Start()
}

// An order stays with the build that it was started on, unless it is moved to another.
func ExampleWorkerDeploymentHandle() {
	ctx := context.Background()
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Stop() }()
	c := server.Client()
	deployment := c.WorkerDeploymentClient().GetHandle("shop")
	var orders []client.WorkflowRun
	for _, build := range []string{"41", "42"} {
		w, err := shop(c, build)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer w.Stop()
		if _, err := deployment.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build}); err != nil {
			fmt.Println(err)
			return
		}
		for range 2 {
			order, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: "orders"}, "Order")
			if err != nil {
				fmt.Println(err)
				return
			}
			orders = append(orders, order)
		}
	}
	_, err = c.UpdateWorkflowExecutionOptions(ctx, client.UpdateWorkflowExecutionOptionsRequest{WorkflowId: orders[1].GetID(),
		WorkflowExecutionOptionsChanges: client.WorkflowExecutionOptionsChanges{VersioningOverride: &client.VersioningOverrideChange{
			Value: &client.PinnedVersioningOverride{Version: worker.WorkerDeploymentVersion{DeploymentName: "shop", BuildID: "42"}}}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, order := range orders {
		var build string
		if err := c.SignalWorkflow(ctx, order.GetID(), "", "paid", nil); err != nil {
			fmt.Println(err)
			return
		}
		if err := order.Get(ctx, &build); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("ended on build", build)
	}
	// Output:
	// ended on build 41
	// ended on build 42
	// ended on build 42
	// ended on build 42
}
