package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/client"
)

// done is the answer to a request that has none of its own.
type done struct {
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId,omitempty"`
	Done       string `json:"done"`
}

// confirmDone says that a request is durably queued.
func (a *app) confirmDone(t target, what, text string) error {
	if a.flags.output != outputTable {
		return a.printJSON(done{t.workflowID, t.runID, what})
	}
	a.say(text, printable(t.workflowID))
	return nil
}

func (a *app) workflowSignal() *cobra.Command {
	var t target
	var name string
	var in input
	cmd := &cobra.Command{
		Use: "signal", Short: "Send a signal to a run",
		Example: `  millrace workflow signal order-7 --name approve -i '"Ann"'`,
	}
	a.targeted(cmd, &t)
	cmd.Flags().StringVar(&name, "name", "", "the signal's name")
	in.flags(cmd)
	required(cmd, "name")
	cmd.RunE = a.run(func(ctx context.Context, args []string) error {
		if err := t.take(args); err != nil {
			return err
		}
		values, err := in.arguments(a.stdin)
		if err != nil {
			return err
		}
		if len(values) > 1 {
			return usagef("a signal has one argument, not %d: put them into an array or an object", len(values))
		}
		var value any
		if len(values) == 1 {
			value = values[0]
		}
		return a.withClient(ctx, func(c client.Client) error {
			if err := c.SignalWorkflow(ctx, t.workflowID, t.runID, name, value); err != nil {
				return err
			}
			return a.confirmDone(t, "signaled", "Signal to %s is queued.")
		})
	})
	return cmd
}

func (a *app) workflowQuery() *cobra.Command {
	var t target
	var name string
	var in input
	cmd := &cobra.Command{
		Use: "query", Short: "Ask a query handler of a run",
		Long: `Asks a query handler of a run's code; a worker must be running. Every workflow answers the query __stack_trace, which
shows where it waits.`,
		Example: `  millrace workflow query order-7 --type state`,
	}
	a.targeted(cmd, &t)
	cmd.Flags().StringVar(&name, "type", "", "the query's name")
	cmd.Flags().StringVar(&name, "name", "", "the same as --type")
	in.flags(cmd)
	cmd.MarkFlagsMutuallyExclusive("type", "name")
	cmd.MarkFlagsOneRequired("type", "name")
	cmd.RunE = a.run(func(ctx context.Context, args []string) error {
		if err := t.take(args); err != nil {
			return err
		}
		values, err := in.arguments(a.stdin)
		if err != nil {
			return err
		}
		return a.withClient(ctx, func(c client.Client) error {
			answer, err := c.QueryWorkflow(ctx, t.workflowID, t.runID, name, values...)
			if err != nil {
				return err
			}
			return a.printValue(answer.Get, answer.HasValue())
		})
	})
	return cmd
}

func (a *app) workflowCancel() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "cancel", Short: "Ask a run to cancel", Long: "Asks the run's code to cancel: it cleans up, and may also refuse.",
	}
	a.targeted(cmd, &t)
	cmd.RunE = a.on(&t, func(ctx context.Context, c client.Client) error {
		if err := c.CancelWorkflow(ctx, t.workflowID, t.runID); err != nil {
			return err
		}
		return a.confirmDone(t, "cancelRequested", "Request to cancel %s is queued.")
	})
	return cmd
}

func (a *app) workflowTerminate() *cobra.Command {
	var t target
	var reason string
	cmd := &cobra.Command{
		Use: "terminate", Short: "Close a run at once", Long: "Closes a run without asking its code. Nothing is cleaned up.",
	}
	a.targeted(cmd, &t)
	cmd.Flags().StringVar(&reason, "reason", "", "why, shown with the run")
	cmd.RunE = a.on(&t, func(ctx context.Context, c client.Client) error {
		if err := c.TerminateWorkflow(ctx, t.workflowID, t.runID, reason); err != nil {
			return err
		}
		return a.confirmDone(t, "terminated", "Order to terminate %s is queued.")
	})
	return cmd
}

func (a *app) workflowRelease() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "release", Short: "Replay a quarantined run again",
		Long: `Releases a run that "workflow describe" shows as stuck because its replay has ended processes: deploy code that does
not, or find that it was innocent, and release it. Its messages are replayed again within the five minutes that they may
be resting.`,
	}
	a.targeted(cmd, &t)
	cmd.RunE = a.on(&t, func(ctx context.Context, c client.Client) error {
		admin, err := client.NewAdmin(c)
		if err == nil {
			err = admin.ReleaseWorkflow(ctx, t.workflowID, t.runID)
		}
		if err != nil {
			return err
		}
		return a.confirmDone(t, "released", "%s is replayed again within five minutes.")
	})
	return cmd
}

func (a *app) workflowDelete() *cobra.Command {
	var t target
	var yes bool
	var age time.Duration
	cmd := &cobra.Command{
		Use: "delete", Short: "Delete a closed run for good",
		Long: `Deletes the history of a closed run and its large payloads. Nothing brings them back. A run that took over from
another, or whose parent has not taken note of it, goes after that one; a run for which signals wait goes when a worker has
dealt with them. When the command is interrupted, repeat it with --run-id.`,
		Example: `  millrace workflow delete order-7 --run-id 019a... --yes`,
	}
	a.targeted(cmd, &t)
	cmd.Flags().DurationVar(&age, "min-age", client.DefaultDeleteAge, "how long the run must have been closed, at least 2m: nobody may repeat its start after that")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.RunE = a.on(&t, func(ctx context.Context, c client.Client) error {
		which := "the newest run"
		if t.runID != "" {
			which = "run " + t.runID
		}
		if err := a.confirmOr(yes, fmt.Sprintf("Delete %s of %s for good?", printable(which), printable(t.workflowID)), "repeat with --yes"); err != nil {
			return err
		}
		admin, err := client.NewAdmin(c)
		if err == nil {
			err = admin.DeleteWorkflow(ctx, client.DeleteWorkflowOptions{WorkflowID: t.workflowID, RunID: t.runID, MinAge: age})
		}
		if err != nil {
			return err
		}
		return a.confirmDone(t, "deleted", "%s is deleted.")
	})
	return cmd
}
