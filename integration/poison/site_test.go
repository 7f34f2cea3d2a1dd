package poison

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/streams"
)

// every is how often a healthy run is started.
const every = 25 * time.Millisecond

// site is a server with a namespace, worker processes that are started again when they die, and a steady load of healthy
// runs.
type site struct {
	*testing.T
	ctx    context.Context
	url    string
	client client.Client

	group sync.WaitGroup // everything below that runs
	halt  context.CancelFunc

	mu      sync.Mutex // guards the rest
	variant string
	workers []*process
	deaths  []time.Time
	runs    []*healthyRun
}

// healthyRun is one run of the load. ended is zero while it runs.
type healthyRun struct {
	id             string
	started, ended time.Time
	err            error
}

func newSite(t *testing.T) *site {
	t.Helper()
	server := devtest.Server(t)
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	s := &site{T: t, ctx: ctx, url: server.ClientURL()}
	t.Cleanup(cancel)
	plan, err := streams.PlanNamespace(ctx, devtest.Conn(t, server), "default", streams.CreateOptions{})
	s.must(err)
	s.must(plan.Apply(ctx))
	s.client, err = client.Dial(client.Options{HostPort: s.url})
	s.must(err)
	t.Cleanup(s.client.Close)
	s.ctx, s.halt = context.WithCancel(ctx)
	t.Cleanup(func() {
		s.halt()
		s.group.Wait()
	})
	for range 2 {
		s.keepWorker()
	}
	s.load()
	return s
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// process is a worker.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	ready chan struct{}
	ended chan struct{}
}

func (s *site) startWorker() (*process, error) {
	s.mu.Lock()
	variant := s.variant
	s.mu.Unlock()
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(exe), ready: make(chan struct{}), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), urlEnv+"="+s.url, variantEnv+"="+variant, "GOTRACEBACK=none")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		if lines := bufio.NewScanner(out); lines.Scan() {
			close(p.ready)
		}
		_, _ = io.Copy(io.Discard, out)
		_ = p.cmd.Wait() // how it ended does not matter
		close(p.ended)
	}()
	return p, nil
}

// keepWorker starts a worker, and another one whenever it dies, until the site ends. It returns when the first is ready.
func (s *site) keepWorker() {
	s.Helper()
	first := make(chan error, 1)
	s.group.Go(func() {
		for s.ctx.Err() == nil {
			p, err := s.startWorker()
			if err != nil {
				first <- err
				return
			}
			s.mu.Lock()
			s.workers = append(s.workers, p)
			s.mu.Unlock()
			select {
			case <-p.ready:
				select {
				case first <- nil:
				default:
				}
			case <-p.ended:
			}
			select {
			case <-p.ended:
				s.mu.Lock()
				s.deaths = append(s.deaths, time.Now())
				s.workers = slices.DeleteFunc(s.workers, func(q *process) bool { return q == p })
				s.mu.Unlock()
			case <-s.ctx.Done():
				_ = p.cmd.Process.Kill() // it has ended or ends
				<-p.ended
			}
		}
	})
	s.must(<-first)
}

// redeploy replaces all workers by ones with other code, the old ones first being told to stop.
func (s *site) redeploy(variant string) {
	s.mu.Lock()
	s.variant = variant
	old := slices.Clone(s.workers)
	s.mu.Unlock()
	for _, p := range old {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // its keeper starts the next one
		<-p.ended
	}
}

// load starts healthy runs until the site ends.
func (s *site) load() {
	s.group.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-s.ctx.Done():
				return
			case <-tick.C:
			}
			r := &healthyRun{id: fmt.Sprint("healthy-", n), started: time.Now()}
			s.mu.Lock()
			s.runs = append(s.runs, r)
			s.mu.Unlock()
			s.group.Go(func() { s.follow(r) })
		}
	})
}

func (s *site) follow(r *healthyRun) {
	run, err := s.client.ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{ID: r.id, TaskQueue: queue}, "healthy")
	if err == nil {
		err = run.Get(s.ctx, nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ended, r.err = time.Now(), err
}

// measure is the 99th percentile of the time that runs took that were started since from, once all of them have ended.
func (s *site) measure(from time.Time) time.Duration {
	s.Helper()
	to := time.Now()
	var took []time.Duration
	s.until("end of the healthy runs", 30*time.Second, func() bool {
		took = nil
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, r := range s.runs {
			if r.started.Before(from) || r.started.After(to) {
				continue
			}
			if r.ended.IsZero() {
				return false
			}
			if r.err != nil {
				s.Fatalf("healthy run %s: %v", r.id, r.err)
			}
			took = append(took, r.ended.Sub(r.started))
		}
		return true
	})
	if len(took) < 5 {
		s.Fatalf("only %d healthy runs in %v: nothing was measured", len(took), to.Sub(from))
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// resumed is the longest time that a healthy run went on after its start, or after the last death of a process before its
// end.
func (s *site) resumed(from time.Time) (longest time.Duration, runs int) {
	s.measure(from)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.runs {
		if r.started.Before(from) || r.ended.IsZero() {
			continue
		}
		begun := r.started
		for _, d := range s.deaths {
			if d.After(begun) && d.Before(r.ended) {
				begun = d
			}
		}
		longest, runs = max(longest, r.ended.Sub(begun)), runs+1
	}
	return longest, runs
}

func (s *site) died(from time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, d := range s.deaths {
		if d.After(from) {
			n++
		}
	}
	return n
}

// until looks until what is looked for is there: the broker tells nobody.
func (s *site) until(what string, limit time.Duration, there func() bool) {
	s.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(limit)
	for !there() {
		select {
		case <-tick.C:
		case <-late:
			s.Fatalf("no %s within %v", what, limit)
		}
	}
}

func (s *site) start(workflow string, args ...any) client.WorkflowRun {
	s.Helper()
	run, err := s.client.ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{TaskQueue: queue}, workflow, args...)
	s.must(err)
	return run
}

// stuck waits until a run is shown as stuck for a reason that holds the text, and terminates it.
func (s *site) stuck(run client.WorkflowRun, reason string, limit time.Duration) string {
	s.Helper()
	var shown string
	s.until("reason with "+reason, limit, func() bool {
		d, err := s.client.DescribeWorkflow(s.ctx, run.GetID(), run.GetRunID())
		if err != nil {
			return false
		}
		shown = d.Stuck
		return contains(shown, reason)
	})
	s.must(s.client.TerminateWorkflow(s.ctx, run.GetID(), run.GetRunID(), "seen"))
	return shown
}

// fails waits until a run has failed with the text in its error.
func (s *site) fails(run client.WorkflowRun, reason string, limit time.Duration) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, limit)
	defer cancel()
	err := run.Get(ctx, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		d, described := s.client.DescribeWorkflow(s.ctx, run.GetID(), run.GetRunID())
		s.Fatalf("run %s has not ended within %v; it waits for %+v (%v)", run.GetID(), limit, d, described)
	}
	if err == nil || !contains(err.Error(), reason) {
		s.Fatalf("run %s ended with %.300v, want one with %q", run.GetID(), err, reason)
	}
	return err.Error()
}
