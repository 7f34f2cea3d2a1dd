package client_test

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// Count runs again and again, each time with what it returned the last time.
func Count(ctx workflow.Context) (n int, err error) {
	if workflow.HasLastCompletionResult(ctx) {
		err = workflow.GetLastCompletionResult(ctx, &n)
	}
	return n + 1, err
}

// A workflow with a cron schedule begins at the schedule's next time, and is started again when it has closed, until it is
// terminated.
func ExampleStartWorkflowOptions_cronSchedule() {
	ctx := context.Background()
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Stop() }()
	c := server.Client()
	w := worker.New(c, "counts", worker.Options{})
	w.RegisterWorkflow(Count)
	if err := w.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer w.Stop()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "count", TaskQueue: "counts", CronSchedule: "@every 1s"}, Count)
	if err != nil {
		fmt.Println(err)
		return
	}
	begun := time.Now()
	var n int
	// Get would follow the chain of runs, which has no end: one run is what this waits for.
	err = run.GetWithOptions(ctx, &n, client.WorkflowRunGetOptions{DisableFollowingRuns: true})
	fmt.Println(n, err, time.Since(begun) < 5*time.Second)
	if err := c.TerminateWorkflow(ctx, "count", "", "that is enough"); err != nil {
		fmt.Println(err)
	}
	// Output: 1 <nil> true
}
