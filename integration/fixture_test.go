package integration

import (
	"context"
	"errors"
	"flag"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// parallelTests is how many tests run side by side unless -parallel says otherwise: they wait more than they compute.
const parallelTests = "6"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", parallelTests); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const queue = "main"

// engine is a server with a namespace and a client of it. When the test ends, every run that the server holds is
// replayed through the code that the test registered.
type engine struct {
	*testing.T
	ctx    context.Context
	server *devserver.Server
	url    string
	client client.Client
	// limits are those of all clients.
	limits client.PayloadLimitOptions

	// last are called when the test and all other cleanups have ended.
	last []func()

	mu         sync.Mutex // guards the rest
	replayer   worker.WorkflowReplayer
	registered map[string]bool
}

// newEngine lets the test run beside others, starts a server and creates the namespace "default".
func newEngine(t *testing.T) *engine {
	t.Helper()
	t.Parallel()
	return engineOn(t, devtest.Server(t))
}

// restart stops the engine's server and starts it again on the same directory and port.
func (e *engine) restart() {
	e.Helper()
	e.server = devtest.Restart(cleanupLast{e.T, e}, e.server)
}

// cleanupLast ends what belongs to it after everything else of the test has ended.
type cleanupLast struct {
	testing.TB
	e *engine
}

func (c cleanupLast) Cleanup(f func()) { c.e.last = append(c.e.last, f) }

// engineOn creates the namespace "default" on the servers; more than one replicate it.
func engineOn(t *testing.T, servers ...*devserver.Server) *engine {
	t.Helper()
	return limitedEngineOn(t, client.PayloadLimitOptions{}, servers...)
}

func limitedEngineOn(t *testing.T, limits client.PayloadLimitOptions, servers ...*devserver.Server) *engine {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	var urls []string
	for _, s := range servers {
		urls = append(urls, s.ClientURL())
	}
	e := &engine{T: t, ctx: ctx, server: servers[0], limits: limits, url: strings.Join(urls, ","),
		replayer: worker.NewWorkflowReplayer(), registered: make(map[string]bool)}
	t.Cleanup(func() {
		for _, f := range e.last {
			f()
		}
	})
	e.createNamespace(client.DefaultNamespace, streams.CreateOptions{Replicas: len(servers)})
	e.client = e.dial()
	e.replayAtEnd(e.client)
	return e
}

func (e *engine) createNamespace(name string, o streams.CreateOptions) {
	e.Helper()
	nc, err := nats.Connect(e.url)
	if err != nil {
		e.Fatal(err)
	}
	defer nc.Close()
	plan, err := streams.PlanNamespace(e.ctx, nc, name, o)
	if err == nil {
		err = plan.Apply(e.ctx)
	}
	if err != nil {
		e.Fatal(err)
	}
}

func (e *engine) dial() client.Client {
	e.Helper()
	return e.dialWith(client.Options{})
}

// dialWith connects to the engine's servers, back within milliseconds when they restart.
func (e *engine) dialWith(o client.Options) client.Client {
	e.Helper()
	o.HostPort, o.Logger, o.PayloadLimits = e.url, testLog{e.T}, e.limits
	o.ConnectionOptions.NATS = append(o.ConnectionOptions.NATS, nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(10*time.Millisecond, 10*time.Millisecond))
	c, err := client.Dial(o)
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(c.Close)
	return c
}

func (e *engine) admin() client.Admin { return e.adminOf(e.client) }

func (e *engine) adminOf(c client.Client) client.Admin {
	e.Helper()
	admin, err := client.NewAdmin(c)
	if err != nil {
		e.Fatal(err)
	}
	return admin
}

// replayAtEnd replays, when the workers have stopped, the runs in the client's namespace.
func (e *engine) replayAtEnd(c client.Client) {
	e.Cleanup(func() {
		if e.Failed() {
			return
		}
		for run, err := range e.adminOf(c).ListRuns(e.ctx, client.ListRunsOptions{}) {
			if err != nil {
				e.Errorf("list runs to replay: %v", err)
				return
			}
			if !e.registered[run.Type.Name] {
				continue // the test serves it nowhere
			}
			x := run.Execution
			if err := e.replayer.ReplayWorkflowRun(e.ctx, c, testLog{e.T}, x.WorkflowId, x.RunId); err != nil {
				e.Errorf("replay %s of run %s/%s: %v", run.Type.Name, x.WorkflowId, x.RunId, err)
			}
		}
	})
}

// work starts a worker, on a connection of its own, with what register gives it.
func (e *engine) work(options worker.Options, register func(w worker.Worker)) worker.Worker {
	e.Helper()
	return e.workOn(e.dial(), queue, options, register)
}

// workOn starts a worker of a queue.
func (e *engine) workOn(c client.Client, taskQueue string, options worker.Options, register func(w worker.Worker)) worker.Worker {
	e.Helper()
	w := worker.New(c, taskQueue, options)
	register(replayable{w, e})
	if err := w.Start(); err != nil {
		e.Fatal(err)
	}
	e.Cleanup(w.Stop)
	return w
}

// code are functions to register by the names that the test calls them.
type code map[string]any

// serve starts a worker with default options for workflows and activities.
func (e *engine) serve(workflows, activities code) worker.Worker {
	e.Helper()
	return e.serveWith(worker.Options{}, workflows, activities)
}

func (e *engine) serveWith(o worker.Options, workflows, activities code) worker.Worker {
	e.Helper()
	return e.work(o, func(w worker.Worker) { register(w, workflows, activities) })
}

// serveOn starts a worker of another queue.
func (e *engine) serveOn(taskQueue string, workflows, activities code) worker.Worker {
	e.Helper()
	return e.workOn(e.dial(), taskQueue, worker.Options{}, func(w worker.Worker) { register(w, workflows, activities) })
}

func register(w worker.Registry, workflows, activities code) {
	for name, fn := range workflows {
		w.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: name})
	}
	for name, fn := range activities {
		w.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}

// replayable is a worker whose functions are registered for the replay at the end, too.
type replayable struct {
	worker.Worker
	e *engine
}

func (r replayable) RegisterWorkflow(w interface{}) {
	r.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{})
}

func (r replayable) RegisterWorkflowWithOptions(w interface{}, o workflow.RegisterOptions) {
	r.Worker.RegisterWorkflowWithOptions(w, o)
	name := o.Name
	if name == "" {
		var err error
		if name, err = workflow.FunctionName(w); err != nil {
			r.e.Fatal(err)
		}
	}
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	r.e.registered[name] = true
	r.e.replayer.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: name, DisableAlreadyRegisteredCheck: true})
}

func (r replayable) RegisterActivity(a interface{}) {
	r.RegisterActivityWithOptions(a, activity.RegisterOptions{})
}

func (r replayable) RegisterActivityWithOptions(a interface{}, o activity.RegisterOptions) {
	r.Worker.RegisterActivityWithOptions(a, o)
	o.DisableAlreadyRegisteredCheck = true
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	r.e.replayer.RegisterActivityWithOptions(a, o)
}

// execute starts a workflow.
func (e *engine) execute(id string, fn interface{}, args ...interface{}) client.WorkflowRun {
	e.Helper()
	return e.executeWith(client.StartWorkflowOptions{ID: id, TaskQueue: queue}, fn, args...)
}

func (e *engine) executeWith(o client.StartWorkflowOptions, fn interface{}, args ...interface{}) client.WorkflowRun {
	e.Helper()
	if o.TaskQueue == "" {
		o.TaskQueue = queue
	}
	run, err := e.client.ExecuteWorkflow(e.ctx, o, fn, args...)
	if err != nil {
		e.Fatal(err)
	}
	return run
}

// result waits for a run and decodes what it returned.
func result[T any](e *engine, run client.WorkflowRun) T {
	e.Helper()
	var v T
	if err := run.Get(e.ctx, &v); err != nil {
		e.Fatalf("run %s: %v", run.GetID(), err)
	}
	return v
}

// failure waits for a run and returns its error, which it must have.
func (e *engine) failure(run client.WorkflowRun) error {
	e.Helper()
	err := run.Get(e.ctx, nil)
	if err == nil {
		e.Fatalf("run %s completed; it should have failed", run.GetID())
	}
	return err
}

// as finds an error of type E in the chain of err.
func as[E error](e *engine, err error) E {
	e.Helper()
	var found E
	if !errors.As(err, &found) {
		e.Fatalf("%v (%T) does not wrap a %T", err, err, found)
	}
	return found
}

func (e *engine) describe(id string) *client.WorkflowExecutionDescription {
	e.Helper()
	d, err := e.client.DescribeWorkflow(e.ctx, id, "")
	if err != nil {
		e.Fatal(err)
	}
	return d
}

// await polls a run's description until it is as what says.
func (e *engine) await(id, what string, holds func(d *client.WorkflowExecutionDescription) bool) *client.WorkflowExecutionDescription {
	e.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-poll.C {
		d := e.describe(id)
		if holds(d) {
			return d
		}
		if time.Now().After(deadline) {
			e.Fatalf("run %s: waited in vain for %s; it is %+v", id, what, d)
		}
	}
}

func (e *engine) awaitStatus(id string, want enums.WorkflowExecutionStatus) {
	e.Helper()
	e.await(id, want.String(), func(d *client.WorkflowExecutionDescription) bool { return d.Status == want })
}

// receive waits for something on a channel of the test.
func receive[T any](e *engine, c <-chan T, what string) T {
	e.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		e.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

func (e *engine) signal(id, name string, arg interface{}) {
	e.Helper()
	if err := e.client.SignalWorkflow(e.ctx, id, "", name, arg); err != nil {
		e.Fatal(err)
	}
}

// closedWithin says whether the newest run closes in the given time.
func (e *engine) closedWithin(id string, d time.Duration) bool {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.ctx, d)
	defer cancel()
	err := e.client.GetWorkflow(ctx, id, "").Get(ctx, nil)
	return err == nil || ctx.Err() == nil
}

// chain counts the runs of a workflow ID.
func (e *engine) chain(id string) (n int) {
	e.Helper()
	for _, err := range e.admin().ListRuns(e.ctx, client.ListRunsOptions{WorkflowID: id}) {
		if err != nil {
			e.Fatal(err)
		}
		n++
	}
	return n
}

// deadLetters counts the dead letters of the namespace "default".
func (e *engine) deadLetters() (n int) {
	e.Helper()
	core, err := client.CoreOf(e.client)
	if err != nil {
		e.Fatal(err)
	}
	for _, err := range core.Streams.DeadLetters(e.ctx, 0) {
		if err != nil {
			e.Fatal(err)
		}
		n++
	}
	return n
}

// history are the events of the newest run of a workflow ID so far.
func (e *engine) history(id string) (all []*apihistory.HistoryEvent) {
	e.Helper()
	it := e.client.GetWorkflowHistory(e.ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		ev, err := it.Next()
		if err != nil {
			e.Fatal(err)
		}
		all = append(all, ev)
	}
	return all
}

// quick are activity options for functions that end at once, retried without delay.
func quick(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 20 * time.Second,
		RetryPolicy: &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumInterval: 10 * time.Millisecond}})
}

// testLog writes warnings and errors to the test's log.
type testLog struct{ t *testing.T }

var _ log.Logger = testLog{}

func (testLog) Debug(string, ...any)          {}
func (testLog) Info(string, ...any)           {}
func (l testLog) Warn(msg string, kv ...any)  { l.t.Log(append([]any{"WARN", msg}, kv...)...) }
func (l testLog) Error(msg string, kv ...any) { l.t.Log(append([]any{"ERROR", msg}, kv...)...) }
