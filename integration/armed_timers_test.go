package integration

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// make faults sets many more.
var (
	armedTimers = flag.Int("timers", 400, "how many timers are armed while the server and all workers restart")
	timerRate   = flag.Int("timers.rate", 1000, "how many of them are due in a second")
)

// latestTimer is how late all but one of a hundred may fire.
const latestTimer = 15 * time.Second

// TestArmedTimersSurviveARestart arms timers, at most a number of them for a second, has the server and all coordinators restart
// before that, and looks into every history for the one firing.
func TestArmedTimersSurviveARestart(t *testing.T) {
	e := newEngine(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute+time.Duration(*armedTimers)*20*time.Millisecond)
	e.ctx, e.last = ctx, append(e.last, cancel)
	a := &armed{engine: e, ctx: ctx, due: make(map[string]time.Time)}
	stop := a.serve()
	sample := min(*armedTimers, 50)
	began := time.Now()
	a.start(0, sample, time.Now().Add(time.Second))
	// Three times the time that the first took, and some for what follows, also on a busy machine.
	due := time.Now().Add(3*time.Since(began)*time.Duration(*armedTimers/sample) + 7*time.Second)
	a.start(sample, *armedTimers, due)
	a.awaitFired(sample)
	a.awaitArmed((*armedTimers - sample) * 9 / 10)
	stop()
	if early := a.countFired() - sample; early > *armedTimers/10 {
		t.Fatalf("%d timers fired before the restart: too little is shown", early)
	}
	e.restart()
	t.Logf("the server was back %v before the timers were due", time.Until(due).Round(time.Millisecond))
	stop = a.serve()
	a.awaitFired(*armedTimers)
	stop()
	late := a.examine()
	slices.Sort(late)
	p99 := late[len(late)*99/100]
	t.Logf("%d timers: late by p50 %v, p99 %v, at most %v", len(late), late[len(late)/2], p99, late[len(late)-1])
	if p99 >= latestTimer {
		t.Errorf("the p99 of how late timers fired is %v, the limit is %v", p99, latestTimer)
	}
}

// armed are runs that wait for one timer each.
type armed struct {
	*engine
	ctx context.Context

	mu    sync.Mutex // guards the rest
	due   map[string]time.Time
	fired map[string]bool
}

// serve starts two workers, and returns what stops them.
func (a *armed) serve() (stop func()) {
	a.Helper()
	var all []worker.Worker
	for range 2 {
		w := worker.New(a.dial(), queue, worker.Options{})
		w.RegisterWorkflowWithOptions(a.wait, workflow.RegisterOptions{Name: "armed"})
		if err := w.Start(); err != nil {
			a.Fatal(err)
		}
		all = append(all, w)
		a.Cleanup(w.Stop)
	}
	return func() {
		for _, w := range all {
			w.Stop()
		}
	}
}

// wait is the workflow. That it notes its end beside the history is only to know when to look there.
func (a *armed) wait(ctx workflow.Context, due time.Time) error {
	err := workflow.Sleep(ctx, due.Sub(workflow.Now(ctx)))
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fired == nil {
		a.fired = make(map[string]bool)
	}
	a.fired[workflow.GetInfo(ctx).WorkflowExecution.ID] = true
	return err
}

// start starts the runs with the numbers from to before to, of which at most timerRate are due in each second from due on.
func (a *armed) start(from, to int, due time.Time) {
	a.Helper()
	slots := make(chan struct{}, 64)
	spread := max(time.Second, time.Duration(to)*time.Second/time.Duration(*timerRate))
	var group sync.WaitGroup
	for i := from; i < to; i++ {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			id, at := fmt.Sprint("armed-", i), due.Add(time.Duration(i)*spread/time.Duration(to))
			if _, err := a.client.ExecuteWorkflow(a.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, "armed", at); err != nil {
				a.Error(err)
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			a.due[id] = at
		})
	}
	group.Wait()
	if a.Failed() {
		a.FailNow()
	}
}

func (a *armed) countFired() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.fired)
}

func (a *armed) awaitFired(n int) {
	a.Helper()
	a.poll(fmt.Sprintf("%d timers to fire", n), func() (string, bool) {
		count := a.countFired()
		return fmt.Sprint(count, " have"), count >= n
	})
}

// awaitArmed waits until as many wake-ups wait at the broker.
func (a *armed) awaitArmed(n int) {
	a.Helper()
	nc, err := nats.Connect(a.url)
	if err != nil {
		a.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		a.Fatal(err)
	}
	a.poll(fmt.Sprintf("%d wake-ups to be armed", n), func() (string, bool) {
		s, err := js.Stream(a.ctx, "MILLRACE_default_0_INBOX")
		if err != nil {
			return err.Error(), false
		}
		info, err := s.Info(a.ctx, jetstream.WithSubjectFilter("millrace.default.0.timer.>"))
		if err != nil {
			return err.Error(), false
		}
		return fmt.Sprint(len(info.State.Subjects), " are"), len(info.State.Subjects) >= n
	})
}

func (a *armed) poll(what string, done func() (state string, ok bool)) {
	a.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		state, ok := done()
		if ok {
			return
		}
		select {
		case <-a.ctx.Done():
			a.Fatalf("awaited %s: %s", what, state)
		case <-tick.C:
		}
	}
}

// examine reads every history and returns how late each timer fired. A worker that is stopped has sent what it decided.
func (a *armed) examine() (late []time.Duration) {
	a.Helper()
	core, err := client.CoreOf(a.client)
	if err != nil {
		a.Fatal(err)
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	slots := make(chan struct{}, 16)
	for id, due := range a.due {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			behind, err := a.firing(core.Streams, id, due)
			mu.Lock()
			defer mu.Unlock()
			if late = append(late, behind); err != nil {
				a.Errorf("run %s: %v", id, err)
			}
		})
	}
	group.Wait()
	return late
}

// firing is how late the run's only timer has fired.
func (a *armed) firing(ns *streams.Namespace, id string, due time.Time) (behind time.Duration, err error) {
	start, _, err := streams.LastRun(a.ctx, ns, id, 0)
	if err != nil {
		return 0, err
	}
	_, transitions, err := streams.ReadTransitions(a.ctx, ns, start.Run.Run, 0)
	if err != nil {
		return 0, err
	}
	started, fired, completed := 0, 0, 0
	for _, t := range transitions {
		for _, event := range t.Events {
			switch event.Attributes.(type) {
			case *history.TimerStarted:
				started++
			case *history.TimerFired:
				fired, behind = fired+1, t.Time.Sub(due)
			case *history.WorkflowExecutionCompleted:
				completed++
			}
		}
	}
	if started != 1 || fired != 1 || completed != 1 {
		return behind, fmt.Errorf("%d timers started, %d fired, %d times completed", started, fired, completed)
	}
	// A timer begins with the transition that sets it, whose time the code was told.
	if behind < -time.Millisecond {
		return behind, fmt.Errorf("the timer fired %v early", -behind)
	}
	return behind, nil
}
