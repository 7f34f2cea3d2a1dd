package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/client"
)

func (a *app) workflowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "workflow", Short: "Start, look at and steer workflows", Aliases: []string{"wf"},
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(a.workflowStart(), a.workflowList(), a.workflowDescribe(), a.workflowShow(), a.workflowResult(),
		a.workflowSignal(), a.workflowQuery(), a.workflowCancel(), a.workflowTerminate(),
		a.workflowRelease(), a.workflowDelete(), a.workflowUpdateOptions())
	return cmd
}

// target names the run that a command is about.
type target struct{ workflowID, runID string }

// targeted adds the flags that name a run to a command, which may have the workflow ID as its argument too.
func (a *app) targeted(cmd *cobra.Command, t *target) {
	cmd.Use += " [WORKFLOW-ID]"
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.Flags().StringVarP(&t.workflowID, "workflow-id", "w", "", "workflow ID, as the argument")
	cmd.Flags().StringVarP(&t.runID, "run-id", "r", "", "run ID (default the newest run)")
	cmd.ValidArgsFunction = a.completeWorkflowIDs
}

// take merges flag and argument.
func (t *target) take(args []string) error {
	switch {
	case len(args) == 0 && t.workflowID == "":
		return usagef("which workflow? Give its ID as the argument or with --workflow-id; `millrace workflow list` shows them")
	case len(args) == 1 && t.workflowID != "" && t.workflowID != args[0]:
		return usagef("argument %q and --workflow-id %q name different workflows", args[0], t.workflowID)
	case len(args) == 1:
		t.workflowID = args[0]
	}
	return nil
}

// on makes a command's function of one that needs a target and a client.
func (a *app) on(t *target, do func(ctx context.Context, c client.Client) error) func(*cobra.Command, []string) error {
	return a.run(func(ctx context.Context, args []string) error {
		if err := t.take(args); err != nil {
			return err
		}
		return a.withClient(ctx, func(c client.Client) error { return do(ctx, c) })
	})
}

// completions is how many workflow IDs a shell is offered.
const completions = 100

// completeWorkflowIDs offers the newest workflow IDs to the shell.
func (a *app) completeWorkflowIDs(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	seen := map[string]bool{}
	err := a.withAdmin(cmd.Context(), func(c client.Admin) error {
		for info, err := range c.ListRuns(cmd.Context(), client.ListRunsOptions{}) {
			if err != nil {
				return err
			}
			id := info.Execution.WorkflowId
			if strings.HasPrefix(id, prefix) && !seen[id] {
				seen[id] = true
				ids = append(ids, id+"\t"+info.Type.Name)
			}
			if len(ids) == completions {
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
