package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
)

func (a *app) scheduleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "schedule", Short: "Start workflows at given times", Args: cobra.ArbitraryArgs, RunE: group,
		Long: `Start workflows at given times. A daemon has to run: "millrace daemon", or "millrace dev".`,
	}
	cmd.AddCommand(a.scheduleCreate(), a.scheduleList(), a.scheduleDescribe(), a.schedulePause(), a.scheduleUnpause(),
		a.scheduleTrigger(), a.scheduleBackfill(), a.scheduleDelete())
	return cmd
}

// scheduleFlags are the flags of `millrace schedule create`.
type scheduleFlags struct {
	options   client.ScheduleOptions
	action    client.ScheduleWorkflowAction
	name      string
	intervals []string
	overlap   string
	start     string
	end       string
	input     input
	memo      []string
}

func (a *app) scheduleCreate() *cobra.Command {
	var f scheduleFlags
	cmd := &cobra.Command{
		Use: "create ID", Short: "Create a schedule",
		Example: `  millrace schedule create nightly --cron '0 3 * * *' --time-zone Europe/Berlin --type Clean --task-queue jobs
  millrace schedule create poll --interval 15m/5m --overlap BufferOne --type Poll --task-queue jobs -i '"feeds"'`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error { return a.createSchedule(ctx, args[0], f) }),
	}
	l := cmd.Flags()
	l.StringVar(&f.name, "type", "", "workflow type: the registered name of its function")
	l.StringVarP(&f.action.TaskQueue, "task-queue", "t", "", "task queue that the workers serve")
	l.StringVarP(&f.action.ID, "workflow-id", "w", "", "beginning of the workflow IDs, which the time follows (default a new UUID)")
	f.input.flags(cmd)
	l.StringArrayVar(&f.memo, "memo", nil, "KEY=JSON, shown with the runs; may be repeated")
	l.StringArrayVar(&f.options.Spec.CronExpressions, "cron", nil, "cron expression; may be repeated")
	l.StringArrayVar(&f.intervals, "interval", nil, "`EVERY[/OFFSET]`, like 90m or 24h/6h; may be repeated")
	l.StringVar(&f.options.Spec.TimeZoneName, "time-zone", "", "IANA name of the zone of the cron expressions (default UTC)")
	l.StringVar(&f.start, "start-time", "", "no action before this `time`, like 2026-01-31T08:00:00Z")
	l.StringVar(&f.end, "end-time", "", "no action after this `time`")
	l.DurationVar(&f.options.Spec.Jitter, "jitter", 0, "postpone each action by up to this much")
	l.StringVar(&f.overlap, "overlap", "", overlapHelp)
	l.DurationVar(&f.options.CatchupWindow, "catchup-window", 0, "how late an action may be taken (default a year)")
	l.BoolVar(&f.options.PauseOnFailure, "pause-on-failure", false, "pause when a run fails or times out")
	l.IntVar(&f.options.RemainingActions, "remaining-actions", 0, "take at most this many actions (default no limit)")
	l.BoolVar(&f.options.Paused, "paused", false, "create it paused")
	l.BoolVar(&f.options.TriggerImmediately, "trigger", false, "take the action at once, too")
	l.StringVar(&f.options.Note, "note", "", "text to show with the schedule")
	required(cmd, "type", "task-queue")
	return cmd
}

const overlapHelp = "while a run is open: Skip, BufferOne, BufferAll, CancelOther, TerminateOther or AllowAll"

func (a *app) createSchedule(ctx context.Context, id string, f scheduleFlags) (err error) {
	if f.action.Args, err = f.input.arguments(a.stdin); err != nil {
		return err
	}
	if f.action.Memo, err = memo(f.memo); err != nil {
		return err
	}
	if f.options.Overlap, err = overlap(f.overlap); err != nil {
		return err
	}
	for _, text := range f.intervals {
		v, err := interval(text)
		if err != nil {
			return err
		}
		f.options.Spec.Intervals = append(f.options.Spec.Intervals, v)
	}
	if f.options.Spec.StartAt, err = timeFlag("start-time", f.start); err != nil {
		return err
	}
	if f.options.Spec.EndAt, err = timeFlag("end-time", f.end); err != nil {
		return err
	}
	f.action.Workflow = f.name
	f.options.ID, f.options.Action = id, &f.action
	return a.withClient(ctx, func(c client.Client) error {
		if _, err := c.ScheduleClient().Create(ctx, f.options); err != nil {
			return err
		}
		return a.scheduleDone(id, "created")
	})
}

func overlap(name string) (enums.ScheduleOverlapPolicy, error) {
	return named[enums.ScheduleOverlapPolicy]("overlap", name)
}

func interval(text string) (v client.ScheduleIntervalSpec, err error) {
	every, offset, has := strings.Cut(text, "/")
	if v.Every, err = time.ParseDuration(every); err == nil && has {
		v.Offset, err = time.ParseDuration(offset)
	}
	if err != nil {
		return v, usagef("--interval %q: must be a duration like 90m, or two like 24h/6h: %v", text, err)
	}
	return v, nil
}

// timeFlag reads a time; an empty text is the zero time.
func timeFlag(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, usagef("--%s %q: must be a time like 2026-01-31T08:00:00Z", name, text)
	}
	return t, nil
}

// scheduleDone says that something was done.
func (a *app) scheduleDone(id, what string) error {
	if a.flags.output != outputTable {
		return a.printJSON(struct {
			ScheduleID string `json:"scheduleId"`
			Done       string `json:"done"`
		}{id, what})
	}
	a.say("Schedule %s is %s.", printable(id), what)
	return nil
}

// onSchedule is a command for one schedule.
func (a *app) onSchedule(use, short, done string, do func(ctx context.Context, h client.ScheduleHandle) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			return a.withClient(ctx, func(c client.Client) error {
				if err := do(ctx, c.ScheduleClient().GetHandle(ctx, args[0])); err != nil || done == "" {
					return err
				}
				return a.scheduleDone(args[0], done)
			})
		}),
	}
}

func (a *app) schedulePause() *cobra.Command {
	var o client.SchedulePauseOptions
	cmd := a.onSchedule("pause", "Take no actions for a while", "paused",
		func(ctx context.Context, h client.ScheduleHandle) error { return h.Pause(ctx, o) })
	cmd.Flags().StringVar(&o.Note, "note", "", "why")
	return cmd
}

func (a *app) scheduleUnpause() *cobra.Command {
	var o client.ScheduleUnpauseOptions
	cmd := a.onSchedule("unpause", "Go on with a paused schedule", "unpaused",
		func(ctx context.Context, h client.ScheduleHandle) error { return h.Unpause(ctx, o) })
	cmd.Flags().StringVar(&o.Note, "note", "", "why")
	return cmd
}

func (a *app) scheduleTrigger() *cobra.Command {
	var policy string
	cmd := a.onSchedule("trigger", "Take the action now", "triggered", func(ctx context.Context, h client.ScheduleHandle) error {
		p, err := overlap(policy)
		if err != nil {
			return err
		}
		return h.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: p})
	})
	cmd.Flags().StringVar(&policy, "overlap", "", overlapHelp+" (default the schedule's)")
	return cmd
}

func (a *app) scheduleBackfill() *cobra.Command {
	var policy, start, end string
	cmd := a.onSchedule("backfill", "Take the actions of a time that has passed", "told to backfill",
		func(ctx context.Context, h client.ScheduleHandle) (err error) {
			var b client.ScheduleBackfill
			if b.Overlap, err = overlap(policy); err != nil {
				return err
			}
			if b.Start, err = timeFlag("start-time", start); err != nil {
				return err
			}
			if b.End, err = timeFlag("end-time", end); err != nil {
				return err
			}
			return h.Backfill(ctx, client.ScheduleBackfillOptions{Backfill: []client.ScheduleBackfill{b}})
		})
	cmd.Flags().StringVar(&start, "start-time", "", "from this `time` on, like 2026-01-31T08:00:00Z")
	cmd.Flags().StringVar(&end, "end-time", "", "up to this `time`")
	cmd.Flags().StringVar(&policy, "overlap", "", overlapHelp+" (default the schedule's)")
	required(cmd, "start-time", "end-time")
	return cmd
}

func (a *app) scheduleDelete() *cobra.Command {
	return a.onSchedule("delete", "Delete a schedule; its runs go on", "deleted",
		func(ctx context.Context, h client.ScheduleHandle) error { return h.Delete(ctx) })
}

func (a *app) scheduleList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List schedules, newest first", Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			return a.withClient(ctx, func(c client.Client) error { return a.listSchedules(ctx, c.ScheduleClient()) })
		}),
	}
}

func (a *app) listSchedules(ctx context.Context, c client.ScheduleClient) error {
	all, err := c.List(ctx, client.ScheduleListOptions{})
	if err != nil {
		return err
	}
	list := newRows(a, []string{"ID", "TYPE", "STATE", "NEXT", "LAST", "NOTE"}, func(e *client.ScheduleListEntry) []string {
		state, next, last := "active", "-", "-"
		if e.Paused {
			state = "paused"
		}
		if len(e.NextActionTimes) > 0 && !e.Paused {
			next = a.when(e.NextActionTimes[0])
		}
		if n := len(e.RecentActions); n > 0 {
			last = a.when(e.RecentActions[n-1].ActualTime)
		}
		return []string{e.ID, e.WorkflowType.Name, state, next, last, orDash(e.Note)}
	})
	for all.HasNext() {
		entry, err := all.Next()
		if err != nil {
			return err
		}
		if err := list.add(entry); err != nil {
			return err
		}
	}
	return list.end("There are no schedules.")
}

func (a *app) scheduleDescribe() *cobra.Command {
	return a.onSchedule("describe", "Show a schedule, what it has done and when it is due", "",
		func(ctx context.Context, h client.ScheduleHandle) error {
			d, err := h.Describe(ctx)
			if err != nil {
				return err
			}
			if a.flags.output != outputTable {
				return a.printJSON(d)
			}
			return a.describeSchedule(h.GetID(), d)
		})
}

func (a *app) describeSchedule(id string, d *client.ScheduleDescription) error {
	action, ok := d.Schedule.Action.(*client.ScheduleWorkflowAction)
	if !ok {
		return fmt.Errorf("describe schedule %s: unknown action %T", id, d.Schedule.Action)
	}
	state := "active"
	if d.Schedule.State.Paused {
		state = "paused"
	}
	pairs := [][]string{{"Schedule", id}, {"State", state}, {"Note", orDash(d.Schedule.State.Note)},
		{"Starts", fmt.Sprintf("%v as %s-TIME on task queue %s", action.Workflow, action.ID, action.TaskQueue)},
		{"Overlap", d.Schedule.Policy.Overlap.String()}, {"Catch-up", short(d.Schedule.Policy.CatchupWindow)},
		{"Created", a.when(d.Info.CreatedAt)}, {"Actions", fmt.Sprintf("%d taken, %d skipped, %d too late", d.Info.NumActions,
			d.Info.NumActionsSkippedOverlap, d.Info.NumActionsMissedCatchupWindow)}}
	if d.Schedule.State.LimitedActions {
		pairs = append(pairs, []string{"Remaining", number(int64(d.Schedule.State.RemainingActions))})
	}
	for _, r := range d.Info.RunningWorkflows {
		pairs = append(pairs, []string{"Running", r.WorkflowID})
	}
	for _, r := range d.Info.RecentActions {
		pairs = append(pairs, []string{"Taken", a.when(r.ActualTime) + "  " + r.StartWorkflowResult.WorkflowID})
	}
	for _, t := range d.Info.NextActionTimes {
		pairs = append(pairs, []string{"Next", a.when(t)})
	}
	w := newTable(a.stdout)
	for _, p := range pairs {
		if err := line(w, p); err != nil {
			return err
		}
	}
	return w.Flush()
}
