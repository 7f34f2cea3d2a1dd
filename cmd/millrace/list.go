package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/client"
)

func (a *app) workflowList() *cobra.Command {
	var o client.ListRunsOptions
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List runs, newest first", Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			if limit < 0 {
				return usagef("--limit %d: must not be negative", limit)
			}
			return a.withAdmin(ctx, func(c client.Admin) error { return a.list(ctx, c, o, limit) })
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many, 0 for all")
	cmd.Flags().BoolVar(&o.Open, "open", false, "open runs only")
	cmd.Flags().StringVarP(&o.WorkflowID, "workflow-id", "w", "", "runs of this workflow ID only")
	cmd.Flags().StringVarP(&o.TaskQueue, "task-queue", "t", "", "runs of this task queue only")
	return cmd
}

func (a *app) list(ctx context.Context, c client.Admin, o client.ListRunsOptions, limit int) error {
	list := newRows(a, []string{"STATUS", "WORKFLOW ID", "RUN ID", "TYPE", "TASK QUEUE", "STARTED", "TOOK", "EVENTS"}, a.runCells)
	for info, err := range c.ListRuns(ctx, o) {
		if err != nil {
			return err
		}
		if err := list.add(info); err != nil {
			return err
		}
		if limit > 0 && list.n == limit {
			break
		}
	}
	return list.end("There are no such runs.")
}

func (a *app) runCells(i *client.WorkflowExecutionInfo) []string {
	took := "-"
	if i.CloseTime != nil {
		took = short(i.CloseTime.Sub(i.StartTime))
	}
	return []string{
		i.Status.String(), i.Execution.WorkflowId, i.Execution.RunId, i.Type.Name, i.TaskQueue, a.when(i.StartTime), took, number(i.HistoryLength),
	}
}
