package coordinator_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const queue = "q"

// fixture is a namespace in memory and the coordinators that serve one queue of it, inside a synctest bubble: time
// passes only while everybody waits.
type fixture struct {
	*testing.T
	ctx    context.Context
	model  *streamstest.Model
	mu     sync.Mutex
	bodies map[string]replay.Body
	hook   streamstest.Hook
	config coordinator.Config
	// lanes are where tasks are looked for.
	lanes []streams.TaskLane
}

// inBubble runs a test with a fixture of its own.
func inBubble(t *testing.T, test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{T: t, ctx: t.Context(), bodies: map[string]replay.Body{}, lanes: simulatedLanes()}
		f.model = streamstest.New(streamstest.Options{Hook: func(op streamstest.Op, run history.Run, n int) streamstest.Fault {
			f.mu.Lock()
			hook := f.hook
			f.mu.Unlock()
			if hook == nil {
				return streamstest.Proceed
			}
			return hook(op, run, n)
		}})
		test(f)
	})
}

// faults sets the hook that decides which calls fail.
func (f *fixture) faults(hook streamstest.Hook) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
}

// deploy sets the code of a workflow type, for coordinators that are already running too.
func (f *fixture) deploy(name string, body replay.Body) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bodies[name] = body
}

func (f *fixture) definition(name string) (replay.Body, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, ok := f.bodies[name]
	return body, ok
}

// serve starts a coordinator and returns what stops it.
func (f *fixture) serve() (stop func()) {
	return f.serveOn(f.model)
}

func (f *fixture) serveOn(b coordinator.Broker) (stop func()) {
	f.Helper()
	cfg := f.config
	cfg.Queue, cfg.Definition, cfg.Logger = queue, f.definition, testLog{f.T}
	c, err := coordinator.New(b, cfg)
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			f.Errorf("coordinator: %v", err)
		}
	})
	f.Cleanup(stop)
	return stop
}

func (f *fixture) newStart(workflowID, workflowType string) *history.Start {
	return &history.Start{
		Run:     history.Address{Run: history.Run{WorkflowID: workflowID, RunID: uuid.NewString()}, Queue: queue},
		Type:    workflowType,
		Time:    time.Now(),
		Attempt: 1,
	}
}

// start starts a run.
func (f *fixture) start(workflowID, workflowType string) history.Address {
	f.Helper()
	return f.startWith(f.newStart(workflowID, workflowType))
}

func (f *fixture) startWith(s *history.Start) history.Address {
	f.Helper()
	run, err := streams.StartRun(f.ctx, f.model, streams.StartRequest{Start: s})
	if err != nil {
		f.Fatal(err)
	}
	return run
}

func (f *fixture) send(run history.Address, m *history.Message) {
	f.Helper()
	if err := f.model.Send(f.ctx, run, m); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) signal(run history.Address, name, id string) {
	f.Helper()
	f.send(run, signal(name, id))
}

func signal(name, id string) *history.Message {
	return &history.Message{ID: id, Signal: &history.Signal{Name: name, Input: text(id)}}
}

func (f *fixture) complete(run history.Address, activity int64, result string) {
	f.Helper()
	f.send(run, completion(activity, 1, result))
}

func completion(activity int64, attempt int32, result string) *history.Message {
	return &history.Message{ID: fmt.Sprint(attempt),
		Activity: &history.ActivityResult{Scheduled: activity, Attempt: attempt, Result: text(result)}}
}

// settle lets everything happen that happens within d.
func (f *fixture) settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// transitions are the records of a run.
func (f *fixture) transitions(run history.Address) []*history.Transition {
	f.Helper()
	loaded, err := f.model.Load(f.ctx, run.Run, 0)
	if err != nil {
		f.Fatal(err)
	}
	var all []*history.Transition
	for i := range loaded.Records {
		t, err := loaded.Records[i].Transition()
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, t)
	}
	return all
}

// state is the fold of a run's records, which fails the test when they do not follow from each other.
func (f *fixture) state(run history.Address) *history.State {
	f.Helper()
	found, err := f.model.FindStart(f.ctx, run.Run)
	if err != nil {
		f.Fatal(err)
	}
	start, err := history.DecodeStart(found.Data)
	if err != nil {
		f.Fatal(err)
	}
	s := history.NewState(start)
	for _, t := range f.transitions(run) {
		if err := s.Apply(t); err != nil {
			f.Fatal(err)
		}
	}
	return s
}

// events are all events of a run after its start.
func (f *fixture) events(run history.Address) []history.Event {
	f.Helper()
	var all []history.Event
	for _, t := range f.transitions(run) {
		all = append(all, t.Events...)
	}
	return all
}

func (f *fixture) wantStatus(run history.Address, want enums.WorkflowExecutionStatus) {
	f.Helper()
	if got := f.state(run).Status; got != want {
		f.Fatalf("run %s is %v, want %v; events %v", run.Run, got, want, f.events(run))
	}
}

func (f *fixture) wantResult(run history.Address, want string) {
	f.Helper()
	f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	result, _, _ := f.state(run).Result()
	if got := string(result.GetPayloads()[0].Data); got != want {
		f.Fatalf("run %s completed with %q, want %q", run.Run, got, want)
	}
}

func (f *fixture) deadLetters() []streams.DeadLetter {
	f.Helper()
	var all []streams.DeadLetter
	for d, err := range f.model.DeadLetters(f.ctx, 0) {
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func (f *fixture) queued(run history.Address, activity int64) bool {
	f.Helper()
	for _, lane := range f.lanes {
		ok, err := f.model.TaskQueued(f.ctx, streams.TaskRef{Run: run.Run, Queue: queue, Activity: activity, TaskLane: lane})
		if err != nil {
			f.Fatal(err)
		}
		if ok {
			return true
		}
	}
	return false
}

// waiting is what is left in a run's inbox.
func (f *fixture) waiting(run history.Address) []streams.Waiting {
	f.Helper()
	w, err := f.model.ReadInbox(f.ctx, run, "", 0)
	if err != nil {
		f.Fatal(err)
	}
	return w
}

func text(s string) *common.Payloads {
	return &common.Payloads{Payloads: []*common.Payload{{Data: []byte(s)}}}
}

// one is the workflow of one activity, whose result it returns.
func one(env *replay.Env) { env.Complete(call(env, "A")) }

// call runs an activity to its end.
func call(env *replay.Env, name string) *common.Payloads {
	var out *replay.Outcome
	if _, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: name, StartToClose: 1000},
		func(o replay.Outcome) { out = &o }); err != nil {
		panic(err)
	}
	env.Block("activity "+name, func() bool { return out != nil })
	return out.Result
}

// sleep waits for a timer.
func sleep(env *replay.Env, d time.Duration) {
	fired := false
	env.StartTimer(d, "", func() { fired = true })
	env.Block("timer", func() bool { return fired })
}

// collect is a workflow that gathers n signals and returns their inputs in order.
func collect(n int) replay.Body {
	return func(env *replay.Env) {
		var got string
		count := 0
		env.OnSignal(func(s *history.WorkflowExecutionSignaled) {
			got += string(s.Input.Payloads[0].Data) + " "
			count++
		})
		env.Block("signals", func() bool { return count >= n })
		env.Complete(text(got))
	}
}

// testLog writes to the test's log.
type testLog struct{ t *testing.T }

var _ log.Logger = testLog{}

func (l testLog) Debug(msg string, kv ...any) { l.t.Log(append([]any{"DEBUG", msg}, kv...)...) }
func (l testLog) Info(msg string, kv ...any)  { l.t.Log(append([]any{"INFO", msg}, kv...)...) }
func (l testLog) Warn(msg string, kv ...any)  { l.t.Log(append([]any{"WARN", msg}, kv...)...) }
func (l testLog) Error(msg string, kv ...any) { l.t.Log(append([]any{"ERROR", msg}, kv...)...) }
