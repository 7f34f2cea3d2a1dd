package client_test

import (
	"context"
	"fmt"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// Report is run on the mornings of working days.
func Report(_ workflow.Context, audience string) (string, error) {
	return "report for " + audience, nil
}

// A schedule starts a workflow at given times, and whenever it is triggered.
func ExampleScheduleClient() {
	ctx := context.Background()
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Stop() }()
	c := server.Client()
	w := worker.New(c, "reports", worker.Options{})
	w.RegisterWorkflow(Report)
	if err := w.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer w.Stop()

	handle, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: "morning-report",
		Spec: client.ScheduleSpec{
			TimeZoneName: "Europe/Berlin",
			Calendars: []client.ScheduleCalendarSpec{{
				Hour:      []client.ScheduleRange{{Start: 7}},
				Minute:    []client.ScheduleRange{{Start: 30}},
				DayOfWeek: []client.ScheduleRange{{Start: 1, End: 5}},
			}},
		},
		Action: &client.ScheduleWorkflowAction{ID: "report", Workflow: Report, Args: []interface{}{"everybody"}, TaskQueue: "reports"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := handle.Trigger(ctx, client.ScheduleTriggerOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	for {
		d, err := handle.Describe(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		if len(d.Info.RecentActions) == 0 {
			continue // the run is about to be started
		}
		run := d.Info.RecentActions[0].StartWorkflowResult
		var text string
		err = c.GetWorkflow(ctx, run.WorkflowID, run.FirstExecutionRunID).Get(ctx, &text)
		fmt.Println(text, err)
		break
	}
	fmt.Println(handle.Delete(ctx))
	// Output:
	// report for everybody <nil>
	// <nil>
}
