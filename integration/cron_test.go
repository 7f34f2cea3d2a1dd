package integration

import (
	"errors"
	"testing"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

func TestCronScheduleCarriesTheLastResultAndError(t *testing.T) {
	e := newEngine(t)
	type seen struct {
		Count  int
		Failed bool
	}
	count := func(ctx workflow.Context) (int, error) {
		n := 0
		if workflow.HasLastCompletionResult(ctx) {
			if err := workflow.GetLastCompletionResult(ctx, &n); err != nil {
				return 0, err
			}
		}
		failed := workflow.GetLastError(ctx) != nil
		if n == 1 && !failed {
			return 0, errors.New("the second one fails")
		}
		if n == 2 {
			return 0, millrace.NewCanceledError(seen{n, failed}) // as if it had been asked to
		}
		return n + 1, nil
	}
	e.serve(code{"Count": count}, nil)
	run := e.executeWith(client.StartWorkflowOptions{ID: "cron", CronSchedule: "@every 1s"}, "Count")
	if run.GetFirstExecutionRunID() != run.GetRunID() {
		t.Errorf("first run %q of run %q", run.GetFirstExecutionRunID(), run.GetRunID())
	}
	err := e.failure(run)
	var last seen
	if err := as[*millrace.CanceledError](e, err).Details(&last); err != nil || last != (seen{2, false}) {
		t.Errorf("the last run saw %+v, %v", last, err)
	}
	if n := e.chain("cron"); n != 4 {
		t.Errorf("%d runs", n)
	}
	for _, bad := range []client.StartWorkflowOptions{{CronSchedule: "now and then"}, {CronSchedule: "@hourly", StartDelay: 1}} {
		bad.TaskQueue = queue
		_, err := e.client.ExecuteWorkflow(e.ctx, bad, "Count")
		as[*serviceerror.InvalidArgument](e, err)
	}
}

func TestACronRunThatHasNotBegunCanBeTerminated(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"Never": func(workflow.Context) error { t.Error("it ran"); return nil }}, nil)
	run := e.executeWith(client.StartWorkflowOptions{ID: "cron", CronSchedule: "0 0 1 1 *"}, "Never")
	err := e.client.TerminateWorkflowWithOptions(e.ctx, client.TerminateWorkflowOptions{WorkflowID: "cron", FirstExecutionRunID: "other"})
	as[*serviceerror.NotFound](e, err)
	err = e.client.TerminateWorkflowWithOptions(e.ctx, client.TerminateWorkflowOptions{WorkflowID: "cron", FirstExecutionRunID: run.GetRunID(), Reason: "enough"})
	if err != nil {
		t.Fatal(err)
	}
	e.failure(run)
	e.awaitStatus("cron", enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
}
