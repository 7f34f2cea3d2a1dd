package worker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// The tests of this file run whole workflows on a real server.

const taskQueue = "greetings"

// dial connects to a namespace on a server of the test's own.
func dial(t *testing.T) client.Client {
	t.Helper()
	return dialTo(t, devtest.Server(t))
}

// dialTo provisions a namespace on a server and connects to it.
func dialTo(t *testing.T, server *devserver.Server) client.Client {
	t.Helper()
	plan, err := streams.PlanNamespace(t.Context(), devtest.Conn(t, server), "default", streams.CreateOptions{Partitions: 2})
	if err == nil {
		err = plan.Apply(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(client.Options{HostPort: server.ClientURL(), Namespace: "default", Identity: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func startWorker(t *testing.T, w worker.Worker) {
	t.Helper()
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

// greet is a workflow with one activity.
func greet(ctx workflow.Context, name string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 20 * time.Second,
		RetryPolicy:         &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond},
	})
	var greeting string
	err := workflow.ExecuteActivity(ctx, compose, name).Get(ctx, &greeting)
	return greeting, err
}

func compose(ctx context.Context, name string) (string, error) {
	attempt := 0
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &attempt); err != nil {
			return "", err
		}
	}
	if attempt < 2 {
		activity.RecordHeartbeat(ctx, attempt+1)
		return "", fmt.Errorf("attempt %d", activity.GetInfo(ctx).Attempt)
	}
	return fmt.Sprintf("Hello %s, at attempt %d.", name, activity.GetInfo(ctx).Attempt), nil
}

func result[T any](t *testing.T, c client.Client, w any, args ...any) (T, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var v T
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: taskQueue}, w, args...)
	if err != nil {
		t.Fatal(err)
	}
	err = run.Get(ctx, &v)
	if ctx.Err() != nil {
		t.Fatalf("no result in time: %v", err)
	}
	return v, err
}

func TestWorkflowWithOneActivity(t *testing.T) {
	c := dial(t)
	w := worker.New(c, taskQueue, worker.Options{})
	w.RegisterWorkflow(greet)
	w.RegisterActivity(compose)
	startWorker(t, w)
	got, err := result[string](t, c, greet, "Ada")
	if err != nil || got != "Hello Ada, at attempt 3." {
		t.Errorf("result %q, %v", got, err)
	}
}

func TestActivityErrorReachesTheCaller(t *testing.T) {
	c := dial(t)
	w := worker.New(c, taskQueue, worker.Options{})
	w.RegisterWorkflow(greet)
	w.RegisterActivityWithOptions(func(context.Context, string) (string, error) {
		return "", millrace.NewNonRetryableApplicationError("no greetings today", "Closed", nil, "till Monday")
	}, activity.RegisterOptions{Name: "compose"})
	startWorker(t, w)
	_, err := result[string](t, c, greet, "Ada")
	var failed *millrace.ActivityError
	var application *millrace.ApplicationError
	if !errors.As(err, &failed) || !errors.As(err, &application) {
		t.Fatalf("error is %v", err)
	}
	var until string
	if err := application.Details(&until); err != nil || until != "till Monday" || application.Type() != "Closed" {
		t.Errorf("error is %v with details %q, %v", application, until, err)
	}
}

func TestSeparateWorkersForWorkflowsAndActivities(t *testing.T) {
	c := dial(t)
	coordinating := worker.New(c, taskQueue, worker.Options{})
	coordinating.RegisterWorkflow(greet)
	startWorker(t, coordinating)
	acting := worker.New(c, taskQueue, worker.Options{})
	acting.RegisterActivity(compose)
	startWorker(t, acting)
	if got, err := result[string](t, c, "greet", "Bob"); err != nil || !strings.HasPrefix(got, "Hello Bob") {
		t.Errorf("result %q, %v", got, err)
	}
}

func TestStoppedWorkerHandsItsActivityToAnother(t *testing.T) {
	c := dial(t)
	begun := make(chan int32, 10)
	newWorker := func(body func(ctx context.Context) error) worker.Worker {
		w := worker.New(c, taskQueue, worker.Options{WorkerStopTimeout: -1})
		w.RegisterWorkflow(greet)
		w.RegisterActivityWithOptions(func(ctx context.Context, name string) (string, error) {
			begun <- activity.GetInfo(ctx).Attempt
			return name, body(ctx)
		}, activity.RegisterOptions{Name: "compose"})
		return w
	}
	first := newWorker(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	startWorker(t, first)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: taskQueue}, greet, "Eve")
	if err != nil {
		t.Fatal(err)
	}
	if attempt := <-begun; attempt != 1 {
		t.Errorf("first worker runs attempt %d", attempt)
	}
	first.Stop()
	second := newWorker(func(context.Context) error { return nil })
	startWorker(t, second)
	var got string
	if err := run.Get(ctx, &got); err != nil || got != "Eve" {
		t.Errorf("result %q, %v", got, err)
	}
	if attempt := <-begun; attempt != 1 {
		t.Errorf("second worker runs attempt %d", attempt)
	}
}

func TestWorkerRunsOnce(t *testing.T) {
	c := dial(t)
	w := worker.New(c, taskQueue, worker.Options{})
	w.RegisterActivity(compose)
	interrupt := make(chan interface{}, 1)
	interrupt <- "enough"
	if err := w.Run(interrupt); err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := w.Start(); !errors.Is(err, worker.ErrWorkerShutdown) {
		t.Errorf("Start after Run: %v", err)
	}
}

func TestWorkersThatDisagreeAreToldSo(t *testing.T) {
	c := dial(t)
	one := worker.New(c, taskQueue, worker.Options{})
	one.RegisterWorkflow(greet)
	one.RegisterActivity(compose)
	startWorker(t, one)
	if _, err := result[string](t, c, greet, "Ada"); err != nil { // now its consumers exist
		t.Fatal(err)
	}
	told := make(chan error, 1)
	other := worker.New(c, taskQueue, worker.Options{WorkerLossTimeout: 2 * time.Second, OnFatalError: func(err error) { told <- err }})
	other.RegisterActivity(compose)
	err := other.Run(nil)
	if !errors.Is(err, streams.ErrConfiguration) || !errors.Is(<-told, streams.ErrConfiguration) {
		t.Errorf("Run: %v", err)
	}
}

// An activity that runs while the broker goes away and comes back is reported once, by whichever attempt.
func TestActivityAcrossAServerRestart(t *testing.T) {
	server := devtest.Server(t)
	c := dialTo(t, server)
	w := worker.New(c, taskQueue, worker.Options{WorkerLossTimeout: 2 * time.Second})
	w.RegisterWorkflow(greet)
	begun, resume := make(chan struct{}, 10), make(chan struct{})
	w.RegisterActivityWithOptions(func(ctx context.Context, name string) (string, error) {
		begun <- struct{}{}
		<-resume
		return name, nil
	}, activity.RegisterOptions{Name: "compose"})
	startWorker(t, w)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: taskQueue}, greet, "Zoe")
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	devtest.Restart(t, server)
	close(resume)
	var got string
	if err := run.Get(ctx, &got); err != nil || got != "Zoe" {
		t.Errorf("result %q, %v", got, err)
	}
	w.Stop() // before the restarted server, which is cleaned up first
}
