package worker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// line is an activity queue of which the one worker has one slot.
type line struct {
	mu    sync.Mutex // guards order
	order []string
	begun chan struct{}
	open  chan struct{}
}

func (l *line) pass(ctx context.Context, hold bool) (string, error) {
	if hold {
		l.begun <- struct{}{}
		<-l.open
		return "", nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := fmt.Sprint(activity.GetInfo(ctx).Priority.PriorityKey)
	l.order = append(l.order, key)
	return key, nil
}

// pass runs one activity on the queue of a line, with what is given of a priority.
func pass(ctx workflow.Context, hold bool, key int) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: "line", StartToCloseTimeout: time.Minute})
	if key > 0 {
		ctx = workflow.WithPriority(ctx, millrace.Priority{PriorityKey: key})
	}
	var result string
	err := workflow.ExecuteActivity(ctx, "pass", hold).Get(ctx, &result)
	return result, err
}

func passInChild(ctx workflow.Context, key int) (string, error) {
	ctx = workflow.WithWorkflowPriority(ctx, millrace.Priority{PriorityKey: key, FairnessKey: "tenant"})
	var result string
	err := workflow.ExecuteChildWorkflow(ctx, pass, false, 0).Get(ctx, &result)
	return result, err
}

func TestTasksWithPriorityComeFirst(t *testing.T) {
	c := dial(t)
	l := &line{begun: make(chan struct{}, 1), open: make(chan struct{})}
	flows := worker.New(c, taskQueue, worker.Options{})
	flows.RegisterWorkflow(pass)
	flows.RegisterWorkflow(passInChild)
	startWorker(t, flows)
	acting := worker.New(c, "line", worker.Options{MaxConcurrentActivityExecutionSize: 1})
	acting.RegisterActivityWithOptions(l.pass, activity.RegisterOptions{Name: "pass"})
	startWorker(t, acting)
	execute := func(key int, workflowType interface{}, args ...interface{}) client.WorkflowRun {
		t.Helper()
		o := client.StartWorkflowOptions{TaskQueue: taskQueue, Priority: millrace.Priority{PriorityKey: key}}
		run, err := c.ExecuteWorkflow(t.Context(), o, workflowType, args...)
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	result := func(run client.WorkflowRun) string {
		t.Helper()
		var got string
		if err := run.Get(t.Context(), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	// A priority that is used for the first time is served, without a restart; the run's, its activity's and its child's.
	for _, test := range []struct {
		run  client.WorkflowRun
		want string
	}{
		{execute(5, pass, false, 0), "5"}, {execute(5, pass, false, 1), "1"}, {execute(0, pass, false, 0), "0"}, {execute(5, passInChild, 1), "1"},
	} {
		if got := result(test.run); got != test.want {
			t.Errorf("activity has priority %s, want %s", got, test.want)
		}
	}
	held := execute(0, pass, true, 0)
	<-l.begun
	l.mu.Lock()
	l.order = nil
	l.mu.Unlock()
	var runs []client.WorkflowRun
	const each = 6
	for _, key := range []int{5, 0, 1} {
		for range each {
			runs = append(runs, execute(key, pass, false, 0))
		}
	}
	for _, run := range runs {
		awaitPending(t, c, run)
	}
	close(l.open)
	for _, run := range append(runs, held) {
		result(run)
	}
	// What was asked for before is delivered before: one task of each lane at most.
	early := min(3, len(l.order))
	rest := slices.Clone(l.order[early:])
	rank := func(key string) int { return strings.Index("1 0 5", key) }
	if !slices.IsSortedFunc(rest, func(a, b string) int { return rank(a) - rank(b) }) {
		t.Errorf("priorities came in the order %v", l.order)
	}
}

// awaitPending waits until the run's activity waits.
func awaitPending(t *testing.T, c client.Client, run client.WorkflowRun) {
	t.Helper()
	for since := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		d, err := c.DescribeWorkflow(t.Context(), run.GetID(), run.GetRunID())
		if err != nil || time.Since(since) > 20*time.Second {
			t.Fatalf("run %s waits for %+v, %v", run.GetID(), d, err)
		}
		if len(d.PendingActivities) == 1 {
			return
		}
	}
}
