// Package safehandlers lets updates that take several steps not get into each other's way, and waits for them.
package safehandlers

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

const assign = "assign"

type cluster struct {
	nodes []string // who has each, empty for nobody
	mutex workflow.Mutex
}

// assign gives a job nodes that are free.
func (c *cluster) assign(ctx workflow.Context, job string, n int) ([]int, error) {
	if err := c.mutex.Lock(ctx); err != nil {
		return nil, err
	}
	defer c.mutex.Unlock()
	var got []int
	for i, owner := range c.nodes {
		if owner == "" && len(got) < n {
			got = append(got, i)
		}
	}
	if len(got) < n {
		return nil, fmt.Errorf("only %d of %d nodes are free", len(got), n)
	}
	// Without the lock another update could choose the same nodes meanwhile.
	if err := workflow.ExecuteActivity(ctx, Configure, job, got).Get(ctx, nil); err != nil {
		return nil, err
	}
	for _, i := range got {
		c.nodes[i] = job
	}
	return got, nil
}

// Workflow manages a cluster until it is shut down.
func Workflow(ctx workflow.Context, size int) ([]string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	c := &cluster{nodes: make([]string, size), mutex: workflow.NewMutex(ctx)}
	err := workflow.SetUpdateHandlerWithOptions(ctx, assign, func(uctx workflow.Context, job string, n int) ([]int, error) {
		return c.assign(workflow.WithActivityOptions(uctx, workflow.GetActivityOptions(ctx)), job, n)
	}, workflow.UpdateHandlerOptions{Description: "gives a job nodes"})
	if err != nil {
		return nil, err
	}
	workflow.GetSignalChannel(ctx, "shutdown").Receive(ctx, nil)
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return nil, err
	}
	return c.nodes, nil
}

// Configure is an activity.
func Configure(context.Context, string, []int) error { return nil }

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "safehandlers", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Configure)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	run, err := s.Start(ctx, Workflow, 4)
	if err != nil {
		return err
	}
	var handles []client.WorkflowUpdateHandle
	for _, job := range []string{"a", "b"} {
		h, err := s.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: run.GetID(), UpdateName: assign, Args: []any{job, 2}, WaitForStage: client.WorkflowUpdateStageAccepted,
		})
		if err != nil {
			return err
		}
		handles = append(handles, h)
	}
	if err := s.SignalWorkflow(ctx, run.GetID(), "", "shutdown", nil); err != nil {
		return err
	}
	for _, h := range handles {
		if err := h.Get(ctx, nil); err != nil {
			return err
		}
	}
	return scene.Result(ctx, run, []string{"a", "a", "b", "b"})
}
