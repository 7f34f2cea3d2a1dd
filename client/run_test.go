package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

const queue = "main"

// fixture is a server with a worker, and a client that shares nothing with it.
type fixture struct {
	testing.TB
	ctx    context.Context
	url    string
	client client.Client
}

func setup(t testing.TB) *fixture {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	f := &fixture{TB: t, ctx: ctx, url: devtest.Server(t).ClientURL()}
	nc, err := nats.Connect(f.url)
	f.ok(err)
	plan, err := streams.PlanNamespace(ctx, nc, client.DefaultNamespace, streams.CreateOptions{})
	f.ok(err)
	f.ok(plan.Apply(ctx))
	nc.Close()
	w := worker.New(f.dial(), queue, worker.Options{})
	w.RegisterWorkflow(echo)
	w.RegisterWorkflow(gated)
	w.RegisterWorkflow(countdown)
	w.RegisterWorkflow(retried)
	w.RegisterWorkflow(long)
	w.RegisterWorkflow(oneActivity)
	w.RegisterActivity(nothing)
	f.ok(w.Start())
	f.Cleanup(w.Stop)
	f.client = f.dial()
	return f
}

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) dial() client.Client {
	f.Helper()
	c, err := client.Dial(client.Options{HostPort: f.url})
	f.ok(err)
	f.Cleanup(c.Close)
	return c
}

func (f *fixture) start(fn any, args ...any) client.WorkflowRun {
	f.Helper()
	run, err := f.client.ExecuteWorkflow(f.ctx, client.StartWorkflowOptions{TaskQueue: queue}, fn, args...)
	f.ok(err)
	return run
}

func (f *fixture) want(run client.WorkflowRun, want string) {
	f.Helper()
	var got string
	if err := run.Get(f.ctx, &got); err != nil || got != want {
		f.Errorf("result %.40q of %d bytes, %v, want %.40q", got, len(got), err, want)
	}
}

func (f *fixture) release(run client.WorkflowRun) {
	f.Helper()
	f.ok(f.client.SignalWorkflow(f.ctx, run.GetID(), run.GetRunID(), "go", nil))
}

func echo(_ workflow.Context, s string) (string, error) { return s, nil }

// gated returns s when it is signalled.
func gated(ctx workflow.Context, s string) (string, error) {
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	return s, nil
}

func countdown(ctx workflow.Context, n int) (string, error) {
	if n > 0 {
		return "", workflow.NewContinueAsNewError(ctx, countdown, n-1)
	}
	return "lift-off", nil
}

// retried succeeds in its third run.
func retried(ctx workflow.Context) (string, error) {
	if attempt := workflow.GetInfo(ctx).Attempt; attempt < 3 {
		return "", fmt.Errorf("attempt %d", attempt)
	}
	return "at last", nil
}

// long runs for longer than Get waits for a notice.
func long(ctx workflow.Context) (string, error) {
	return "awake", workflow.Sleep(ctx, 1500*time.Millisecond)
}

func oneActivity(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 5 * time.Second})
	return workflow.ExecuteActivity(ctx, nothing).Get(ctx, nil)
}

func nothing(context.Context) error { return nil }

// large is more than a record holds.
var large = strings.Repeat("large ", 60_000)

// Get returns the same whether it hears of the end, hears of it too late or never, or is called after it.
func TestGet(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(client.Client){
		"told":      func(client.Client) {},
		"not told":  client.LoseNotices,
		"following": client.WithoutNotices,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			prepare(f.client)
			var group sync.WaitGroup
			for _, c := range []struct {
				fn   any
				args []any
				want string
			}{
				{echo, []any{"hello"}, "hello"},
				{echo, []any{large}, large},
				{countdown, []any{3}, "lift-off"},
			} {
				group.Go(func() {
					run := f.start(c.fn, c.args...)
					f.want(run, c.want)
					f.want(run, c.want)
					f.want(f.client.GetWorkflow(f.ctx, run.GetID(), run.GetRunID()), c.want)
					f.want(f.client.GetWorkflow(f.ctx, run.GetID(), ""), c.want)
				})
			}
			group.Go(func() {
				run, err := f.client.ExecuteWorkflow(f.ctx, client.StartWorkflowOptions{TaskQueue: queue,
					RetryPolicy: &millrace.RetryPolicy{InitialInterval: time.Millisecond}}, retried)
				f.ok(err)
				f.want(run, "at last")
			})
			group.Go(func() {
				run := f.start(gated, "gate")
				var inner sync.WaitGroup
				for range 10 {
					inner.Go(func() { f.want(run, "gate") })
				}
				f.release(run)
				inner.Wait()
			})
			group.Go(func() {
				run := f.start(gated, "never")
				f.ok(f.client.TerminateWorkflow(f.ctx, run.GetID(), "", "enough"))
				var terminated *millrace.TerminatedError
				if err := run.Get(f.ctx, nil); !errors.As(err, &terminated) {
					t.Errorf("a terminated run: %v", err)
				}
			})
			group.Wait()
			if n := client.ExpectedNotices(f.client); n != 0 {
				t.Errorf("%d notices are expected when all runs have ended", n)
			}
		})
	}
}

// Every run of a chain tells of its end, once, whoever closes it.
func TestGetIsTold(t *testing.T) {
	t.Parallel()
	f := setup(t)
	nc, err := nats.Connect(f.url)
	f.ok(err)
	defer nc.Close()
	told, err := nc.SubscribeSync("millrace.default.done.>")
	f.ok(err)
	f.ok(nc.Flush())
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() { f.want(f.start(echo, fmt.Sprint(i)), fmt.Sprint(i)) })
	}
	group.Go(func() { f.want(f.start(countdown, 5), "lift-off") })
	group.Go(func() {
		run := f.start(gated, "")
		f.ok(f.client.TerminateWorkflow(f.ctx, run.GetID(), "", ""))
		if run.Get(f.ctx, nil) == nil {
			t.Error("a terminated run has no error")
		}
	})
	group.Wait()
	of := map[string]bool{}
	for range 100 + 6 + 1 {
		m, err := told.NextMsgWithContext(f.ctx)
		f.ok(err)
		of[m.Subject] = true
	}
	if len(of) != 100+6+1 {
		t.Errorf("the notices are of %d runs", len(of))
	}
	if n := client.ExpectedNotices(f.client); n != 0 {
		t.Errorf("%d notices are expected when all runs have ended", n)
	}
}

// Who was told asks the broker nothing more.
func TestGetOfWhatIsKnown(t *testing.T) {
	t.Parallel()
	f := setup(t)
	run := f.start(echo, "hello")
	client.AwaitNotices(f.client)
	before := client.Sent(f.client)
	f.want(run, "hello")
	if n := client.Sent(f.client) - before; n != 0 {
		t.Errorf("%d messages were sent for a run that is known to have ended", n)
	}
}

// A run that was found, not started, and one that was not started at all, leave nothing expected.
func TestRunThatWasThere(t *testing.T) {
	t.Parallel()
	f := setup(t)
	first := f.start(gated, "first")
	options := client.StartWorkflowOptions{ID: first.GetID(), TaskQueue: queue}
	found, err := f.client.ExecuteWorkflow(f.ctx, options, gated, "second")
	f.ok(err)
	if found.GetRunID() != first.GetRunID() {
		t.Errorf("found run %s, want %s", found.GetRunID(), first.GetRunID())
	}
	options.WorkflowExecutionErrorWhenAlreadyStarted = true
	if _, err := f.client.ExecuteWorkflow(f.ctx, options, gated, "third"); err == nil {
		t.Error("a second run was started")
	}
	if n := client.ExpectedNotices(f.client); n != 1 {
		t.Errorf("%d notices are expected, want the first run's", n)
	}
	f.release(first)
	f.want(found, "first")
	f.want(first, "first")
}

// A run that takes longer than a notice is waited for is followed.
func TestGetOfALongRun(t *testing.T) {
	t.Parallel()
	f := setup(t)
	client.LoseNotices(f.client)
	run := f.start(long)
	f.want(run, "awake")
	canceled, cancel := context.WithCancel(f.ctx)
	cancel()
	if err := f.start(gated, "").Get(canceled, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("get with a context that has ended: %v", err)
	}
}

func TestCloseEndsGet(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for name, prepare := range map[string]func(client.Client){"told": func(client.Client) {}, "following": client.WithoutNotices} {
		c := f.dial()
		prepare(c)
		run, err := c.ExecuteWorkflow(f.ctx, client.StartWorkflowOptions{TaskQueue: queue}, gated, "")
		f.ok(err)
		done := make(chan error, 1)
		go func() { done <- run.Get(f.ctx, nil) }()
		time.Sleep(50 * time.Millisecond) // most often it waits by then; if not, it fails in the same way
		c.Close()
		if err := <-done; !errors.Is(err, streams.ErrClosed) && !errors.Is(err, nats.ErrConnectionClosed) {
			t.Errorf("%s: get of a closed client: %v", name, err)
		}
	}
}

// A client whose connection is another's stops listening and goes on following.
func TestCloseOfABorrowedConnection(t *testing.T) {
	t.Parallel()
	f := setup(t)
	c, err := client.NewClientFromExisting(f.client, client.Options{})
	f.ok(err)
	run, err := c.ExecuteWorkflow(f.ctx, client.StartWorkflowOptions{TaskQueue: queue}, gated, "gate")
	f.ok(err)
	done := make(chan error, 1)
	go func() { done <- run.Get(f.ctx, nil) }()
	c.Close()
	f.release(run)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
