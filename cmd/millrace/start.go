package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
)

// startFlags are the flags of `millrace workflow start`.
type startFlags struct {
	workflowType    string
	options         client.StartWorkflowOptions
	reuse, conflict string
	input           input
	memo            []string
}

// started is the answer to a start.
type started struct {
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId"`
	Type       string `json:"type"`
	Namespace  string `json:"namespace"`
}

func (a *app) workflowStart() *cobra.Command {
	var f startFlags
	cmd := &cobra.Command{
		Use: "start", Short: "Start a workflow",
		Example: `  millrace workflow start --type Order --task-queue orders -w order-7 -i '{"id": 7}'`,
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return a.start(ctx, f) }),
	}
	l := cmd.Flags()
	l.StringVar(&f.workflowType, "type", "", "workflow type: the registered name of its function")
	l.StringVarP(&f.options.TaskQueue, "task-queue", "t", "", "task queue that the workers serve")
	l.StringVarP(&f.options.ID, "workflow-id", "w", "", "workflow ID (default a new UUID)")
	f.input.flags(cmd)
	l.StringVar(&f.reuse, "id-reuse-policy", "", "when a closed run has the ID: AllowDuplicate, AllowDuplicateFailedOnly, RejectDuplicate or TerminateIfRunning")
	l.StringVar(&f.conflict, "id-conflict-policy", "", "when an open run has the ID: Fail, UseExisting or TerminateExisting")
	l.DurationVar(&f.options.WorkflowExecutionTimeout, "execution-timeout", 0, "bound for the run with its retries and successors")
	l.DurationVar(&f.options.WorkflowRunTimeout, "run-timeout", 0, "bound for the run")
	l.DurationVar(&f.options.StartDelay, "start-delay", 0, "wait before the first step")
	l.StringArrayVar(&f.memo, "memo", nil, "KEY=JSON, shown with the run; may be repeated")
	l.StringVar(&f.options.StaticSummary, "static-summary", "", "one line to show with the run")
	l.StringVar(&f.options.StaticDetails, "static-details", "", "text to show with the run")
	required(cmd, "type", "task-queue")
	return cmd
}

// required marks flags that must be there. The names are ours, so an error is a mistake of ours.
func required(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
}

func (a *app) start(ctx context.Context, f startFlags) error {
	args, err := f.input.arguments(a.stdin)
	if err != nil {
		return err
	}
	if f.options.WorkflowIDReusePolicy, err = named[enums.WorkflowIdReusePolicy]("id-reuse-policy", f.reuse); err != nil {
		return err
	}
	if f.options.WorkflowIDConflictPolicy, err = named[enums.WorkflowIdConflictPolicy]("id-conflict-policy", f.conflict); err != nil {
		return err
	}
	if f.options.Memo, err = memo(f.memo); err != nil {
		return err
	}
	f.options.WorkflowExecutionErrorWhenAlreadyStarted = true
	return a.withClient(ctx, func(c client.Client) error {
		run, err := c.ExecuteWorkflow(ctx, f.options, f.workflowType, args...)
		if err != nil {
			return err
		}
		o, err := a.options()
		if err != nil {
			return err
		}
		s := started{run.GetID(), run.GetRunID(), f.workflowType, o.Namespace}
		if a.flags.output != outputTable {
			return a.printJSON(s)
		}
		a.say("Started %s\n  workflow ID  %s\n  run ID       %s\n", printable(s.Type), printable(s.WorkflowID), s.RunID)
		a.say("Follow it with: millrace workflow show %s --follow", shellWord(s.WorkflowID))
		return nil
	})
}

// named is the value of an enumeration that a flag names, the zero value for an empty flag.
func named[T any](flag, name string) (T, error) {
	var v T
	if name == "" {
		return v, nil
	}
	text, err := json.Marshal(name)
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		return v, usagef("--%s: %w", flag, err)
	}
	return v, nil
}
