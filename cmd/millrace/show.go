package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/api/enums"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/client"
)

// showFlags are the flags of `millrace workflow show`.
type showFlags struct {
	follow bool
	full   bool
}

func (a *app) workflowShow() *cobra.Command {
	var t target
	var f showFlags
	cmd := &cobra.Command{
		Use: "show", Short: "Show what happened in a run",
		Long: `Shows the events of a run, with times, attempts, inputs and results. With --follow it goes on until the run, and those
that take over from it, have closed, and ends with code 1 when the workflow did not complete.

With -o json it writes a file that the replayer reads: millrace workflow show ID -o json > history.json`,
	}
	a.targeted(cmd, &t)
	cmd.Flags().BoolVarP(&f.follow, "follow", "f", false, "go on until the run has closed")
	cmd.Flags().BoolVar(&f.full, "full", false, "do not shorten inputs, results and failures")
	cmd.RunE = a.on(&t, func(ctx context.Context, c client.Client) error { return a.show(ctx, c, t, f) })
	return cmd
}

// show prints the run's events, and with follow those of the runs that take over.
func (a *app) show(ctx context.Context, c client.Client, t target, f showFlags) error {
	for {
		last, err := a.showRun(ctx, c, t, f)
		if err != nil || !f.follow {
			return err
		}
		next := successor(last)
		if next == "" {
			if last.GetEventType() != enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED {
				return outcomeError{}
			}
			return nil
		}
		a.tell("\nThe run goes on as %s.\n", next)
		t.runID = next
	}
}

// successor is the run that takes over after a closing event, empty for none.
func successor(e *apihistory.HistoryEvent) string {
	if a, ok := e.GetAttributes().(interface{ GetNewExecutionRunId() string }); ok {
		return a.GetNewExecutionRunId()
	}
	return ""
}

// showRun prints the events of one run and returns the last.
func (a *app) showRun(ctx context.Context, c client.Client, t target, f showFlags) (*apihistory.HistoryEvent, error) {
	events := c.GetWorkflowHistory(ctx, t.workflowID, t.runID, f.follow, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var all apihistory.History
	var last *apihistory.HistoryEvent
	teller := newTeller(a, f.full)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, err
		}
		last = e
		switch a.flags.output {
		case outputJSON:
			all.Events = append(all.Events, e)
		case outputJSONL:
			err = a.printJSON(e)
		default:
			err = teller.tell(e)
		}
		if err != nil {
			return nil, err
		}
	}
	if a.flags.output == outputJSON {
		return last, a.printJSON(all)
	}
	return last, nil
}

// teller prints events for people.
type teller struct {
	app   *app
	full  bool
	begin time.Time
	// what names activities, children, timers and calls by the event that began them.
	what map[int64]string
}

func newTeller(a *app, full bool) *teller {
	return &teller{app: a, full: full, what: map[int64]string{}}
}

// lineWidth is how much of inputs, results and failures a line shows.
const lineWidth = 200

func (t *teller) tell(e *apihistory.HistoryEvent) error {
	if a := e.GetWorkflowExecutionStartedEventAttributes(); a != nil {
		t.begin = e.EventTime
		t.app.say("%s %s\n  run         %s\n  task queue  %s\n  started     %s\n", printable(a.WorkflowType.GetName()), printable(a.WorkflowId),
			a.OriginalExecutionRunId, printable(a.TaskQueue), e.EventTime.Local().Format(time.RFC3339))
	}
	at := e.EventTime.UTC().Format("2006-01-02T15:04:05.000Z")
	if t.app.relativeTimes() {
		at = fmt.Sprintf("%10s", "+"+short(e.EventTime.Sub(t.begin)))
	}
	width := lineWidth
	if t.full {
		width = 0
	}
	name := fmt.Sprintf("%-28s", e.EventType)
	_, err := fmt.Fprintf(t.app.stdout, "%4d  %s  %s  %s\n", e.EventId, at, t.app.colored(e, name), shorten(printable(t.detail(e)), width))
	return err
}

// colored marks ends by their colour, on a terminal that has some.
func (a *app) colored(e *apihistory.HistoryEvent, text string) string {
	noColor, _ := a.env.LookupEnv("NO_COLOR")
	if terminal, _ := a.env.LookupEnv("TERM"); noColor != "" || terminal == "dumb" || !isTerminal(a.stdout) {
		return text
	}
	code := ""
	switch e.EventType {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
		code = "32"
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, enums.EVENT_TYPE_ACTIVITY_TASK_FAILED,
		enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED,
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT, enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:
		code = "31"
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
		enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED, enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED:
		code = "33"
	default:
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
