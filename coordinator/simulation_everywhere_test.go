package coordinator_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// tour uses every kind of command, continues as new, and completes.
func tour(env *replay.Env) {
	s := newScripted(env)
	if s.in.Gen > 0 {
		env.Complete(text("done"))
		return
	}
	env.Version("change", 2)
	if _, err := env.SideEffect("", func() *common.Payloads { return text("chosen") }); err != nil {
		panic(err)
	}
	for name, err := range map[string]error{
		"memo":   env.UpsertMemo(&common.Memo{Fields: map[string]*common.Payload{"k": text("v").Payloads[0]}}),
		"search": env.UpsertSearch(&common.SearchAttributes{IndexedFields: map[string]*common.Payload{"k": text("v").Payloads[0]}}),
	} {
		if err != nil {
			panic(name + ": " + err.Error())
		}
	}
	for kind := range 13 {
		s.step(kind)
	}
	c := &pendingCall{}
	slow := &history.ActivityTaskScheduled{Type: slowActivity, StartToClose: history.MillisOf(15 * time.Second)}
	c.id = must(s.ScheduleActivity(slow, func(replay.Outcome) { c.done = true }))
	sleep(s.Env, time.Second)
	s.RequestCancelActivity(c.id)
	s.await(c)
	s.in.Gen++
	env.ContinueAsNew(&history.Successor{Type: "tour", Input: s.in.payloads()})
}

// failure is a way in which one call to the broker goes wrong.
type failureMode struct {
	name  string
	fault streamstest.Fault
	// late holds the call up until whoever made it counts as dead and others have gone on.
	late time.Duration
}

var failureModes = []failureMode{
	{"refused", streamstest.InFlight, 0},
	{"timed out and done", streamstest.Ambiguous, 0},
	{"timed out and not done", streamstest.Lost, 0},
	{"done twice", streamstest.Duplicate, 0},
	{"overtaken by later calls", streamstest.Proceed, 2 * simulatedAckWait},
	{"answered with the past", streamstest.Stale, 0},
}

// TestEveryStorageCallMayFail lets the k-th call to the broker fail, in each way that it can, for every k that a run
// with all kinds of commands leads to, while two coordinators and two workers serve it; and holds what is left, and
// every step on the way, to the rules of the simulation.
func TestEveryStorageCallMayFail(t *testing.T) {
	for _, mode := range failureModes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			for k := 1; ; k++ {
				struck := false
				ok := t.Run(fmt.Sprint("call ", k), func(t *testing.T) {
					inBubble(t, func(f *fixture) { struck = runTour(f, mode, k) })
				})
				if !ok || !struck {
					break
				}
				calls = k
			}
			if calls < 100 {
				t.Errorf("the run made %d calls", calls)
			}
		})
	}
}

// TestTheTourUsesEveryKindOfCommand: what the tour leaves out, TestEveryStorageCallMayFail says nothing of.
func TestTheTourUsesEveryKindOfCommand(t *testing.T) {
	used := map[enums.EventType]bool{}
	inBubble(t, func(f *fixture) {
		runTour(f, failureModes[0], 0)
		for start, err := range f.model.ListStarts(f.ctx, streams.StartFilter{}) {
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := f.model.Load(f.ctx, start.Run.Run, 0)
			if err != nil {
				t.Fatal(err)
			}
			for i := range loaded.Records {
				record, err := streams.TransitionOf(f.ctx, f.model, &loaded.Records[i])
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range record.Events {
					used[e.Type] = true
				}
			}
		}
	})
	for _, made := range []history.Attributes{
		&history.ActivityTaskScheduled{}, &history.ActivityTaskCancelRequested{}, &history.TimerStarted{}, &history.TimerCanceled{},
		&history.StartChildWorkflowExecutionInitiated{}, &history.SignalExternalWorkflowExecutionInitiated{},
		&history.RequestCancelExternalWorkflowExecutionInitiated{}, &history.MarkerRecorded{},
		&history.UpsertWorkflowSearchAttributes{}, &history.WorkflowPropertiesModified{},
		&history.WorkflowExecutionUpdateAccepted{}, &history.WorkflowExecutionUpdateCompleted{},
		&history.WorkflowExecutionContinuedAsNew{}, &history.WorkflowExecutionCompleted{},
	} {
		if !used[made.EventType()] {
			t.Errorf("no run has %s", made.EventType())
		}
	}
}

// runTour runs the workflow to its end, and says whether it came to the k-th call.
func runTour(f *fixture, mode failureMode, k int) bool {
	s := newSimulation(f, 1)
	s.calm.Store(true)
	s.config = coordinator.Config{AckWait: simulatedAckWait, CacheSize: 2, MaxConcurrent: 4}
	f.deploy("tour", tour)
	var calls atomic.Int64
	f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
		if s.own.Load() > 0 || op == streamstest.OpConsume || calls.Add(1) != int64(k) {
			return streamstest.Proceed
		}
		time.Sleep(mode.late)
		return possible(mode.fault, op)
	})
	ctx, stop := context.WithCancel(s.ctx)
	for i := range 2 {
		s.group.Go(func() {
			s.keepCoordinator(ctx, fmt.Sprint("coordinator", i), rand.New(rand.NewPCG(1, uint64(i))), 0)
		})
		s.group.Go(func() { s.keepWorker(ctx, fmt.Sprint("worker", i)) })
	}
	s.faultless(func() {
		start := f.newStart("w0", "tour")
		start.Run.RunID = s.newRunID(s.rng)
		start.Input = scriptInput{Seed: 1}.payloads()
		run := f.startWith(start)
		f.send(run, signal("n", "early"))
		s.signalSent(run.WorkflowID, "s:early")
		f.send(run, &history.Message{ID: history.UpdateMessageID("u"), Update: &history.UpdateRequest{ID: "u", Name: "plain"}})
	})
	s.settleAll()
	stop()
	s.group.Wait()
	f.faults(nil)
	s.check()
	return calls.Load() >= int64(k)
}
