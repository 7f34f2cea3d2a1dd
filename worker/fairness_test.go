package worker_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// counter is an activity queue that notes of which fairness key each attempt is, in order.
type counter struct {
	takes time.Duration // each attempt

	mu   sync.Mutex // guards keys and told
	keys []string
	told func(n int)
}

func (c *counter) visit(ctx context.Context) error {
	if c.takes > 0 {
		<-time.After(c.takes)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = append(c.keys, activity.GetInfo(ctx).Priority.FairnessKey)
	if c.told != nil {
		c.told(len(c.keys))
	}
	return nil
}

// reached is closed when n attempts were made.
func (c *counter) reached(n int) <-chan struct{} {
	done := make(chan struct{})
	c.told = func(made int) {
		if made == n {
			close(done)
		}
	}
	return done
}

// among counts the attempts of a key among the first n.
func (c *counter) among(n int, key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := 0
	for _, k := range c.keys[:min(n, len(c.keys))] {
		if k == key {
			count++
		}
	}
	return count
}

// visits makes n attempts at a time. Its activities have the key of the run, and the priority that is given.
func visits(ctx workflow.Context, n int, own millrace.Priority) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: "visits", StartToCloseTimeout: time.Minute, Priority: own})
	var all []workflow.Future
	for range n {
		all = append(all, workflow.ExecuteActivity(ctx, "visit"))
	}
	for _, f := range all {
		if err := f.Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// visiting starts a run of visits, and returns when all of its tasks are queued.
func visiting(t *testing.T, c client.Client, n int, of, own millrace.Priority) client.WorkflowRun {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue, Priority: of}, visits, n, own)
	if err != nil {
		t.Fatal(err)
	}
	awaitAllPending(t, c, run, n)
	return run
}

func serveVisits(t *testing.T, c client.Client, visitor *counter, slots int) {
	t.Helper()
	w := worker.New(c, "visits", worker.Options{MaxConcurrentActivityExecutionSize: slots})
	w.RegisterActivityWithOptions(visitor.visit, activity.RegisterOptions{Name: "visit"})
	startWorker(t, w)
}

func serveFlows(t *testing.T, c client.Client) {
	t.Helper()
	flows := worker.New(c, taskQueue, worker.Options{})
	flows.RegisterWorkflow(visits)
	startWorker(t, flows)
}

func await(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		t.Fatalf("%s: not within a minute", what)
	}
}

// A worker that finds nothing but stored tasks gives each key its share.
func TestLongBacklogDoesNotHoldUpAnotherKey(t *testing.T) {
	c := dial(t)
	serveFlows(t, c)
	large := visiting(t, c, 1000, millrace.Priority{FairnessKey: "large"}, millrace.Priority{})
	plain := visiting(t, c, 10, millrace.Priority{}, millrace.Priority{})
	small := visiting(t, c, 10, millrace.Priority{FairnessKey: "run's"}, millrace.Priority{FairnessKey: "small"})
	visitor := &counter{takes: time.Millisecond}
	serveVisits(t, c, visitor, 2)
	for _, run := range []client.WorkflowRun{small, plain} {
		if err := run.Get(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	// Until the worker has looked what is stored it knows only tasks without a key.
	for _, key := range []string{"small", ""} {
		if got := visitor.among(60, key); got != 10 {
			t.Errorf("%d tasks of key %q are among the first 60, want 10 of 10", got, key)
		}
	}
	if err := c.TerminateWorkflow(t.Context(), large.GetID(), large.GetRunID(), "seen enough"); err != nil {
		t.Fatal(err)
	}
}

func TestKeysGetSharesByTheirWeights(t *testing.T) {
	c := dial(t)
	serveFlows(t, c)
	runs := []client.WorkflowRun{
		visiting(t, c, 200, millrace.Priority{FairnessKey: "heavy"}, millrace.Priority{FairnessWeight: 3}),
		visiting(t, c, 200, millrace.Priority{FairnessKey: "light"}, millrace.Priority{}),
		visiting(t, c, 200, millrace.Priority{FairnessKey: "none"}, millrace.Priority{FairnessWeight: 0.001}),
		visiting(t, c, 5, millrace.Priority{FairnessKey: "later"}, millrace.Priority{PriorityKey: 4}),
	}
	visitor := &counter{takes: time.Millisecond}
	seen := visitor.reached(150)
	serveVisits(t, c, visitor, 1)
	await(t, "150 attempts", seen)
	for _, want := range []struct {
		key         string
		least, most int
	}{{"heavy", 82, 98}, {"light", 22, 36}, {"none", 0, 3}, {"later", 0, 3}} {
		// The lanes were opened one after the other, and priorities are kept among those that are open.
		got := visitor.among(150, want.key) - visitor.among(30, want.key)
		if got < want.least || got > want.most {
			t.Errorf("%d tasks of key %q are among 120, want %d to %d", got, want.key, want.least, want.most)
		}
	}
	for _, run := range runs {
		if err := c.TerminateWorkflow(t.Context(), run.GetID(), run.GetRunID(), "seen enough"); err != nil {
			t.Fatal(err)
		}
	}
}

// A key whose tasks come while a worker has its hands full is served without a restart.
func TestKeyIsServedWhileAnotherHasABacklog(t *testing.T) {
	c := dial(t)
	serveFlows(t, c)
	visitor := &counter{takes: 5 * time.Millisecond}
	begun := visitor.reached(1)
	serveVisits(t, c, visitor, 1)
	large := visiting(t, c, 1000, millrace.Priority{FairnessKey: "large"}, millrace.Priority{})
	await(t, "first attempt", begun)
	small, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue, Priority: millrace.Priority{FairnessKey: "small"}},
		visits, 10, millrace.Priority{})
	if err != nil {
		t.Fatal(err)
	}
	if err := small.Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if made := visitor.among(2000, "large"); made > 500 {
		t.Errorf("%d tasks of the other key were done before 10 of the one, want no more than half", made)
	}
	if err := c.TerminateWorkflow(t.Context(), large.GetID(), large.GetRunID(), "seen enough"); err != nil {
		t.Fatal(err)
	}
}

// A task that is completed from outside is found in its bucket, by its token and by its ID, and taken out of it.
func TestPendingActivityWithAKeyLeavesNoTask(t *testing.T) {
	server := devtest.Server(t)
	c := dialTo(t, server)
	ns, err := streams.Open(t.Context(), devtest.Conn(t, server), "default")
	if err != nil {
		t.Fatal(err)
	}
	serveFlows(t, c)
	tokens := make(chan activity.Info, 1)
	w := worker.New(c, "visits", worker.Options{})
	w.RegisterActivityWithOptions(func(ctx context.Context) error {
		tokens <- activity.GetInfo(ctx)
		return activity.ErrResultPending
	}, activity.RegisterOptions{Name: "visit"})
	startWorker(t, w)
	for _, complete := range []func(activity.Info) error{
		func(i activity.Info) error { return c.CompleteActivity(t.Context(), i.TaskToken, nil, nil) },
		func(i activity.Info) error {
			return c.CompleteActivityByID(t.Context(), "default", i.WorkflowExecution.ID, i.WorkflowExecution.RunID, i.ActivityID, nil, nil)
		},
	} {
		run := visiting(t, c, 1, millrace.Priority{PriorityKey: 2, FairnessKey: "tenant"}, millrace.Priority{})
		if err := complete(<-tokens); err != nil {
			t.Fatal(err)
		}
		if lanes, err := ns.LanesQueued(t.Context(), "visits", "", nil); err != nil || len(lanes) > 0 {
			t.Errorf("tasks are left in %+v, %v", lanes, err)
		}
		if err := run.Get(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitAllPending waits until n activities of a run wait.
func awaitAllPending(t *testing.T, c client.Client, run client.WorkflowRun, n int) {
	t.Helper()
	for since := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		d, err := c.DescribeWorkflow(t.Context(), run.GetID(), run.GetRunID())
		if err != nil || time.Since(since) > 20*time.Second {
			t.Fatalf("run %s waits for %s, %v", run.GetID(), fmt.Sprint(d), err)
		}
		if len(d.PendingActivities) == n {
			return
		}
	}
}
