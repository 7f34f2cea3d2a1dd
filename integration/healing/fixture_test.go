// Package healing breaks what a running namespace needs, on purpose, and waits until the daemon has put it right.
package healing

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/daemon"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	queue = "healing"
	// bound is how long anything may take to be healed here, with the short periods of heal.
	bound = 15 * time.Second
)

// site is a namespace on a server, with the daemon's healer and connections for breaking things.
type site struct {
	*testing.T
	ctx    context.Context
	nc     *nats.Conn
	js     jetstream.JetStream
	ns     *streams.Namespace
	client client.Client

	mu      sync.Mutex // guards healed
	healed  []daemon.Healing
	changed chan struct{}
}

func setup(t *testing.T) *site {
	t.Helper()
	t.Parallel()
	server := devtest.Server(t)
	s := &site{T: t, nc: devtest.Conn(t, server), changed: make(chan struct{}, 1)}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	s.ctx = ctx
	plan, err := streams.PlanNamespace(ctx, s.nc, "default", streams.CreateOptions{})
	s.must(err)
	s.must(plan.Apply(ctx))
	s.ns, err = streams.Open(ctx, s.nc, "default")
	s.must(err)
	s.js, err = jetstream.New(s.nc)
	s.must(err)
	s.client, err = client.Dial(client.Options{HostPort: server.ClientURL()})
	s.must(err)
	t.Cleanup(s.client.Close)
	return s
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// heal runs a daemon's healer in a hurry until the test ends.
func (s *site) heal() {
	ctx, cancel := context.WithCancel(s.ctx)
	ended := make(chan error, 1)
	h := daemon.NewHealer(s.ns, daemon.HealerConfig{Every: 200 * time.Millisecond, StallAfter: 2 * time.Second,
		ScanEvery: 500 * time.Millisecond, Age: 1500 * time.Millisecond, Rate: 2000, Healed: func(h daemon.Healing) {
			s.Logf("healed: %s %s", h.Measure, h.Object)
			s.mu.Lock()
			s.healed = append(s.healed, h)
			s.mu.Unlock()
			select {
			case s.changed <- struct{}{}:
			default:
			}
		}})
	go func() { ended <- h.Run(ctx) }()
	s.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Error(err)
		}
	})
}

// await waits for a measure of the healer.
func (s *site) await(measure string) daemon.Healing {
	s.Helper()
	late := time.After(bound)
	for {
		s.mu.Lock()
		i := slices.IndexFunc(s.healed, func(h daemon.Healing) bool { return h.Measure == measure })
		if i >= 0 {
			defer s.mu.Unlock()
			return s.healed[i]
		}
		s.mu.Unlock()
		select {
		case <-s.changed:
		case <-late:
			s.Fatalf("no measure %q within %v; there were %v", measure, bound, s.healed)
		}
	}
}

// work serves the queue until the test ends, or stop is called.
func (s *site) work(register func(r worker.Worker)) (stop func()) {
	s.Helper()
	w := worker.New(s.client, queue, worker.Options{WorkerLossTimeout: 5 * time.Second, MaxConcurrentActivityExecutionSize: 4})
	register(w)
	s.must(w.Start())
	stop = sync.OnceFunc(w.Stop)
	s.Cleanup(stop)
	return stop
}

func (s *site) start(id string, f any, args ...any) client.WorkflowRun {
	s.Helper()
	run, err := s.client.ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, f, args...)
	s.must(err)
	return run
}

// ends waits for a run's result.
func (s *site) ends(run client.WorkflowRun, want string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, 2*bound)
	defer cancel()
	var got string
	if err := run.Get(ctx, &got); err != nil || got != want {
		s.Fatalf("run %s ended with %q, %v, want %q", run.GetID(), got, err, want)
	}
}

// until looks until what is looked for is there: the broker tells nobody.
func (s *site) until(what string, there func() bool) {
	s.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(bound)
	for !there() {
		select {
		case <-tick.C:
		case <-late:
			s.Fatalf("no %s within %v", what, bound)
		}
	}
}

func (s *site) stream(kind string) jetstream.Stream {
	s.Helper()
	stream, err := s.js.Stream(s.ctx, name(kind))
	s.must(err)
	return stream
}

func name(kind string) string { return "MILLRACE_default_0_" + kind }

// count is the number of messages on a subject.
func (s *site) count(kind, subject string) int {
	s.Helper()
	info, err := s.stream(kind).Info(s.ctx, jetstream.WithSubjectFilter(subject))
	s.must(err)
	n := 0
	for _, k := range info.State.Subjects {
		n += int(k)
	}
	return n
}

// purge removes what is on a subject, as an operator might by mistake.
func (s *site) purge(kind, subject string) {
	s.Helper()
	s.until("message on "+subject, func() bool { return s.count(kind, subject) > 0 })
	s.must(s.stream(kind).Purge(s.ctx, jetstream.WithPurgeSubject(subject)))
}

// charge is a workflow of one activity on a queue of its own.
func charge(ctx workflow.Context, activityQueue string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, TaskQueue: activityQueue})
	var out string
	err := workflow.ExecuteActivity(ctx, pay).Get(ctx, &out)
	return out, err
}

func pay(context.Context) (string, error) { return "paid", nil }

// nap is a workflow that sleeps.
func nap(ctx workflow.Context, d time.Duration) (string, error) {
	return "awake", workflow.Sleep(ctx, d)
}

// work is a workflow of several activities, one after the other, and a child.
func long(ctx workflow.Context, steps int) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, DisableEagerExecution: true})
	for i := range steps {
		if err := workflow.ExecuteActivity(ctx, step, i).Get(ctx, nil); err != nil {
			return "", err
		}
	}
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID + "-child"})
	var out string
	err := workflow.ExecuteChildWorkflow(ctx, nap, 50*time.Millisecond).Get(ctx, &out)
	return fmt.Sprintf("%d steps, child %s", steps, out), err
}

func step(ctx context.Context, i int) error {
	select {
	case <-time.After(time.Duration(i%3) * 20 * time.Millisecond):
	case <-ctx.Done():
	}
	return ctx.Err()
}

// stubborn is an activity that ends only when it is canceled.
func stubborn(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			activity.RecordHeartbeat(ctx)
		}
	}
}
