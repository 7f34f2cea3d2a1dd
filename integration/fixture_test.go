package integration

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const queue = "main"

// engine is a server with a namespace and a client of it.
type engine struct {
	*testing.T
	ctx    context.Context
	url    string
	client client.Client
}

// newEngine starts a server and creates the namespace "default".
func newEngine(t *testing.T) *engine {
	t.Helper()
	s := devtest.Server(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	nc := devtest.Conn(t, s)
	plan, err := streams.PlanNamespace(ctx, nc, client.DefaultNamespace, streams.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(ctx); err != nil {
		t.Fatal(err)
	}
	e := &engine{T: t, ctx: ctx, url: s.ClientURL()}
	e.client = e.dial()
	return e
}

func (e *engine) dial() client.Client {
	e.Helper()
	c, err := client.Dial(client.Options{HostPort: e.url, Logger: testLog{e.T}})
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(c.Close)
	return c
}

// work starts a worker, on a connection of its own, with what register gives it.
func (e *engine) work(options worker.Options, register func(w worker.Worker)) worker.Worker {
	e.Helper()
	w := worker.New(e.dial(), queue, options)
	register(w)
	if err := w.Start(); err != nil {
		e.Fatal(err)
	}
	e.Cleanup(w.Stop)
	return w
}

// execute starts a workflow.
func (e *engine) execute(id string, fn interface{}, args ...interface{}) client.WorkflowRun {
	e.Helper()
	return e.executeWith(client.StartWorkflowOptions{ID: id, TaskQueue: queue}, fn, args...)
}

func (e *engine) executeWith(o client.StartWorkflowOptions, fn interface{}, args ...interface{}) client.WorkflowRun {
	e.Helper()
	run, err := e.client.ExecuteWorkflow(e.ctx, o, fn, args...)
	if err != nil {
		e.Fatal(err)
	}
	return run
}

// testLog writes warnings and errors to the test's log.
type testLog struct{ t *testing.T }

var _ log.Logger = testLog{}

func (testLog) Debug(string, ...any)          {}
func (testLog) Info(string, ...any)           {}
func (l testLog) Warn(msg string, kv ...any)  { l.t.Log(append([]any{"WARN", msg}, kv...)...) }
func (l testLog) Error(msg string, kv ...any) { l.t.Log(append([]any{"ERROR", msg}, kv...)...) }
