package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/client"
)

func (a *app) activityCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "activity", Short: "Pause, unpause and reset activities", Args: cobra.ArbitraryArgs, RunE: group,
		Long: `Pause, unpause and reset activities that have no result yet: those that a workflow has called (--workflow-id), and
those that were started on their own. "workflow describe" shows the IDs of a run's activities, and which are paused.`,
	}
	cmd.AddCommand(a.activityPause(), a.activityUnpause(), a.activityReset())
	return cmd
}

// activityFlags are those of all commands of the group.
type activityFlags struct {
	target
	activityID, reason, identity string
	resetHeartbeats              bool
	jitter                       time.Duration
}

func (f *activityFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.activityID, "activity-id", "a", "", "activity ID")
	cmd.Flags().StringVarP(&f.workflowID, "workflow-id", "w", "", "ID of the workflow that has called the activity (default none: it was started on its own)")
	cmd.Flags().StringVarP(&f.runID, "run-id", "r", "", "run ID (default the newest run)")
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, for people")
	cmd.Flags().StringVar(&f.identity, "identity", "", "who asks (default this process)")
}

func (f *activityFlags) addNext(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.resetHeartbeats, "reset-heartbeats", false, "hide from the next attempt what heartbeats have said")
	cmd.Flags().DurationVar(&f.jitter, "jitter", 0, "put the next attempt off by a random time of at most this much")
}

// onActivity makes a command's function.
func (a *app) onActivity(f *activityFlags, done string, do func(ctx context.Context, c client.Admin) error) func(*cobra.Command, []string) error {
	return a.run(func(ctx context.Context, _ []string) error {
		if f.activityID == "" {
			return usagef("which activity? Give its ID with --activity-id; `millrace workflow describe` shows them")
		}
		if err := a.withAdmin(ctx, func(c client.Admin) error { return do(ctx, c) }); err != nil {
			return err
		}
		if a.flags.output != outputTable {
			return a.printJSON(struct {
				WorkflowID string `json:"workflowId,omitempty"`
				RunID      string `json:"runId,omitempty"`
				ActivityID string `json:"activityId"`
				Done       string `json:"done"`
			}{f.workflowID, f.runID, f.activityID, done})
		}
		a.say("Activity %s is %s.", printable(f.activityID), done)
		return nil
	})
}

func (a *app) activityPause() *cobra.Command {
	var f activityFlags
	cmd := &cobra.Command{
		Use: "pause", Short: "Let no attempt of an activity begin until it is unpaused", Args: cobra.NoArgs,
		Long: `Lets no attempt of an activity begin until it is unpaused. An attempt that is running goes on: its context ends, and if
it fails then, that does not count; if it succeeds the activity is completed. ScheduleToCloseTimeout goes on.`,
		Example: `  millrace activity pause --workflow-id order-7 --activity-id charge --reason 'the bank is down'`,
	}
	f.add(cmd)
	cmd.RunE = a.onActivity(&f, "paused", func(ctx context.Context, c client.Admin) error {
		return c.PauseActivity(ctx, client.PauseActivityOptions{WorkflowID: f.workflowID, RunID: f.runID, ActivityID: f.activityID,
			Reason: f.reason, Identity: f.identity})
	})
	return cmd
}

func (a *app) activityUnpause() *cobra.Command {
	var f activityFlags
	var resetAttempts bool
	cmd := &cobra.Command{
		Use: "unpause", Short: "Let a paused activity go on at once", Args: cobra.NoArgs,
		Example: `  millrace activity unpause --workflow-id order-7 --activity-id charge --jitter 30s`,
	}
	f.add(cmd)
	f.addNext(cmd)
	cmd.Flags().BoolVar(&resetAttempts, "reset-attempts", false, "make the next attempt the first")
	cmd.RunE = a.onActivity(&f, "unpaused", func(ctx context.Context, c client.Admin) error {
		return c.UnpauseActivity(ctx, client.UnpauseActivityOptions{WorkflowID: f.workflowID, RunID: f.runID, ActivityID: f.activityID,
			Reason: f.reason, Identity: f.identity, ResetAttempts: resetAttempts, ResetHeartbeats: f.resetHeartbeats, Jitter: f.jitter})
	})
	return cmd
}

func (a *app) activityReset() *cobra.Command {
	var f activityFlags
	var keepPaused bool
	cmd := &cobra.Command{
		Use: "reset", Short: "Make the next attempt of an activity the first, at once", Args: cobra.NoArgs,
		Long: `Makes the next attempt of an activity the first, with all retries before it, and lets it begin at once. An attempt that
is running is told to end. A paused activity is unpaused, unless --keep-paused is given.`,
		Example: `  millrace activity reset --workflow-id order-7 --activity-id charge`,
	}
	f.add(cmd)
	f.addNext(cmd)
	cmd.Flags().BoolVar(&keepPaused, "keep-paused", false, "leave a paused activity paused")
	cmd.RunE = a.onActivity(&f, "reset", func(ctx context.Context, c client.Admin) error {
		return c.ResetActivity(ctx, client.ResetActivityOptions{WorkflowID: f.workflowID, RunID: f.runID, ActivityID: f.activityID,
			Reason: f.reason, Identity: f.identity, KeepPaused: keepPaused, ResetHeartbeats: f.resetHeartbeats, Jitter: f.jitter})
	})
	return cmd
}
