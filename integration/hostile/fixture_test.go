package hostile

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/daemon"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const queue = "main"

// engine is a server with a namespace, a daemon's intake, a client and a worker.
type engine struct {
	*testing.T
	ctx       context.Context
	namespace string
	conn      *nats.Conn
	streams   *streams.Namespace
	client    client.Client
	replayer  worker.WorkflowReplayer
	log       *keptLog
}

func newEngine(t *testing.T, namespace string) *engine {
	t.Helper()
	return newEngineWith(t, namespace, client.Options{})
}

func newEngineWith(t *testing.T, namespace string, o client.Options) *engine {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute+time.Duration(*floodMessages)*20*time.Millisecond)
	t.Cleanup(cancel)
	e := &engine{T: t, ctx: ctx, namespace: namespace, replayer: worker.NewWorkflowReplayer(), log: &keptLog{}}
	nc, err := nats.Connect(devtest.Server(t).ClientURL())
	e.must(err)
	t.Cleanup(nc.Close)
	e.conn = nc
	plan, err := streams.PlanNamespace(ctx, nc, namespace, streams.CreateOptions{})
	e.must(err)
	e.must(plan.Apply(ctx))
	e.streams, err = streams.Open(ctx, nc, namespace)
	e.must(err)
	o.HostPort, o.Namespace, o.Logger = nc.ConnectedUrl(), namespace, e.log
	e.client, err = client.Dial(o)
	e.must(err)
	t.Cleanup(e.client.Close)
	e.intake()
	return e
}

func (e *engine) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// intake serves the intake until the test ends.
func (e *engine) intake() {
	ctx, cancel := context.WithCancel(e.ctx)
	ready, done := make(chan struct{}), make(chan error, 1)
	i := daemon.NewIntake(e.streams, daemon.IntakeConfig{Logger: e.log, Ready: func() { close(ready) }})
	go func() { done <- i.Run(ctx) }()
	e.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			e.Error(err)
		}
	})
	select {
	case <-ready:
	case <-e.ctx.Done():
		e.Fatal("the intake is not ready")
	}
}

// work starts a worker of a queue.
func (e *engine) work(taskQueue string, workflows, activities map[string]any) {
	e.Helper()
	w := worker.New(e.client, taskQueue, worker.Options{})
	for name, fn := range workflows {
		w.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: name})
		e.replayer.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: name, DisableAlreadyRegisteredCheck: true})
	}
	for name, fn := range activities {
		w.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
	e.must(w.Start())
	e.Cleanup(w.Stop)
}

// queued makes activities go through their task queue.
func queued(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 20 * time.Second, DisableEagerExecution: true,
		RetryPolicy: &millrace.RetryPolicy{MaximumAttempts: 3}})
}

// keptLog keeps what a test may want to see.
type keptLog struct {
	mu    sync.Mutex // guards lines
	lines []string
}

var _ log.Logger = (*keptLog)(nil)

func (l *keptLog) add(level, msg string, kv []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) < 2000 || strings.Contains(msg, "panic") {
		l.lines = append(l.lines, fmt.Sprintf("%s %s %.300v", level, msg, fmt.Sprint(kv...)))
	}
}

func (*keptLog) Debug(string, ...any)          {}
func (*keptLog) Info(string, ...any)           {}
func (l *keptLog) Warn(msg string, kv ...any)  { l.add("WARN", msg, kv) }
func (l *keptLog) Error(msg string, kv ...any) { l.add("ERROR", msg, kv) }
func (l *keptLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
