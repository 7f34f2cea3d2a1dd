package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/internal/daemon"
	"github.com/millrace-dev/millrace/streams"
)

func (a *app) repairCommand() *cobra.Command {
	var dryRun, yes bool
	cmd := &cobra.Command{
		Use: "repair", Short: "Queue again what a lost stream took away",
		Long: `Compares the histories of the open runs with the queued tasks, the inboxes and the armed wake-ups, shows what is missing
and, once you agree, sends it again. In normal operation nothing is ever missing: this is for the day after a stream
was lost or restored. It can run beside working daemons and workers, and as often as you like.`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			return a.withNamespace(ctx, func(ns *streams.Namespace) error { return a.repair(ctx, ns, dryRun, yes) })
		}),
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what is missing, and stop")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// missing is what a run lacks, in JSON.
type missing struct {
	WorkflowID   string    `json:"workflowId"`
	RunID        string    `json:"runId"`
	Kind         string    `json:"kind"`
	Activity     int64     `json:"scheduledEventId,omitempty"`
	ActivityType string    `json:"activityType,omitempty"`
	TaskQueue    string    `json:"taskQueue,omitempty"`
	Due          time.Time `json:"due,omitzero"`
	Reason       string    `json:"reason,omitempty"`
}

func (a *app) repair(ctx context.Context, ns *streams.Namespace, dryRun, yes bool) error {
	r := daemon.NewRepair(ns)
	plan, err := r.Plan(ctx)
	if err != nil {
		return err
	}
	list := newRows(a, []string{"MISSING", "WORKFLOW ID", "RUN ID", "DETAIL"}, a.missingCells)
	for _, m := range plan.Missing {
		if err := list.add(missing{WorkflowID: m.Run.WorkflowID, RunID: m.Run.RunID, Kind: m.Kind(), Activity: m.Activity,
			ActivityType: m.ActivityType, TaskQueue: m.Queue, Due: m.Due}); err != nil {
			return err
		}
	}
	for _, u := range plan.Unreadable {
		if err := list.add(missing{WorkflowID: u.Run.WorkflowID, RunID: u.Run.RunID, Kind: "unreadable", Reason: u.Reason.Error()}); err != nil {
			return err
		}
	}
	if err := list.end(fmt.Sprintf("Nothing is missing: %d open runs looked at, %d closed ones passed over.", plan.Open, plan.Closed)); err != nil {
		return err
	}
	if len(plan.Missing) == 0 || dryRun {
		return nil
	}
	if err := a.confirm(yes, fmt.Sprintf("Send these %d again?", len(plan.Missing))); err != nil {
		return err
	}
	tasks, wakeUps, err := r.Apply(ctx, plan)
	if tasks+wakeUps > 0 || err == nil {
		a.tell("Sent %d tasks and %d wake-ups.", tasks, wakeUps)
	}
	return err
}

func (a *app) missingCells(m missing) []string {
	detail := m.Reason
	switch {
	case m.Activity > 0:
		detail = fmt.Sprintf("activity %d %s on task queue %s", m.Activity, m.ActivityType, m.TaskQueue)
	case !m.Due.IsZero():
		detail = "due " + a.when(m.Due)
	}
	return []string{m.Kind, m.WorkflowID, m.RunID, detail}
}
