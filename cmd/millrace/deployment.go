package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
)

func (a *app) deploymentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "deployment", Short: "Say which version of the workers decides for runs", Args: cobra.ArbitraryArgs, RunE: group,
		Long: `Say which version of the workers decides for runs. A deployment, and each version of it, exists as soon as a worker of it
has started.`,
	}
	cmd.AddCommand(a.deploymentList(), a.deploymentDescribe(), a.deploymentDescribeVersion(), a.deploymentSetCurrent(),
		a.deploymentSetRamping(), a.deploymentSetManager(), a.deploymentDeleteVersion(), a.deploymentDelete())
	return cmd
}

// onDeployment is a command with the name of a deployment as its argument.
func (a *app) onDeployment(use, short string, do func(ctx context.Context, h client.WorkerDeploymentHandle) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " NAME", Short: short, Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			return a.withClient(ctx, func(c client.Client) error {
				return do(ctx, c.WorkerDeploymentClient().GetHandle(args[0]))
			})
		}),
	}
}

// deploymentDone confirms a change.
func (a *app) deploymentDone(done string) error {
	if a.flags.output != outputTable {
		return a.printJSON(struct {
			Done string `json:"done"`
		}{done})
	}
	a.say("%s.", done)
	return nil
}

func (a *app) deploymentList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List deployments", Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			return a.withClient(ctx, func(c client.Client) error { return a.listDeployments(ctx, c.WorkerDeploymentClient()) })
		}),
	}
}

func (a *app) listDeployments(ctx context.Context, c client.WorkerDeploymentClient) error {
	all, err := c.List(ctx, client.WorkerDeploymentListOptions{})
	if err != nil {
		return err
	}
	list := newRows(a, []string{"NAME", "CURRENT", "RAMPING", "CREATED"}, func(e *client.WorkerDeploymentListEntry) []string {
		return []string{e.Name, buildText(e.RoutingConfig.CurrentVersion), rampText(e.RoutingConfig), a.when(e.CreateTime)}
	})
	for all.HasNext() {
		entry, err := all.Next()
		if err == nil {
			err = list.add(entry)
		}
		if err != nil {
			return err
		}
	}
	return list.end("There are no deployments.")
}

func buildText(v *worker.WorkerDeploymentVersion) string {
	if v == nil {
		return "-"
	}
	return v.BuildID
}

func rampText(r client.WorkerDeploymentRoutingConfig) string {
	if r.RampingVersion == nil {
		return "-"
	}
	return fmt.Sprintf("%s (%s%%)", r.RampingVersion.BuildID, percentText(r.RampingVersionPercentage))
}

func percentText(p float32) string { return strconv.FormatFloat(float64(p), 'f', -1, 32) }

func (a *app) deploymentDescribe() *cobra.Command {
	return a.onDeployment("describe", "Show where new runs go, and the versions", func(ctx context.Context, h client.WorkerDeploymentHandle) error {
		d, err := h.Describe(ctx, client.WorkerDeploymentDescribeOptions{})
		if err != nil {
			return err
		}
		if a.flags.output != outputTable {
			return a.printJSON(d.Info)
		}
		w := newTable(a.stdout)
		for _, pair := range [][]string{{"Name", d.Info.Name}, {"Current", buildText(d.Info.RoutingConfig.CurrentVersion)},
			{"Ramping", rampText(d.Info.RoutingConfig)}, {"Manager", orDash(d.Info.ManagerIdentity)},
			{"Changed by", orDash(d.Info.LastModifierIdentity)}, {"", ""}, {"BUILD", "STATE", "CREATED"}} {
			if err := line(w, pair); err != nil {
				return err
			}
		}
		for _, v := range d.Info.VersionSummaries {
			state := orDash(strings.ToLower(v.DrainageStatus.String()))
			switch v.Version.BuildID {
			case buildText(d.Info.RoutingConfig.CurrentVersion):
				state = "current"
			case buildText(d.Info.RoutingConfig.RampingVersion):
				state = "ramping"
			}
			if err := line(w, []string{v.Version.BuildID, state, a.when(v.CreateTime)}); err != nil {
				return err
			}
		}
		return w.Flush()
	})
}

func (a *app) deploymentDescribeVersion() *cobra.Command {
	var build string
	cmd := a.onDeployment("describe-version", "Show what a version serves, and whether runs are pinned to it",
		func(ctx context.Context, h client.WorkerDeploymentHandle) error {
			d, err := h.DescribeVersion(ctx, client.WorkerDeploymentDescribeVersionOptions{BuildID: build})
			if err != nil {
				return err
			}
			if a.flags.output != outputTable {
				return a.printJSON(d.Info)
			}
			w := newTable(a.stdout)
			pairs := [][]string{{"Deployment", d.Info.Version.DeploymentName}, {"Build", d.Info.Version.BuildID},
				{"Created", a.when(d.Info.CreateTime)}, {"Current since", a.when(d.Info.CurrentSinceTime)}, {"Ramping since", a.when(d.Info.RampingSinceTime)}}
			if !d.Info.RampingSinceTime.IsZero() {
				pairs = append(pairs, []string{"Percentage", percentText(d.Info.RampPercentage)})
			}
			if drainage := d.Info.DrainageInfo; drainage != nil {
				pairs = append(pairs, []string{"Drainage", strings.ToLower(drainage.DrainageStatus.String())})
			}
			for _, q := range d.Info.TaskQueuesInfos {
				pairs = append(pairs, []string{"Task queue", q.Name + " (" + strings.ToLower(q.Type.String()) + ")"})
			}
			for _, pair := range pairs {
				if err := line(w, pair); err != nil {
					return err
				}
			}
			return w.Flush()
		})
	buildFlag(cmd, &build)
	return cmd
}

// buildFlag names the version, which must be given.
func buildFlag(cmd *cobra.Command, build *string) {
	cmd.Flags().StringVar(build, "build-id", "", "build ID of the version")
	required(cmd, "build-id")
}

func (a *app) deploymentSetCurrent() *cobra.Command {
	var o client.WorkerDeploymentSetCurrentVersionOptions
	cmd := a.onDeployment("set-current-version", "Let new runs go to a version", func(ctx context.Context, h client.WorkerDeploymentHandle) error {
		if _, err := h.SetCurrentVersion(ctx, o); err != nil {
			return err
		}
		if o.BuildID == "" {
			return a.deploymentDone("New runs go to workers without versions")
		}
		return a.deploymentDone("New runs go to build " + printable(o.BuildID))
	})
	l := cmd.Flags()
	l.StringVar(&o.BuildID, "build-id", "", "build ID of the version (default workers without versions)")
	l.BoolVar(&o.IgnoreMissingTaskQueues, "ignore-missing-task-queues", false, "although it does not serve all task queues of the present one")
	l.BoolVar(&o.AllowNoPollers, "allow-no-pollers", false, "although no worker of it was ever seen")
	return cmd
}

func (a *app) deploymentSetRamping() *cobra.Command {
	var o client.WorkerDeploymentSetRampingVersionOptions
	cmd := a.onDeployment("set-ramping-version", "Let a part of the runs go to a version", func(ctx context.Context, h client.WorkerDeploymentHandle) error {
		if _, err := h.SetRampingVersion(ctx, o); err != nil {
			return err
		}
		if o.BuildID == "" {
			return a.deploymentDone("There is no ramp")
		}
		return a.deploymentDone(percentText(o.Percentage) + "% of the runs go to build " + printable(o.BuildID))
	})
	l := cmd.Flags()
	l.StringVar(&o.BuildID, "build-id", "", "build ID of the version (default none: the ramp ends)")
	l.Float32Var(&o.Percentage, "percentage", 0, "how many of the runs, from 0 to 100")
	l.BoolVar(&o.IgnoreMissingTaskQueues, "ignore-missing-task-queues", false, "although it does not serve all task queues of the current one")
	l.BoolVar(&o.AllowNoPollers, "allow-no-pollers", false, "although no worker of it was ever seen")
	return cmd
}

func (a *app) deploymentSetManager() *cobra.Command {
	var o client.WorkerDeploymentSetManagerIdentityOptions
	cmd := a.onDeployment("set-manager", "Say who alone may change the deployment", func(ctx context.Context, h client.WorkerDeploymentHandle) error {
		if _, err := h.SetManagerIdentity(ctx, o); err != nil {
			return err
		}
		if o.ManagerIdentity == "" {
			return a.deploymentDone("Anyone may change the deployment")
		}
		return a.deploymentDone("The deployment is managed by " + printable(o.ManagerIdentity))
	})
	cmd.Flags().StringVar(&o.ManagerIdentity, "manager", "", "identity of the manager (default anyone)")
	return cmd
}

func (a *app) deploymentDeleteVersion() *cobra.Command {
	var o client.WorkerDeploymentDeleteVersionOptions
	cmd := a.onDeployment("delete-version", "Delete a version that nobody needs any more", func(ctx context.Context, h client.WorkerDeploymentHandle) error {
		if _, err := h.DeleteVersion(ctx, o); err != nil {
			return err
		}
		return a.deploymentDone("Build " + printable(o.BuildID) + " is deleted")
	})
	buildFlag(cmd, &o.BuildID)
	cmd.Flags().BoolVar(&o.SkipDrainage, "skip-drainage", false, "although open runs are pinned to it")
	return cmd
}

func (a *app) deploymentDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Delete a deployment without versions", Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			return a.withClient(ctx, func(c client.Client) error {
				_, err := c.WorkerDeploymentClient().Delete(ctx, client.WorkerDeploymentDeleteOptions{Name: args[0]})
				if err != nil {
					return err
				}
				return a.deploymentDone("Deployment " + printable(args[0]) + " is deleted")
			})
		}),
	}
}

func (a *app) workflowUpdateOptions() *cobra.Command {
	var t target
	var behavior, deployment, build string
	cmd := &cobra.Command{
		Use: "update-options", Short: "Say which version of the workers decides for a run",
		Example: `  millrace workflow update-options order-7 --versioning-override pinned --deployment shop --build-id 42
  millrace workflow update-options order-7 --versioning-override none`,
	}
	a.targeted(cmd, &t)
	l := cmd.Flags()
	l.StringVar(&behavior, "versioning-override", "", "pinned, auto-upgrade or none")
	l.StringVar(&deployment, "deployment", "", "deployment of the version, for pinned")
	l.StringVar(&build, "build-id", "", "build ID of the version, for pinned")
	required(cmd, "versioning-override")
	cmd.RunE = a.on(&t, func(ctx context.Context, c client.Client) error {
		change := &client.VersioningOverrideChange{}
		switch strings.ToLower(behavior) {
		case "pinned":
			change.Value = &client.PinnedVersioningOverride{Version: worker.WorkerDeploymentVersion{DeploymentName: deployment, BuildID: build}}
		case "auto-upgrade":
			change.Value = &client.AutoUpgradeVersioningOverride{}
		case "none":
		default:
			return usagef("--versioning-override is %q: must be pinned, auto-upgrade or none", behavior)
		}
		_, err := c.UpdateWorkflowExecutionOptions(ctx, client.UpdateWorkflowExecutionOptionsRequest{WorkflowId: t.workflowID, RunId: t.runID,
			WorkflowExecutionOptionsChanges: client.WorkflowExecutionOptionsChanges{VersioningOverride: change}})
		if err != nil {
			return err
		}
		return a.confirmDone(t, "updated", "The options of %s are changed.")
	})
	return cmd
}
