package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/client"
)

func number[T int | int32 | int64](n T) string { return strconv.FormatInt(int64(n), 10) }

func (a *app) workflowDescribe() *cobra.Command {
	var t target
	cmd := &cobra.Command{Use: "describe", Short: "Show the state of a run and what it waits for"}
	a.targeted(cmd, &t)
	cmd.RunE = a.on(&t, func(ctx context.Context, c client.Client) error {
		d, err := c.DescribeWorkflow(ctx, t.workflowID, t.runID)
		if err != nil {
			return err
		}
		if a.flags.output != outputTable {
			return a.printJSON(d)
		}
		return a.describe(d)
	})
	return cmd
}

// describe writes a description as pairs and, below, what is pending.
func (a *app) describe(d *client.WorkflowExecutionDescription) error {
	w := newTable(a.stdout)
	pairs := [][]string{
		{"Workflow ID", d.WorkflowExecution.ID},
		{"Run ID", d.WorkflowExecution.RunID},
		{"Type", d.WorkflowType.Name},
		{"Task queue", d.TaskQueueName},
		{"Status", d.Status.String()},
		{"Started", a.when(d.WorkflowStartTime)},
	}
	if d.WorkflowCloseTime != nil {
		pairs = append(pairs, []string{"Closed", a.when(*d.WorkflowCloseTime)},
			[]string{"Took", short(d.WorkflowCloseTime.Sub(d.WorkflowStartTime))})
	}
	pairs = append(pairs, []string{"Events", number(d.HistoryLength)})
	if d.Attempt > 1 {
		pairs = append(pairs, []string{"Attempt", number(d.Attempt)})
	}
	if d.BuildID != "" {
		pairs = append(pairs, []string{"Build", d.BuildID})
	}
	if d.VersioningOverride != nil {
		pairs = append(pairs, []string{"Override", client.OverrideName(d.VersioningOverride)})
	}
	if d.FirstRunID != "" && d.FirstRunID != d.WorkflowExecution.RunID {
		pairs = append(pairs, []string{"First run", d.FirstRunID})
	}
	if d.ParentWorkflowExecution != nil {
		pairs = append(pairs, []string{"Parent", executionText(&common.WorkflowExecution{
			WorkflowId: d.ParentWorkflowExecution.ID, RunId: d.ParentWorkflowExecution.RunID})})
	}
	for _, key := range slices.Sorted(maps.Keys(d.Memo.GetFields())) {
		pairs = append(pairs, []string{"Memo " + key, payloadText(&common.Payloads{Payloads: []*common.Payload{d.Memo.Fields[key]}})})
	}
	for _, key := range slices.Sorted(maps.Keys(d.SearchAttributes.GetIndexedFields())) {
		p := d.SearchAttributes.IndexedFields[key]
		pairs = append(pairs, []string{"Attribute " + key, payloadText(&common.Payloads{Payloads: []*common.Payload{p}})})
	}
	if d.StaticSummary != "" {
		pairs = append(pairs, []string{"Summary", d.StaticSummary})
	}
	if d.StaticDetails != "" {
		pairs = append(pairs, []string{"Details", d.StaticDetails})
	}
	if d.CancelRequested {
		pairs = append(pairs, []string{"Cancel", "requested"})
	}
	if d.Stuck != "" {
		pairs = append(pairs, []string{"STUCK", fmt.Sprintf("since %s: %s", a.whenOr(d.StuckSince, "?"), d.Stuck)})
	}
	for _, p := range pairs {
		if err := line(w, p); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return a.describePending(d)
}

func (a *app) describePending(d *client.WorkflowExecutionDescription) error {
	if len(d.PendingActivities) > 0 {
		w := newTable(a.stdout)
		a.say("\nPending activities")
		table := [][]string{{"ID", "TYPE", "TASK QUEUE", "STATE", "ATTEMPT", "SCHEDULED", "WORKER", "LAST FAILURE"}}
		for _, p := range d.PendingActivities {
			failed := "-"
			if p.LastFailure != nil {
				failed = p.LastFailure.Message
			}
			table = append(table, []string{p.ActivityID, p.ActivityType.Name, p.TaskQueue, p.State.String(), number(p.Attempt),
				a.when(p.Scheduled), orDash(p.LastWorker), failed})
		}
		for _, row := range table {
			if err := line(w, row); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for i, c := range d.PendingChildren {
		if i == 0 {
			a.say("\nPending children")
		}
		a.say("%s %s", printable(c.WorkflowType.Name), printable(executionText(&common.WorkflowExecution{WorkflowId: c.WorkflowID, RunId: c.RunID})))
	}
	for i, t := range d.PendingTimers {
		if i == 0 {
			a.say("\nPending timers")
		}
		a.say("%d due %s", t.StartedEventID, a.when(t.Due))
	}
	return nil
}

func executionText(e *common.WorkflowExecution) string {
	if e.GetRunId() == "" {
		return e.GetWorkflowId()
	}
	return e.GetWorkflowId() + " " + e.GetRunId()
}
