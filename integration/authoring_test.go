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
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// warehouse has activities that share what they need.
type warehouse struct{ stock map[string]int }

func (w *warehouse) Count(_ context.Context, item string) (int, error) { return w.stock[item], nil }

func (w *warehouse) Reserve(item string, n int) error {
	if w.stock[item] < n {
		return fmt.Errorf("only %d of %s", w.stock[item], item)
	}
	return nil
}

// Size is no activity.
func (w *warehouse) Size() int { return len(w.stock) }

func TestStructMethodsAreActivities(t *testing.T) {
	e := newEngine(t)
	wf := func(ctx workflow.Context) ([]int, error) {
		ctx = quick(ctx)
		var w *warehouse
		var byMethod, byName int
		if err := workflow.ExecuteActivity(ctx, w.Count, "nails").Get(ctx, &byMethod); err != nil {
			return nil, err
		}
		if err := workflow.ExecuteActivity(ctx, "north-Count", "nails").Get(ctx, &byName); err != nil {
			return nil, err
		}
		return []int{byMethod, byName}, workflow.ExecuteActivity(ctx, w.Reserve, "nails", 2).Get(ctx, nil)
	}
	e.work(worker.Options{}, func(w worker.Worker) {
		register(w, code{"wf": wf}, nil)
		south := &warehouse{map[string]int{"nails": 2}}
		w.RegisterActivityWithOptions(south, activity.RegisterOptions{SkipInvalidStructFunctions: true})
		north := &warehouse{map[string]int{"nails": 7}}
		w.RegisterActivityWithOptions(func(ctx context.Context, item string) (int, error) { return north.Count(ctx, item) }, activity.RegisterOptions{Name: "north-Count"})
		if !panics(func() { w.RegisterActivity(&warehouse{}) }) {
			t.Error("a struct with a method that is no activity is registered without complaint")
		}
		if !panics(func() { w.RegisterActivityWithOptions(south.Count, activity.RegisterOptions{Name: "Count"}) }) {
			t.Error("a second activity of the same name is registered without complaint")
		}
	})
	if got := result[[]int](e, e.execute("methods", "wf")); !slices.Equal(got, []int{2, 7}) {
		t.Fatalf("got %v", got)
	}
}

func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}

// TestAFunctionIsFoundUnderTheNameItIsRegisteredBy registers functions under other names than their own and calls them
// by function.
func TestAFunctionIsFoundUnderTheNameItIsRegisteredBy(t *testing.T) {
	e := newEngine(t)
	e.work(worker.Options{}, func(w worker.Worker) {
		register(w, code{"salute": greet, "child-of-parent": countdown, "parent": func(ctx workflow.Context) (string, error) {
			var s string
			err := workflow.ExecuteChildWorkflow(ctx, countdown, 1).Get(ctx, &s)
			return s, err
		}}, code{"write": compose})
	})
	if got := result[string](e, e.execute("aliased", "salute", "you")); got != "Hello, you!" {
		t.Fatalf("got %q", got)
	}
	if got := result[string](e, e.execute("aliased-parent", "parent")); got != "lift-off" {
		t.Fatalf("got %q", got)
	}
}

// everything uses coroutines, channels, selectors, wait groups and conditions at once.
func everything(ctx workflow.Context) ([]string, error) {
	ctx = quick(ctx)
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }

	jobs, done := workflow.NewBufferedChannel(ctx, 2), workflow.NewChannel(ctx)
	wg := workflow.NewWaitGroup(ctx)
	for i := range 3 {
		wg.Go(ctx, func(ctx workflow.Context) {
			for {
				var name string
				if !jobs.Receive(ctx, &name) {
					return
				}
				var s string
				if err := workflow.ExecuteActivity(ctx, compose, name).Get(ctx, &s); err != nil {
					s = err.Error()
				}
				done.Send(ctx, fmt.Sprint(i, " ", s))
			}
		})
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		for i := range 6 {
			jobs.Send(ctx, fmt.Sprint("job ", i))
		}
		jobs.Close()
	})
	finished := false
	workflow.GoNamed(ctx, "closer", func(ctx workflow.Context) {
		wg.Wait(ctx)
		finished = true
	})
	var results []string
	patience := workflow.NewTimer(ctx, time.Minute)
	for len(results) < 6 {
		s := workflow.NewSelector(ctx)
		s.AddReceive(done, func(c workflow.ReceiveChannel, _ bool) {
			var r string
			c.Receive(ctx, &r)
			results = append(results, r[2:])
		})
		s.AddFuture(patience, func(workflow.Future) { say("patience is over") })
		s.Select(ctx)
	}
	slices.Sort(results)
	say("%s", strings.Join(results, " "))
	if err := workflow.Await(ctx, func() bool { return finished }); err != nil {
		return nil, err
	}
	before := workflow.Now(ctx)
	ok, err := workflow.AwaitWithTimeout(ctx, 50*time.Millisecond, func() bool { return false })
	if err != nil {
		return nil, err
	}
	say("condition %v after at least 50 ms: %v", ok, workflow.Now(ctx).Sub(before) >= 50*time.Millisecond)
	ok, err = workflow.AwaitWithTimeout(ctx, time.Minute, func() bool { return finished })
	say("condition %v, %v", ok, err)
	return said, nil
}

func TestCoroutinesChannelsAndConditions(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"everything": everything}, code{"compose": compose})
	want := []string{
		"Hello, job 0! Hello, job 1! Hello, job 2! Hello, job 3! Hello, job 4! Hello, job 5!",
		"condition false after at least 50 ms: true",
		"condition true, <nil>",
	}
	if got := result[[]string](e, e.execute("everything", "everything")); !slices.Equal(got, want) {
		t.Fatalf("got %q", got)
	}
}

// TestTimersAreNeverEarly compares what the workflow's clock and ours say about timers of several lengths, started
// together and in an order that is not theirs.
func TestTimersAreNeverEarly(t *testing.T) {
	e := newEngine(t)
	type firing struct{ Due, At time.Duration } // since the timers were started
	e.serve(code{"timers": func(ctx workflow.Context) ([]firing, error) {
		begun := workflow.Now(ctx)
		s := workflow.NewSelector(ctx)
		var fired []firing
		for _, due := range []time.Duration{300, 0, 100, 500, 200} {
			due *= time.Millisecond
			s.AddFuture(workflow.NewTimer(ctx, due), func(f workflow.Future) {
				fired = append(fired, firing{due, workflow.Now(ctx).Sub(begun)})
			})
		}
		for range 5 {
			s.Select(ctx)
		}
		return fired, nil
	}}, nil)
	begun := time.Now()
	fired := result[[]firing](e, e.execute("timers", "timers"))
	if took := time.Since(begun); len(fired) != 5 || took < 500*time.Millisecond || took > 5*time.Second {
		t.Errorf("fired %v after %v", fired, took)
	}
	// Those that a busy machine finds due together fire at one time, in the order of the selector.
	for i, f := range fired {
		if f.At < f.Due {
			t.Errorf("the timer of %v fired after %v", f.Due, f.At)
		}
		for _, later := range fired[i+1:] {
			if later.At < f.At || later.At > f.At && later.Due <= f.At {
				t.Errorf("the timer of %v fired after %v, that of %v before, after %v", later.Due, later.At, f.Due, f.At)
			}
		}
	}
}

// description is what a run and its activity say about themselves.
type description struct {
	Workflow, Activity map[string]string
}

func TestInfoSaysWhoRuns(t *testing.T) {
	e := newEngine(t)
	wf := func(ctx workflow.Context) (d description, err error) {
		i := workflow.GetInfo(ctx)
		var note string
		if err := converter.GetDefaultDataConverter().FromPayload(i.Memo.Fields["note"], &note); err != nil {
			return d, err
		}
		d.Workflow = map[string]string{
			"ID": i.WorkflowExecution.ID, "run": i.WorkflowExecution.RunID, "first run": i.FirstRunID, "type": i.WorkflowType.Name,
			"queue": i.TaskQueueName, "namespace": i.Namespace, "attempt": fmt.Sprint(i.Attempt), "memo": note,
			"time-outs": fmt.Sprint(i.WorkflowExecutionTimeout, i.WorkflowRunTimeout),
			"parent":    fmt.Sprint(i.ParentWorkflowExecution), "root": i.RootWorkflowExecution.ID,
			"length":   fmt.Sprint(i.GetCurrentHistoryLength()),
			"attempts": fmt.Sprint(i.RetryPolicy.MaximumAttempts),
			"started":  fmt.Sprint(!i.WorkflowStartTime.IsZero() && !i.WorkflowStartTime.After(workflow.Now(ctx))),
		}
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{ActivityID: "who", StartToCloseTimeout: time.Minute,
			ScheduleToCloseTimeout: time.Hour, HeartbeatTimeout: 30 * time.Second})
		err = workflow.ExecuteActivity(ctx, "who").Get(ctx, &d.Activity)
		return d, err
	}
	who := func(ctx context.Context) (map[string]string, error) {
		i := activity.GetInfo(ctx)
		deadline, ok := ctx.Deadline()
		return map[string]string{
			"ID": i.ActivityID, "type": i.ActivityType.Name, "workflow": i.WorkflowType.Name, "queue": i.TaskQueue,
			"run": i.WorkflowExecution.RunID, "workflow ID": i.WorkflowExecution.ID, "namespace": i.WorkflowNamespace,
			"time-outs": fmt.Sprint(i.StartToCloseTimeout, i.ScheduleToCloseTimeout, i.HeartbeatTimeout), "attempt": fmt.Sprint(i.Attempt),
			"deadline": fmt.Sprint(ok && deadline.Equal(i.Deadline) && deadline.Sub(i.StartedTime) == time.Minute),
			"started":  fmt.Sprint(!i.StartedTime.IsZero() && !i.ScheduledTime.IsZero()), "token": fmt.Sprint(len(i.TaskToken) > 0),
			"is an activity": fmt.Sprint(activity.IsActivity(ctx)),
		}, nil
	}
	e.serve(code{"wf": wf}, code{"who": who})
	run := e.executeWith(client.StartWorkflowOptions{ID: "info", Memo: map[string]interface{}{"note": "hi"},
		WorkflowExecutionTimeout: time.Hour, WorkflowRunTimeout: time.Minute, RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 4}}, "wf")
	got := result[description](e, run)
	want := description{
		Workflow: map[string]string{"ID": "info", "run": run.GetRunID(), "first run": run.GetRunID(), "type": "wf", "queue": queue,
			"namespace": "default", "attempt": "1", "memo": "hi", "time-outs": "1h0m0s 1m0s", "parent": "<nil>", "root": "info", "length": "1",
			"attempts": "4", "started": "true"},
		Activity: map[string]string{"ID": "who", "type": "who", "workflow": "wf", "queue": queue, "run": run.GetRunID(), "workflow ID": "info",
			"namespace": "default", "time-outs": "1m0s 1h0m0s 30s", "attempt": "1", "deadline": "true", "started": "true", "token": "true",
			"is an activity": "true"},
	}
	for _, side := range []struct{ got, want map[string]string }{{got.Workflow, want.Workflow}, {got.Activity, want.Activity}} {
		for key, value := range side.want {
			if side.got[key] != value {
				t.Errorf("%s is %q, want %q", key, side.got[key], value)
			}
		}
	}
	if memo := e.describe("info").Memo; memo == nil || memo.Fields["note"] == nil {
		t.Errorf("described memo is %v", memo)
	}
}

func TestActivitiesOnAnotherQueue(t *testing.T) {
	e := newEngine(t)
	wf := func(ctx workflow.Context) ([]string, error) {
		var here, there string
		ctx = quick(ctx)
		if err := workflow.ExecuteActivity(ctx, "where").Get(ctx, &here); err != nil {
			return nil, err
		}
		gpu := workflow.WithTaskQueue(ctx, "gpu/ü")
		err := workflow.ExecuteActivity(gpu, "where").Get(ctx, &there)
		return []string{here, there}, err
	}
	where := func(ctx context.Context) (string, error) { return activity.GetInfo(ctx).TaskQueue, nil }
	e.serve(code{"wf": wf}, code{"where": where})
	e.workOn(e.dial(), "gpu/ü", worker.Options{}, func(w worker.Worker) { register(w, nil, code{"where": where}) })
	if got := result[[]string](e, e.execute("queues", "wf")); !slices.Equal(got, []string{queue, "gpu/ü"}) {
		t.Fatalf("got %v", got)
	}
}

func TestTwoQueuesHaveTheirOwnWorkers(t *testing.T) {
	e := newEngine(t)
	for _, name := range []string{"one", "two"} {
		e.workOn(e.dial(), name, worker.Options{}, func(w worker.Worker) {
			register(w, code{"wf": func(ctx workflow.Context) (string, error) { return workflow.GetInfo(ctx).TaskQueueName, nil }}, nil)
		})
	}
	for _, name := range []string{"one", "two", "one"} {
		run := e.executeWith(client.StartWorkflowOptions{ID: "at-" + name, TaskQueue: name}, "wf")
		if got := result[string](e, run); got != name {
			t.Errorf("queue %s: run by %s", name, got)
		}
	}
}

func TestNamespacesDoNotSeeEachOther(t *testing.T) {
	e := newEngine(t)
	e.createNamespace("other", streams.CreateOptions{})
	other := e.dialWith(client.Options{Namespace: "other"})
	e.replayAtEnd(other)
	e.serve(code{"conversation": conversation}, nil)
	e.workOn(other, queue, worker.Options{}, func(w worker.Worker) { w.RegisterWorkflow(conversation) })
	mine := e.execute("same", "conversation", 1)
	theirs, err := other.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: "same", TaskQueue: queue}, conversation, 1)
	if err != nil || theirs.GetRunID() == mine.GetRunID() {
		t.Fatalf("the other namespace answers %v, %v", theirs, err)
	}
	e.signal("same", "say", "mine")
	if got := result[string](e, mine); got != "mine" {
		t.Errorf("got %q", got)
	}
	d, err := other.DescribeWorkflow(e.ctx, "same", "")
	if err != nil || d.WorkflowCloseTime != nil {
		t.Fatalf("the run of the other namespace is %+v, %v; it should be open", d, err)
	}
	if err := other.SignalWorkflow(e.ctx, "same", mine.GetRunID(), "say", "x"); err == nil {
		t.Error("a run of one namespace is signaled through a client of another")
	}
	if err := other.SignalWorkflow(e.ctx, "same", "", "say", "theirs"); err != nil {
		t.Fatal(err)
	}
	if got := result[string](e, theirs); got != "theirs" {
		t.Errorf("got %q", got)
	}
}

// TestAPanicOfWorkflowCodeWaitsForCorrectedCode lets a run panic, sees it described as stuck, and deploys code that goes
// on from there.
func TestAPanicOfWorkflowCodeWaitsForCorrectedCode(t *testing.T) {
	e := newEngine(t)
	broken := e.serve(code{"wf": func(ctx workflow.Context) (string, error) {
		ctx = quick(ctx)
		var s string
		if err := workflow.ExecuteActivity(ctx, "compose", "you").Get(ctx, &s); err != nil {
			return "", err
		}
		panic("unforeseen: " + s)
	}}, code{"compose": compose})
	run := e.execute("panics", "wf")
	d := e.await("panics", "a reason for being stuck", func(d *client.WorkflowExecutionDescription) bool { return d.Stuck != "" })
	if !strings.Contains(d.Stuck, "unforeseen: Hello, you!") || d.StuckSince == nil || d.WorkflowCloseTime != nil {
		t.Errorf("stuck: %q since %v, closed %v", d.Stuck, d.StuckSince, d.WorkflowCloseTime)
	}
	broken.Stop()
	e.serve(code{"wf": greetByName}, code{"compose": compose})
	if got := result[string](e, run); got != "Hello, you!" {
		t.Fatalf("got %q", got)
	}
	if d := e.describe("panics"); d.Stuck != "" {
		t.Errorf("the closed run is described as stuck: %s", d.Stuck)
	}
}

func greetByName(ctx workflow.Context) (string, error) {
	ctx = quick(ctx)
	var s string
	err := workflow.ExecuteActivity(ctx, "compose", "you").Get(ctx, &s)
	return s, err
}

func TestAWorkflowThatFailsTellsWhy(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"wf": func(workflow.Context) error {
		return millrace.NewApplicationErrorWithCause("outer", "Outer", errors.New("inner"), "detail", 7)
	}}, nil)
	err := e.failure(e.execute("fails", "wf"))
	app := as[*millrace.ApplicationError](e, err)
	var s string
	var n int
	if err := app.Details(&s, &n); err != nil || s != "detail" || n != 7 || app.Type() != "Outer" || app.Message() != "outer" {
		t.Errorf("got %v with details %q, %d, %v", app, s, n, err)
	}
	if cause := errors.Unwrap(app); cause == nil || !strings.Contains(cause.Error(), "inner") {
		t.Errorf("cause is %v", cause)
	}
}
