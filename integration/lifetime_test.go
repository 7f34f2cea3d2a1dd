package integration

import (
	"errors"
	"fmt"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

func TestWorkflowTimeouts(t *testing.T) {
	e := newEngine(t)
	e.serve(code{
		"endless": func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Hour) },
		"again": func(ctx workflow.Context) error {
			if err := workflow.Sleep(ctx, 60*time.Millisecond); err != nil {
				return err
			}
			return workflow.NewContinueAsNewError(ctx, "again")
		},
	}, nil)
	forever := &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond}
	for _, test := range []struct {
		name, workflow string
		options        client.StartWorkflowOptions
		runs           int // at least
	}{
		{"run", "endless", client.StartWorkflowOptions{WorkflowRunTimeout: 150 * time.Millisecond}, 1},
		{"execution", "endless", client.StartWorkflowOptions{WorkflowExecutionTimeout: 150 * time.Millisecond}, 1},
		{"execution with retries of runs that time out", "endless",
			client.StartWorkflowOptions{WorkflowExecutionTimeout: 400 * time.Millisecond, WorkflowRunTimeout: 100 * time.Millisecond, RetryPolicy: forever}, 2},
		{"execution with successors", "again", client.StartWorkflowOptions{WorkflowExecutionTimeout: 400 * time.Millisecond}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.options.ID = test.name
			begun := time.Now()
			run := e.executeWith(test.options, test.workflow)
			timeout := as[*millrace.TimeoutError](e, e.failure(run))
			took, least := time.Since(begun), max(test.options.WorkflowExecutionTimeout, test.options.WorkflowRunTimeout)
			if test.options.RetryPolicy != nil {
				least -= test.options.WorkflowRunTimeout // there is no further attempt when it could not begin in time
			}
			if timeout.TimeoutType() != enums.TIMEOUT_TYPE_START_TO_CLOSE || took < least || took > least+3*time.Second {
				t.Errorf("%v after %v, the time-out is %v", timeout, took, least)
			}
			e.awaitStatus(test.name, enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT)
			if n := e.chain(test.name); n < test.runs {
				t.Errorf("%d runs, want at least %d", n, test.runs)
			}
		})
	}
}

// TestARunWithoutWorkersTimesOut: nobody serves the queue until after the run's time.
func TestARunTimesOutThoughItsWorkerWasAway(t *testing.T) {
	e := newEngine(t)
	run := e.executeWith(client.StartWorkflowOptions{ID: "late", WorkflowRunTimeout: 50 * time.Millisecond}, "wf")
	select {
	case <-time.After(100 * time.Millisecond): // the time-out is over before anyone looks
	case <-e.ctx.Done():
	}
	e.serve(code{"wf": func(ctx workflow.Context) (string, error) { return "", workflow.Sleep(ctx, time.Hour) }}, nil)
	as[*millrace.TimeoutError](e, e.failure(run))
}

func TestAWorkflowIsRetried(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"wf": func(ctx workflow.Context, succeedAt int32, errType string) (string, error) {
		i := workflow.GetInfo(ctx)
		if i.Attempt == succeedAt {
			return fmt.Sprint(i.Attempt, i.FirstRunID == i.WorkflowExecution.RunID, i.ContinuedExecutionRunID != ""), nil
		}
		return "", millrace.NewApplicationError(fmt.Sprint("attempt ", i.Attempt), errType)
	}}, nil)
	policy := &millrace.RetryPolicy{InitialInterval: 20 * time.Millisecond, BackoffCoefficient: 1, MaximumAttempts: 3, NonRetryableErrorTypes: []string{"Fatal"}}
	run := e.executeWith(client.StartWorkflowOptions{ID: "third time", RetryPolicy: policy}, "wf", 3, "Any")
	if got := result[string](e, run); got != "3falsetrue" && got != "3 false true" {
		t.Errorf("got %q", got)
	}
	for _, test := range []struct {
		name, errType, want string
		runs                int
	}{{"too often", "Any", "attempt 3", 3}, {"fatal", "Fatal", "attempt 1", 1}} {
		run := e.executeWith(client.StartWorkflowOptions{ID: test.name, RetryPolicy: policy}, "wf", 99, test.errType)
		if app := as[*millrace.ApplicationError](e, e.failure(run)); app.Message() != test.want {
			t.Errorf("%s: got %v", test.name, app)
		}
		if n := e.chain(test.name); n != test.runs {
			t.Errorf("%s: %d runs, want %d", test.name, n, test.runs)
		}
	}
	first := e.client.GetWorkflow(e.ctx, "third time", run.GetRunID())
	err := first.GetWithOptions(e.ctx, nil, client.WorkflowRunGetOptions{DisableFollowingRuns: true})
	if err == nil {
		t.Error("the first attempt alone completed")
	}
}

func TestGetFollowsSuccessorsUnlessToldNotTo(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"countdown": func(ctx workflow.Context, n int) (string, error) {
		if n == 0 {
			return "lift-off", nil
		}
		return "", workflow.NewContinueAsNewError(ctx, "countdown", n-1)
	}}, nil)
	run := e.execute("countdown", "countdown", 3)
	if got := result[string](e, run); got != "lift-off" {
		t.Errorf("got %q", got)
	}
	err := e.client.GetWorkflow(e.ctx, "countdown", run.GetRunID()).GetWithOptions(e.ctx, nil, client.WorkflowRunGetOptions{DisableFollowingRuns: true})
	var next *client.ContinuedAsNewError
	if !errors.As(err, &next) || next.NewRunID == run.GetRunID() || next.NewRunID == "" {
		t.Fatalf("the first run alone gives %v", err)
	}
	if n := e.chain("countdown"); n != 4 {
		t.Errorf("%d runs, want 4", n)
	}
	newest := e.client.GetWorkflow(e.ctx, "countdown", "")
	if got := result[string](e, newest); got != "lift-off" || newest.GetRunID() == run.GetRunID() || newest.GetRunID() == "" {
		t.Errorf("the newest run is %s and gives %q", newest.GetRunID(), got)
	}
}
