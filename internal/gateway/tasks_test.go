package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/gateway"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// order has a tenant's worker do something on the queue "pay".
func order(ctx workflow.Context, what string) (string, error) {
	options := workflow.ActivityOptions{
		TaskQueue: "pay", StartToCloseTimeout: 50 * time.Second, WaitForCancellation: true,
		RetryPolicy: &millrace.RetryPolicy{InitialInterval: time.Millisecond, MaximumAttempts: 5},
	}
	if what == "beats" {
		options.HeartbeatTimeout = time.Second
	}
	ctx = workflow.WithActivityOptions(ctx, options)
	var result string
	err := workflow.ExecuteActivity(ctx, "pay", what).Get(ctx, &result)
	return result, err
}

// serveWorkflows runs a worker of the engine's account.
func (f *fixture) serveWorkflows(namespace string) {
	w := worker.New(f.trusted(namespace), "main", worker.Options{})
	w.RegisterWorkflow(greet)
	w.RegisterWorkflow(order)
	w.RegisterWorkflow(conversation)
	f.start(w)
}

// serveActivity runs a tenant's worker with one activity, "pay".
func (f *fixture) serveActivity(fn any) worker.Worker {
	w := worker.New(f.tenant(walt), "pay", worker.Options{WorkerLossTimeout: 3 * time.Second})
	w.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: "pay"})
	return f.start(w)
}

func (f *fixture) order(id string) client.WorkflowRun {
	f.Helper()
	run, err := f.tenant(alice).ExecuteWorkflow(f.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: "main"}, order, id)
	f.ok(err)
	return run
}

func (f *fixture) result(run client.WorkflowRun) string {
	f.Helper()
	var result string
	f.ok(run.Get(f.ctx, &result))
	return result
}

func TestATenantsWorkerRunsActivities(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	f.serveActivity(func(ctx context.Context, what string) (string, error) {
		info := activity.GetInfo(ctx)
		if info.WorkflowType.Name != "order" || info.WorkflowNamespace != "acme" || info.TaskQueue != "pay" || info.Attempt != 1 {
			return "", fmt.Errorf("info is %+v", info)
		}
		return "paid " + what, nil
	})
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			id := fmt.Sprint("order-", i)
			run, err := f.tenant(alice).ExecuteWorkflow(f.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: "main"}, order, id)
			var got string
			if err == nil {
				err = run.Get(f.ctx, &got)
			}
			if err != nil || got != "paid "+id {
				t.Errorf("%s: %q, %v", id, got, err)
			}
		})
	}
	all.Wait()
}

func TestAttemptsFailuresAndHeartbeatsPassTheGateway(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	f.serveActivity(func(ctx context.Context, what string) (string, error) {
		n := activity.GetInfo(ctx).Attempt
		var came int32
		if activity.HasHeartbeatDetails(ctx) {
			if err := activity.GetHeartbeatDetails(ctx, &came); err != nil {
				return "", err
			}
		}
		if came != n-1 {
			return "", millrace.NewNonRetryableApplicationError(fmt.Sprintf("attempt %d finds details of %d", n, came), "Details", nil)
		}
		activity.RecordHeartbeat(ctx, n)
		if n < 3 {
			return "", errors.New("not yet")
		}
		return "", millrace.NewNonRetryableApplicationError("broke", "Broke", nil, "at", n)
	})
	err := f.order("o").Get(f.ctx, nil)
	var broke *millrace.ApplicationError
	var at string
	var n int32
	if !errors.As(err, &broke) || broke.Type() != "Broke" || broke.Details(&at, &n) != nil || n != 3 {
		t.Errorf("run ended with %v", err)
	}
}

func TestACancelRequestReachesATenantsActivity(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	begun := make(chan struct{})
	f.serveActivity(func(ctx context.Context, _ string) error {
		close(begun)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			activity.RecordHeartbeat(ctx)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	})
	run := f.order("beats")
	<-begun
	f.ok(f.tenant(alice).CancelWorkflow(f.ctx, "beats", ""))
	if err := run.Get(f.ctx, nil); !isA[*millrace.CanceledError](err) {
		t.Errorf("run ended with %v", err)
	}
}

func TestATenantsActivityIsCompletedByItsToken(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	tokens := make(chan []byte, 2)
	f.serveActivity(func(ctx context.Context, _ string) (string, error) {
		tokens <- activity.GetInfo(ctx).TaskToken
		return "", activity.ErrResultPending
	})
	run := f.order("o")
	token := <-tokens
	c := f.tenant(walt)
	f.ok(c.RecordActivityHeartbeat(f.ctx, token, "half"))
	f.ok(c.CompleteActivity(f.ctx, token, "done", nil))
	if got := f.result(run); got != "done" {
		t.Errorf("result is %q", got)
	}
	// The same answer may be given again: it has no effect any more.
	f.ok(c.CompleteActivity(f.ctx, token, "done", nil))

	run = f.order("p")
	if err := c.CompleteActivity(f.ctx, <-tokens, nil, millrace.NewNonRetryableApplicationError("no", "No", nil)); err != nil {
		t.Fatal(err)
	}
	if err := run.Get(f.ctx, nil); !isA[*millrace.ApplicationError](err) {
		t.Errorf("run ended with %v", err)
	}
}

// gate is an activity that waits for a word.
type gate struct {
	begun chan string
	open  chan struct{}
	runs  atomic.Int32
}

func newGate() *gate { return &gate{begun: make(chan string, 10), open: make(chan struct{})} }

func (g *gate) pay(ctx context.Context, what string) (string, error) {
	g.runs.Add(1)
	g.begun <- what
	select {
	case <-g.open:
		return "paid " + what, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func TestATenantsRunEndsAlthoughItsDaemonIsKilled(t *testing.T) {
	f := setup(t)
	first := f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	g := newGate()
	f.serveActivity(g.pay)
	run := f.order("o")
	ended := make(chan string, 1)
	go func() { ended <- f.result(run) }() // it waits at the gateway that is killed
	<-g.begun
	first.kill()
	f.serve("acme", gateway.Limits{})
	close(g.open)
	if got := <-ended; got != "paid o" {
		t.Errorf("result is %q", got)
	}
	if n := g.runs.Load(); n != 1 {
		t.Errorf("activity ran %d times", n)
	}
}

func TestADaemonThatStopsLeavesTasksToBeCompleted(t *testing.T) {
	f := setup(t)
	first := f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	var attempt atomic.Int32
	begun, fail := make(chan struct{}, 1), make(chan struct{})
	f.serveActivity(func(ctx context.Context, what string) (string, error) {
		attempt.Store(activity.GetInfo(ctx).Attempt)
		if attempt.Load() > 1 {
			return "paid at last", nil
		}
		begun <- struct{}{}
		<-fail
		return "", errors.New("not this time")
	})
	run := f.order("o")
	<-begun
	first.end()
	f.serve("acme", gateway.Limits{})
	close(fail) // a failure of an attempt that no gateway holds is left to the retry policy
	if got := f.result(run); got != "paid at last" || attempt.Load() != 2 {
		t.Errorf("result is %q, of attempt %d", got, attempt.Load())
	}
}

func TestATaskThatItsWorkerNeverReceivedGoesToAnother(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	nc := f.server.Connect(walt, nil)
	lost := nc.NewInbox()
	// Nobody listens to the answer.
	f.ok(nc.PublishRequest("millrace.acme.gateway.poll.pay", lost, []byte(`{"waitMillis": 10000}`)))
	f.ok(nc.Flush())
	run := f.order("o")
	// The task is in the answer that nobody has received; only then another worker appears.
	f.awaitDescription("o", func(d *client.WorkflowExecutionDescription) bool { return len(d.PendingActivities) == 1 })
	var attempt atomic.Int32
	f.serveActivity(func(ctx context.Context, what string) (string, error) {
		attempt.Store(activity.GetInfo(ctx).Attempt)
		return "paid", nil
	})
	if got := f.result(run); got != "paid" || attempt.Load() != 1 {
		t.Errorf("result is %q, of attempt %d", got, attempt.Load())
	}
}

// awaitDescription looks at a run until it is as wanted.
func (f *fixture) awaitDescription(id string, wanted func(*client.WorkflowExecutionDescription) bool) {
	f.Helper()
	c := f.tenant(vera)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		d, err := c.DescribeWorkflow(f.ctx, id, "")
		if err == nil && wanted(d) {
			return
		}
		select {
		case <-tick.C:
		case <-f.ctx.Done():
			f.Fatalf("description of %s is %+v, %v", id, d, err)
		}
	}
}

func TestAnyGatewayTakesWhatAnotherHandedOut(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	f.serveActivity(func(ctx context.Context, what string) (string, error) {
		for i := range 3 {
			activity.RecordHeartbeat(ctx, i)
		}
		return "paid " + what, nil
	})
	var runs []client.WorkflowRun
	for i := range 20 { // each request reaches one of the two
		runs = append(runs, f.order(fmt.Sprint(i)))
	}
	for i, run := range runs {
		if got := f.result(run); got != fmt.Sprint("paid ", i) {
			t.Errorf("result is %q", got)
		}
	}
}

func TestAWorkerOfAGatewayRunsNoWorkflows(t *testing.T) {
	f := setup(t)
	w := worker.New(f.tenant(walt), "main", worker.Options{})
	w.RegisterWorkflow(greet)
	err := w.Start()
	if !isA[*serviceerror.Unimplemented](err) || !strings.Contains(err.Error(), "Options.Gateway") {
		t.Errorf("start: %v", err)
	}
	w.Stop()
}
