package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func TestQueriesOfOpenAndClosedRuns(t *testing.T) {
	e := newEngine(t)
	asked := code{
		"conversation": conversation,
		"fails": func(ctx workflow.Context) error {
			return errors.Join(workflow.SetQueryHandler(ctx, "why", func() (string, error) { return "because", nil }), errors.New("no"))
		},
		"handlers": func(ctx workflow.Context) error {
			for name, handler := range map[string]any{
				"sum":    func(a, b int) (int, error) { return a + b, nil },
				"error":  func() (int, error) { return 0, errors.New("the handler's own") },
				"panics": func() (int, error) { panic("in a handler") },
				"acts":   func() (int, error) { return 0, workflow.Sleep(ctx, time.Hour) },
			} {
				if err := workflow.SetQueryHandler(ctx, name, handler); err != nil {
					return err
				}
			}
			return workflow.Sleep(ctx, time.Hour)
		},
	}
	first := e.serve(asked, nil)
	talk := e.execute("talk", "conversation", 1)
	e.signal("talk", "say", "x")
	result[string](e, talk)
	e.failure(e.execute("fails", "fails"))
	e.execute("open", "handlers")
	first.Stop()
	e.serve(asked, nil) // which has none of them live

	query := func(id, name string, args ...any) (string, error) {
		v, err := e.client.QueryWorkflow(e.ctx, id, "", name, args...)
		if err != nil {
			return "", err
		}
		var got any
		err = v.Get(&got)
		return fmt.Sprint(got), err
	}
	for _, test := range []struct {
		id, name, want string
		args           []any
	}{{"talk", "heard", "[x]", nil}, {"fails", "why", "because", nil}, {"open", "sum", "5", []any{2, 3}}} {
		if got, err := query(test.id, test.name, test.args...); err != nil || got != test.want {
			t.Errorf("query %s of %s: %q, %v; want %q", test.name, test.id, got, err, test.want)
		}
	}
	for name, want := range map[string]string{"nothing": "unknown query type", "error": "the handler's own", "panics": "in a handler", "acts": ""} {
		_, err := query("open", name)
		if failed := as[*serviceerror.QueryFailed](e, err); !strings.Contains(failed.Error(), want) {
			t.Errorf("query %s: %v", name, failed)
		}
	}
	if got, err := query("open", "sum", 1, 1); err != nil || got != "2" {
		t.Errorf("after handlers that went wrong: %q, %v", got, err)
	}
	if _, err := query("nobody", "sum"); err == nil {
		t.Error("a run that does not exist answers")
	} else {
		as[*serviceerror.NotFound](e, err)
	}
	for _, test := range []struct {
		id        string
		condition enums.QueryRejectCondition
		rejected  enums.WorkflowExecutionStatus
	}{
		{"open", enums.QUERY_REJECT_CONDITION_NOT_OPEN, 0},
		{"talk", enums.QUERY_REJECT_CONDITION_NONE, 0},
		{"talk", enums.QUERY_REJECT_CONDITION_NOT_OPEN, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED},
		{"talk", enums.QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY, 0},
		{"fails", enums.QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY, enums.WORKFLOW_EXECUTION_STATUS_FAILED},
	} {
		r, err := e.client.QueryWorkflowWithOptions(e.ctx, &client.QueryWorkflowWithOptionsRequest{WorkflowID: test.id,
			QueryType: client.QueryTypeStackTrace, QueryRejectCondition: test.condition})
		if err != nil {
			t.Errorf("%s, %v: %v", test.id, test.condition, err)
		} else if got := r.QueryRejected; (got == nil) != (test.rejected == 0) || got != nil && got.Status != test.rejected {
			t.Errorf("%s, %v: rejected %+v, want %v", test.id, test.condition, got, test.rejected)
		}
	}
}

// TestAQueryWaitsForTheFirstStep asks a run at once that has not begun yet.
func TestAQueryWaitsForTheFirstStep(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"conversation": conversation}, nil)
	e.executeWith(client.StartWorkflowOptions{ID: "fresh", StartDelay: 200 * time.Millisecond}, "conversation", 1)
	var heard []string
	v, err := e.client.QueryWorkflow(e.ctx, "fresh", "", "heard")
	if err == nil {
		err = v.Get(&heard)
	}
	if err != nil || len(heard) > 0 {
		t.Errorf("got %v, %v", heard, err)
	}
}

func TestAQueryThatNobodyServes(t *testing.T) {
	e := newEngine(t)
	e.execute("unserved", "wf")
	_, err := e.client.QueryWorkflow(e.ctx, "unserved", "", "any")
	as[*serviceerror.Unavailable](e, err)
}

// TestDescribeTellsWhatARunWaitsFor: an activity between attempts, one in the queue, a child and a timer.
func TestDescribeTellsWhatARunWaitsFor(t *testing.T) {
	e := newEngine(t)
	failed := make(chan struct{}, 1)
	e.serveWith(worker.Options{Identity: "the worker"}, code{"conversation": conversation, "parent": func(ctx workflow.Context) error {
		trying := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{ActivityID: "trying", StartToCloseTimeout: time.Minute,
			RetryPolicy: &millrace.RetryPolicy{InitialInterval: time.Hour}})
		queued := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{ActivityID: "queued", TaskQueue: "nobody", StartToCloseTimeout: time.Minute})
		workflow.ExecuteActivity(trying, "fails")
		workflow.ExecuteActivity(queued, "other")
		workflow.ExecuteChildWorkflow(childOptions(ctx, "the child"), "conversation", 1)
		return workflow.Sleep(ctx, time.Hour)
	}}, code{"fails": func(ctx context.Context) error {
		activity.RecordHeartbeat(ctx, "half")
		failed <- struct{}{}
		return errors.New("not now")
	}})
	o := client.StartWorkflowOptions{ID: "parent", StaticSummary: "a summary", StaticDetails: "some details", Memo: map[string]any{"color": "blue"}}
	run := e.executeWith(o, "parent")
	receive(e, failed, "the failure")
	d := e.await("parent", "its state", func(d *client.WorkflowExecutionDescription) bool {
		return len(d.PendingActivities) == 2 && d.PendingActivities[0].LastFailure != nil && len(d.PendingChildren) == 1 && d.PendingChildren[0].RunID != ""
	})
	a := d.PendingActivities[0]
	if a.ActivityID != "trying" || a.ActivityType.Name != "fails" || a.TaskQueue != queue || a.Attempt != 1 || a.LastWorker != "the worker" ||
		a.LastFailure.Message != "not now" || a.HeartbeatDetails == nil || a.LastHeartbeat == nil || a.LastStarted == nil || a.Scheduled.IsZero() {
		t.Errorf("the activity that is retried is %+v", a)
	}
	if a := d.PendingActivities[1]; a.ActivityID != "queued" || a.TaskQueue != "nobody" || a.State != enums.PENDING_ACTIVITY_STATE_SCHEDULED || a.Attempt != 0 {
		t.Errorf("the activity in the queue is %+v", a)
	}
	if c := d.PendingChildren[0]; c.WorkflowID != "the child" || c.WorkflowType.Name != "conversation" {
		t.Errorf("the child is %+v", c)
	}
	if len(d.PendingTimers) != 1 || time.Until(d.PendingTimers[0].Due) < 59*time.Minute {
		t.Errorf("the timers are %+v", d.PendingTimers)
	}
	if d.WorkflowExecution.RunID != run.GetRunID() || d.Status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING || d.StaticSummary != o.StaticSummary ||
		d.StaticDetails != o.StaticDetails || d.TaskQueueName != queue || d.WorkflowType.Name != "parent" || d.Attempt != 1 || d.FirstRunID != run.GetRunID() {
		t.Errorf("described %+v", d)
	}
	var color string
	summary, err := d.GetStaticSummary()
	if err := errors.Join(err, d.GetMemoValue("color", &color)); err != nil || color != "blue" || summary != o.StaticSummary {
		t.Errorf("color %q, summary %q, %v", color, summary, err)
	}
	if err := d.GetMemoValue("size", &color); err == nil {
		t.Error("a memo field that is not there is found")
	}
	r, err := e.client.DescribeWorkflowExecution(e.ctx, "parent", "")
	if err != nil || r.GetWorkflowExecutionInfo().GetStatus() != d.Status || r.WorkflowExecutionInfo.CloseTime.IsValid() ||
		!r.WorkflowExecutionInfo.StartTime.AsTime().Equal(d.WorkflowStartTime) || len(r.PendingActivities) != 2 ||
		r.PendingActivities[0].GetLastFailure() == nil || r.PendingChildren[0].GetWorkflowId() != "the child" {
		t.Errorf("response is %+v, %v", r, err)
	}
	child := e.describe("the child")
	if p := child.ParentWorkflowExecution; p == nil || p.ID != "parent" || p.RunID != run.GetRunID() || child.RootWorkflowExecution.ID != "parent" {
		t.Errorf("the child's parent is %+v, its root %+v", p, child.RootWorkflowExecution)
	}
}

// TestStuckRunsSayWhy: code that blocks outside the API, and code that does not fit the history.
func TestStuckRunsSayWhy(t *testing.T) {
	e := newEngine(t)
	release := make(chan struct{})
	defer close(release)
	first := e.serveWith(worker.Options{DeadlockDetectionTimeout: 200 * time.Millisecond}, code{
		"blocks": func(workflow.Context) error { <-release; return nil },
		"changes": func(ctx workflow.Context) (string, error) {
			if err := workflow.Sleep(ctx, 10*time.Millisecond); err != nil {
				return "", err
			}
			return conversation(ctx, 1)
		},
	}, nil)
	e.execute("blocks", "blocks")
	changes := e.execute("changes", "changes")
	blocked := e.await("blocks", "a reason", func(d *client.WorkflowExecutionDescription) bool { return d.Stuck != "" })
	if !strings.Contains(blocked.Stuck, "TestStuckRunsSayWhy") && !strings.Contains(blocked.Stuck, "inspect_test.go") {
		t.Errorf("the reason does not name the code that blocks: %s", blocked.Stuck)
	}
	e.await("changes", "its timer to fire", func(d *client.WorkflowExecutionDescription) bool { return d.HistoryLength >= 3 })
	first.Stop()
	e.registered["blocks"] = false // its code would block a replay as well

	changed := e.serve(code{"changes": func(ctx workflow.Context) (string, error) { return greetByName(ctx) }}, nil)
	e.signal("changes", "say", "kept")
	d := e.await("changes", "a reason", func(d *client.WorkflowExecutionDescription) bool { return d.Stuck != "" })
	for _, want := range []string{"TimerStarted", "ActivityTaskScheduled", "event 2"} {
		if !strings.Contains(d.Stuck, want) {
			t.Errorf("the reason has no %s: %s", want, d.Stuck)
		}
	}
	changed.Stop()
	e.serve(code{"changes": func(ctx workflow.Context) (string, error) {
		if err := workflow.Sleep(ctx, 10*time.Millisecond); err != nil {
			return "", err
		}
		s, err := conversation(ctx, 1)
		return s + " in the end", err
	}}, nil)
	if got := result[string](e, changes); got != "kept in the end" {
		t.Errorf("got %q", got)
	}
}

// TestHistoryIsFollowedUntilTheRunCloses reads with long polls while the run goes on.
func TestHistoryIsFollowedUntilTheRunCloses(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"conversation": conversation}, nil)
	run := e.execute("talk", "conversation", 3)
	var all []string
	it := e.client.GetWorkflowHistory(e.ctx, "talk", run.GetRunID(), true, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for n := 0; it.HasNext(); n++ {
		ev, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		if ev.EventId != int64(n+1) {
			t.Errorf("event %d follows event %d", ev.EventId, n)
		}
		all = append(all, ev.EventType.String())
		if n < 3 { // each event that is read leads to the next
			e.signal("talk", "say", "x")
		}
	}
	signal := "WorkflowExecutionSignaled"
	if want := []string{"WorkflowExecutionStarted", signal, signal, signal, "WorkflowExecutionCompleted"}; !slices.Equal(all, want) {
		t.Errorf("followed %v", all)
	}
	var last []string
	for it := e.client.GetWorkflowHistory(e.ctx, "talk", "", true, enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT); it.HasNext(); {
		ev, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		last = append(last, ev.EventType.String())
	}
	if !slices.Equal(last, []string{"WorkflowExecutionCompleted"}) {
		t.Errorf("the closing event is %v", last)
	}
	it = e.client.GetWorkflowHistory(e.ctx, "nobody", "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	_, err := it.Next()
	as[*serviceerror.NotFound](e, err)
}

func TestListRuns(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"conversation": conversation}, nil)
	result[string](e, e.execute("closed", "conversation", 0))
	result[string](e, e.execute("closed", "conversation", 0))
	e.execute("open", "conversation", 1)
	e.executeWith(client.StartWorkflowOptions{ID: "elsewhere", TaskQueue: "other"}, "conversation", 1)
	list := func(o client.ListRunsOptions) (ids []string) {
		for run, err := range e.admin().ListRuns(e.ctx, o) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, run.Execution.WorkflowId+" "+run.Status.String())
		}
		return ids
	}
	for _, test := range []struct {
		options client.ListRunsOptions
		want    []string
	}{
		{client.ListRunsOptions{}, []string{"elsewhere Running", "open Running", "closed Completed", "closed Completed"}},
		{client.ListRunsOptions{Open: true}, []string{"elsewhere Running", "open Running"}},
		{client.ListRunsOptions{TaskQueue: "other"}, []string{"elsewhere Running"}},
		{client.ListRunsOptions{WorkflowID: "closed"}, []string{"closed Completed", "closed Completed"}},
		{client.ListRunsOptions{WorkflowID: "closed", Open: true}, nil},
	} {
		if got := list(test.options); !slices.Equal(got, test.want) {
			t.Errorf("%+v lists %q, want %q", test.options, got, test.want)
		}
	}
}
