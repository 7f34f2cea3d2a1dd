package coordinator_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
)

// scriptInput is all that a simulated workflow knows: it decides by random numbers that its input determines.
type scriptInput struct {
	Seed  uint64
	Depth int // of children
	Gen   int // of continue-as-new
}

// payloads is the JSON of the input, written and read by hand: it is read each time that a run is loaded.
func (in scriptInput) payloads() *common.Payloads {
	data := strconv.AppendUint([]byte(`{"Seed":`), in.Seed, 10)
	data = strconv.AppendInt(append(data, `,"Depth":`...), int64(in.Depth), 10)
	data = strconv.AppendInt(append(data, `,"Gen":`...), int64(in.Gen), 10)
	return &common.Payloads{Payloads: []*common.Payload{{Data: append(data, '}')}}}
}

// parseInput reads what payloads writes: three numbers.
func parseInput(data []byte) scriptInput {
	var numbers [3]uint64
	next, inside := -1, false
	for _, c := range data {
		digit := c >= '0' && c <= '9'
		if digit && !inside {
			next++
		}
		if inside = digit; digit {
			numbers[next] = numbers[next]*10 + uint64(c-'0')
		}
	}
	return scriptInput{Seed: numbers[0], Depth: int(numbers[1]), Gen: int(numbers[2])}
}

// scripted is one simulated workflow.
type scripted struct {
	*replay.Env
	in       scriptInput
	rng      *rand.Rand
	signals  int
	updates  int
	canceled bool
}

func newScripted(env *replay.Env) *scripted {
	s := &scripted{Env: env, in: parseInput(env.Start().Input.Payloads[0].Data)}
	s.rng = rand.New(rand.NewPCG(s.in.Seed, uint64(s.in.Gen)))
	env.OnSignal(func(*history.WorkflowExecutionSignaled) { s.signals++ })
	env.OnCancel(func(string) { s.canceled = true })
	env.OnUpdate(s)
	return s
}

// script runs a few random steps and ends in a random way. It always ends: what it waits for comes by itself.
func script(env *replay.Env) {
	s := newScripted(env)
	for range 1 + s.rng.IntN(4) {
		if s.canceled {
			env.Cancel(nil)
			return
		}
		s.step(s.rng.IntN(13))
	}
	switch n := s.rng.IntN(10); {
	case n < 2 && s.in.Gen < 3:
		s.in.Gen++
		env.ContinueAsNew(&history.Successor{Type: "script", Input: s.in.payloads()})
	case n == 2:
		env.Fail(&failure.Failure{Message: "by chance", ApplicationFailureInfo: &failure.ApplicationFailureInfo{}})
	default:
		env.Complete(text("done"))
	}
}

// forever goes on until it is canceled or terminated, as a chain of runs.
func forever(env *replay.Env) {
	s := newScripted(env)
	fired := false
	env.StartTimer(s.millis(500, 20_000), "", func() { fired = true })
	env.Block("end or next", func() bool { return fired || s.canceled })
	if s.canceled {
		env.Cancel(nil)
		return
	}
	s.in.Gen++
	env.ContinueAsNew(&history.Successor{Type: "forever", Input: s.in.payloads()})
}

func (s *scripted) millis(least, most int) time.Duration {
	return time.Duration(least+s.rng.IntN(most-least)) * time.Millisecond
}

func (s *scripted) child(depth int) scriptInput {
	return scriptInput{Seed: s.rng.Uint64(), Depth: depth}
}

func (s *scripted) step(kind int) {
	switch kind {
	case 0:
		s.await(s.activity())
	case 1:
		var all []*pendingCall
		for range 2 + s.rng.IntN(3) {
			all = append(all, s.activity())
		}
		s.await(all...)
	case 2, 3:
		sleep(s.Env, s.millis(0, 4000))
	case 4:
		s.race()
	case 5:
		c := s.activity()
		sleep(s.Env, s.millis(0, 500))
		s.RequestCancelActivity(c.id)
		s.await(c)
	case 6:
		s.childRun("script", enums.PARENT_CLOSE_POLICY_ABANDON, true)
	case 7:
		policy := enums.PARENT_CLOSE_POLICY_TERMINATE
		if s.rng.IntN(2) == 0 {
			policy = enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL
		}
		s.childRun("forever", policy, false)
	case 8:
		s.signalOther()
	case 9:
		s.awaitSignal()
	case 10:
		s.cancelChild()
	case 11:
		done := 0
		for i := range 2 {
			kind := s.rng.IntN(4)
			s.Go(fmt.Sprint("branch ", i), func() { s.step(kind); done++ })
		}
		s.Block("branches", func() bool { return done == 2 })
	case 12:
		s.locals()
	}
}

// locals runs a few local activities side by side, perhaps cancels one, and waits for the others.
func (s *scripted) locals() {
	waiting := 0
	var first *replay.LocalActivity
	for range 1 + s.rng.IntN(3) {
		a := &replay.LocalActivity{Type: "L"}
		if first == nil {
			first = a
		}
		waiting++
		s.runLocal(a, func() { waiting-- })
	}
	if s.rng.IntN(4) == 0 && s.CancelLocal(first) {
		waiting--
	}
	s.Block("local activities", func() bool { return waiting == 0 })
}

// runLocal runs a local activity until it succeeds, with timers between some attempts.
func (s *scripted) runLocal(a *replay.LocalActivity, done func()) {
	err := s.RunLocal(a, func(out replay.LocalOutcome) {
		if out.Backoff == 0 {
			done()
			return
		}
		next := &replay.LocalActivity{ID: a.ID, Type: a.Type, Attempt: out.Attempt + 1, Scheduled: a.Scheduled}
		s.StartTimer(out.Backoff, "", func() { s.runLocal(next, done) })
	})
	if err != nil {
		panic(err)
	}
}

// pendingCall is something whose outcome is awaited.
type pendingCall struct {
	id   int64
	done bool
}

func (s *scripted) await(calls ...*pendingCall) {
	s.Block("calls", func() bool {
		for _, c := range calls {
			if !c.done {
				return false
			}
		}
		return true
	})
}

func (s *scripted) activity() *pendingCall {
	c := &pendingCall{}
	a := &history.ActivityTaskScheduled{Type: "A", StartToClose: 5000}
	switch s.rng.IntN(6) {
	case 0:
		a.ScheduleToClose = history.MillisOf(s.millis(100, 8000))
	case 1:
		a.ScheduleToStart = history.MillisOf(s.millis(100, 4000))
	}
	if all := simulatedPriorities(); s.rng.IntN(2) == 0 {
		a.Priority = all[s.rng.IntN(len(all))]
	}
	c.id = must(s.ScheduleActivity(a, func(replay.Outcome) { c.done = true }))
	return c
}

// simulatedPriorities are those that some activities have.
func simulatedPriorities() []*history.Priority {
	return []*history.Priority{{FairnessKey: "a"}, {FairnessKey: "b", FairnessWeight: 10}, {Key: 1}, {Key: 5, FairnessKey: "a"}}
}

// simulatedLanes are where the tasks of all activities wait.
func simulatedLanes() []streams.TaskLane {
	lanes := []streams.TaskLane{{}}
	for _, p := range simulatedPriorities() {
		lanes = append(lanes, streams.LaneOf("", p))
	}
	return lanes
}

func must(id int64, err error) int64 {
	if err != nil {
		panic(err)
	}
	return id
}

// race lets an activity and a timer run against each other and cancels the loser.
func (s *scripted) race() {
	c := s.activity()
	fired := false
	timer := s.StartTimer(s.millis(0, 2000), "", func() { fired = true })
	s.Block("race", func() bool { return fired || c.done })
	if fired {
		s.RequestCancelActivity(c.id)
	} else {
		s.CancelTimer(timer)
	}
}

// childRun starts a child, and waits for its start and perhaps for its end.
func (s *scripted) childRun(typ string, policy enums.ParentClosePolicy, wait bool) {
	if s.in.Depth >= 2 {
		return
	}
	a := &history.StartChildWorkflowExecutionInitiated{Type: typ, Input: s.child(s.in.Depth + 1).payloads(), ParentClose: policy}
	switch s.rng.IntN(4) {
	case 0:
		a.WorkflowID = fmt.Sprint("w", s.rng.IntN(simulatedIDs)) // it may be taken
	case 1:
		a.RetryPolicy = &history.RetryPolicy{MaximumAttempts: 3, InitialInterval: 500, BackoffCoefficient: 1}
	case 2:
		a.RunTimeout = history.MillisOf(s.millis(500, 20_000))
	}
	if typ == "forever" {
		a.WorkflowID = ""
	}
	started, closed := false, false
	must(s.StartChild(a,
		func(_ string, cause enums.StartChildWorkflowExecutionFailedCause) {
			started = true
			closed = cause != enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_UNSPECIFIED
		},
		func(replay.Outcome) { closed = true }))
	if wait || s.rng.IntN(3) > 0 {
		s.Block("child start", func() bool { return started })
	}
	if wait && s.rng.IntN(3) > 0 {
		s.Block("child close", func() bool { return closed })
	}
}

func (s *scripted) signalOther() {
	answered := false
	target := history.Run{WorkflowID: fmt.Sprint("w", s.rng.IntN(simulatedIDs))}
	if s.rng.IntN(4) == 0 {
		target = s.Start().Run.Run
	}
	must(s.SignalExternal(&history.SignalExternalWorkflowExecutionInitiated{Target: target, Name: "n", Input: text("x")},
		func(bool) { answered = true }))
	if s.rng.IntN(2) == 0 {
		s.Block("signal sent", func() bool { return answered })
	}
}

// awaitSignal waits for the next signal, but not for long.
func (s *scripted) awaitSignal() {
	before, fired := s.signals, false
	timer := s.StartTimer(s.millis(500, 5000), "", func() { fired = true })
	s.Block("signal", func() bool { return fired || s.signals > before })
	if !fired {
		s.CancelTimer(timer)
	}
}

// cancelChild starts a child that does not end by itself, and cancels it.
func (s *scripted) cancelChild() {
	started, closed := "", false
	id := fmt.Sprintf("%s-%d", s.Start().Run.RunID, s.rng.IntN(1000))
	must(s.StartChild(&history.StartChildWorkflowExecutionInitiated{WorkflowID: id, Type: "forever", Input: s.child(9).payloads()},
		func(runID string, _ enums.StartChildWorkflowExecutionFailedCause) { started = runID },
		func(replay.Outcome) { closed = true }))
	s.Block("child start", func() bool { return started != "" })
	sleep(s.Env, s.millis(0, 5000))
	must(s.RequestCancelExternal(&history.RequestCancelExternalWorkflowExecutionInitiated{
		Target: history.Run{WorkflowID: id, RunID: started}, ChildOnly: true}, func(bool) {}))
	s.Block("child close", func() bool { return closed })
}
