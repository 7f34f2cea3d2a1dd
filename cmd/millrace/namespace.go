package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/streams"
)

func (a *app) namespaceCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "namespace", Short: "Create, list and describe namespaces", Args: cobra.ArbitraryArgs, RunE: group}
	cmd.AddCommand(a.namespaceCreate(), a.namespaceList(), a.namespaceDescribe(), a.namespaceStatus(), a.namespaceProfile())
	return cmd
}

func (a *app) namespaceCreate() *cobra.Command {
	var o streams.CreateOptions
	var f syncFlags
	var dryRun, yes bool
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create a namespace, or complete one",
		Long: `Compares what the server has with what the namespace needs, shows the difference and, once you agree, creates what
is missing. Nothing that exists is ever changed or deleted; where it differs, the command says how and stops. So it does
where the servers cannot give the durability profile: durable needs sync_interval: always, replicated also three replicas.`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			return a.withConnection(func(nc *nats.Conn, _ client.Options) error {
				var err error
				if o.Sync, err = f.find(ctx, nc); err != nil {
					return err
				}
				plan, err := streams.PlanNamespace(ctx, nc, args[0], o)
				if err != nil {
					return err
				}
				return a.applyNamespace(ctx, plan, dryRun, yes)
			})
		}),
	}
	cmd.Flags().IntVar(&o.Partitions, "partitions", 0, "number of partitions, fixed for ever (default 1)")
	cmd.Flags().IntVar(&o.Replicas, "replicas", 0, "servers that store each stream (default 3 on a cluster of three, else 1)")
	cmd.Flags().BoolVar(&o.GroupCommit, "group-commit", false,
		"let writes of many runs share a flush to disk: for one server with sync_interval: always")
	cmd.Flags().StringVar(&o.Profile, "profile", "", "what an acknowledged write is to survive: development, durable or replicated (default development)")
	f.add(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be created, and stop")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// change is a line of a plan in JSON.
type change struct {
	Object      string               `json:"object"`
	Action      string               `json:"action"`
	Detail      string               `json:"detail,omitempty"`
	Differences []streams.Difference `json:"differences,omitempty"`
}

func (a *app) applyNamespace(ctx context.Context, plan *streams.Plan, dryRun, yes bool) error {
	if len(plan.Changes) == 0 {
		a.tell("Namespace %s is complete: %d partitions. There is nothing to do.", plan.Namespace, plan.Partitions)
		return nil
	}
	list := newRows(a, []string{"ACTION", "OBJECT", "DETAIL"}, func(c change) []string {
		detail := c.Detail
		for _, d := range c.Differences {
			detail += fmt.Sprintf("%s is %s instead of %s; ", d.Field, d.Theirs, d.Ours)
		}
		return []string{c.Action, c.Object, strings.TrimSuffix(detail, "; ")}
	})
	for _, c := range plan.Changes {
		action := "create"
		if !c.Create {
			action = "conflict"
		}
		if err := list.add(change{c.Object, action, c.Detail, c.Differences}); err != nil {
			return err
		}
	}
	if err := list.end(""); err != nil {
		return err
	}
	switch {
	case len(plan.Conflicts()) > 0 && dryRun:
		return errors.New("what exists differs: nothing can be created before that is settled")
	case dryRun:
		return nil
	case len(plan.Conflicts()) == 0:
		if err := a.confirm(yes, fmt.Sprintf("Create these %d objects?", len(plan.Changes))); err != nil {
			return err
		}
	}
	if err := plan.Apply(ctx); err != nil {
		return err
	}
	a.tell("Namespace %s is created with the %s profile: an acknowledged write survives %s.", plan.Namespace,
		plan.Durability.Profile, plan.Durability.Survives())
	return nil
}

// tell says something to people who read tables; for programs the data is all there is.
func (a *app) tell(format string, args ...any) {
	if a.flags.output == outputTable {
		a.say(format, args...)
	}
}

// confirm asks, on a terminal; elsewhere it wants --yes.
func (a *app) confirm(yes bool, question string) error {
	return a.confirmOr(yes, question, "repeat with --yes, or look first with --dry-run")
}

// confirmOr is confirm where something else can be done.
func (a *app) confirmOr(yes bool, question, instead string) error {
	if yes {
		return nil
	}
	if !isTerminal(a.stdin) {
		return usagef("nobody can be asked here: %s", instead)
	}
	fmt.Fprintf(a.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read answer: %w", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

type namespaceLine struct {
	Name       string    `json:"name"`
	Partitions int       `json:"partitions"`
	Created    time.Time `json:"created"`
	Profile    string    `json:"profile"`
}

func (a *app) namespaceList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List namespaces", Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			return a.withConnection(func(nc *nats.Conn, _ client.Options) error {
				infos, err := streams.Namespaces(ctx, nc)
				if err != nil {
					return err
				}
				list := newRows(a, []string{"NAME", "PARTITIONS", "PROFILE", "CREATED"}, func(n namespaceLine) []string {
					return []string{n.Name, fmt.Sprint(n.Partitions), n.Profile, a.when(n.Created)}
				})
				for _, i := range infos {
					if err := list.add(namespaceLine(i)); err != nil {
						return err
					}
				}
				return list.end("There is no namespace yet. Create one with: millrace namespace create default")
			})
		}),
	}
}
