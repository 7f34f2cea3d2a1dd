package testsuite

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/workflow"
)

// maxPayload is the limit that workers have: what is too large for them is too large for a test.
const (
	maxPayload = 512 << 10
	maxAside   = 192 << 10
)

// run is one execution of a workflow: its machine, the transitions that it has made, and what waits for it.
type run struct {
	env   *engine
	start *history.Start
	body  replay.Body
	// mocked runs are made of a mock, which may answer otherwise when it is asked again: they are not replayed.
	mocked bool
	// refused says that the mock did not let the run start.
	refused bool

	// code is held while the machine works: queries come from anywhere.
	code        sync.Mutex
	strands     strands
	machine     *replay.Machine
	released    bool
	transitions []*history.Transition
	begun       bool
	// closed is set when the run has closed, or when its code cannot go on.
	closed atomic.Bool
	// size is how many bytes the history has.
	size int64
	// lengths are what the code was told of its history, by its actual length.
	lengths map[int64]pretense
	// broken is why it cannot: it panicked.
	broken error
	// info is what a child's code sees of itself, nil before it has run.
	info *workflow.Info

	mu      sync.Mutex // guards waiting and askers
	waiting []*history.Message
	// askers are who wants to know of updates, by their IDs.
	askers map[string][]UpdateCallbacks

	// deadline rings at due.
	deadline *alarm
	due      time.Time
	tasks    map[int64]*task
	// asked is what is being decided on. Stretch is set while local activities run for that, and kept are those that had
	// ended when it was interrupted.
	asked   question
	stretch *stretch
	kept    []endedLocal
	// returns are what update handlers have returned, by the IDs of the updates.
	returns map[string]updateReturn
	// startAlarm begins the run after its delay.
	startAlarm *alarm
}

func (e *engine) newRun(start *history.Start) *run {
	r := &run{
		env:     e,
		start:   start,
		tasks:   map[int64]*task{},
		lengths: map[int64]pretense{},
		askers:  map[string][]UpdateCallbacks{},
		returns: map[string]updateReturn{},
	}
	r.body = e.code(r)
	r.machine = r.newMachine()
	r.size = sizeOf(history.Encode(start))
	return r
}

// sizeOf is the size of a record, which must have an encoding: a server could not store it otherwise.
func sizeOf(data []byte, err error) int64 {
	if err != nil {
		panic(fmt.Sprintf("testsuite: %v", err))
	}
	return int64(len(data))
}

func (r *run) newMachine() *replay.Machine {
	return replay.New(replay.Config{Start: r.start, Body: r.body, MaxPayload: maxPayload, MaxAside: maxAside, Strands: &r.strands,
		HistoryLength: func(actual int64) int64 { return r.told(actual).length },
		Suggested: func(actual int64) (reasons []int, pretend bool) {
			told := r.told(actual)
			return told.reasons, told.suggests
		},
	})
}

func (r *run) id() history.Run       { return r.start.Run.Run }
func (r *run) state() *history.State { return r.machine.State() }
func (r *run) over() bool            { return r.closed.Load() }
func (r *run) isChildOf(p *run) bool { return r.start.Parent != nil && r.start.Parent.Run == p.id() }
func (r *run) hasParent() bool       { return r.start.Parent != nil }

// deliver gives the run a message, and has it make a transition of what waits. Everybody may call it.
func (r *run) deliver(m *history.Message) {
	r.hold(m)
	r.env.post(r.step)
}

// hold keeps a message for the next transition without causing it.
func (r *run) hold(m *history.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, m)
}

func (r *run) hasWaiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting) > 0
}

func (r *run) takeWaiting() []*history.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting := r.waiting
	r.waiting = nil
	return waiting
}

// told is what the code is told of its history: what the test pretends at the time of the first question, else the truth.
// It is kept by the actual length, so that a replay is told the same.
func (r *run) told(actual int64) pretense {
	told, ok := r.lengths[actual]
	if !ok {
		told = *r.env.pretense.Load()
		if told.length == 0 {
			told.length = actual
		}
		r.lengths[actual] = told
	}
	return told
}

// putBack leaves messages to the next transition.
func (r *run) putBack(messages []*history.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(slices.Clip(messages), r.waiting...)
	r.env.post(r.step)
}

// begin makes the first transition.
func (r *run) begin() {
	r.begun = true
	r.advance(false)
}

// step makes a transition of what waits, if that changes anything.
func (r *run) step() { r.advance(false) }

// advance makes a transition of what waits and, with clock, of what is due.
func (r *run) advance(clock bool) {
	if !r.begun || r.env.settling {
		return
	}
	if r.stretch != nil {
		again, due := r.interrupted()
		if !again {
			return
		}
		clock = clock || due
	}
	waiting := r.takeWaiting()
	if r.over() {
		r.env.forward(r, waiting)
		return
	}
	s := r.state()
	d := s.Draft(r.env.time())
	d.SetHistorySize(cmp.Or(r.env.pretense.Load().size, r.size))
	if r.env.pretense.Load().target {
		d.SetTargetChanged()
	}
	r.asked = question{clock: clock}
	for i, m := range waiting {
		before := len(d.Consumed())
		if m.Update == nil {
			d.Add(m)
		} else if !r.take(d, m) {
			r.putBack(waiting[i:]) // in the order of sending
			break
		}
		if len(d.Consumed()) > before {
			r.asked.messages = append(r.asked.messages, m)
		}
	}
	if clock {
		d.AddDue(r.facts(d.DueActivities()))
	}
	if len(d.Events()) == 0 && s.Transitions > 0 {
		r.watchClock()
		return
	}
	r.decide(d)
}

// facts tells of activities whose time-out is due.
func (r *run) facts(due []int64) map[int64]history.ActivityFacts {
	facts := map[int64]history.ActivityFacts{}
	for _, id := range due {
		if t := r.tasks[id]; t != nil {
			facts[id] = t.facts()
		}
	}
	return facts
}

// decide runs the code on a draft and makes the transition that it decides.
func (r *run) decide(d *history.Draft) {
	t := &history.Transition{
		RunID:    r.id().RunID,
		Number:   r.state().Transitions + 1,
		CommitID: fmt.Sprintf("%s-%d", r.id().RunID, r.state().Transitions+1),
		Time:     d.Time(),
		Consumed: d.Consumed(),

		HistorySize:   d.HistorySize(),
		TargetChanged: d.TargetChanged(),
	}
	// No other transition has this cover, so what it covers is what this one asks for.
	t.Cover = "transition " + strconv.FormatUint(t.Number, 10)
	var events []history.Event
	err := r.guarded(func() (err error) {
		events, err = r.machine.Decide(d)
		return err
	})
	if err != nil {
		r.breaks(err)
		return
	}
	r.goOn(t, events)
}

// breaks ends a run whose code panicked.
func (r *run) breaks(err error) {
	r.endStretch()
	r.broken = codeError(err)
	r.closed.Store(true)
	r.env.parentOfBroken(r)
}

// commit records a transition and does what it asks for.
func (r *run) commit(t *history.Transition) {
	if err := r.guarded(func() error { return r.machine.Commit(t) }); err != nil {
		r.breaks(err)
		return
	}
	r.transitions, r.kept = append(r.transitions, t), nil
	r.size += sizeOf(history.Encode(t))
	// An update that the code has answered before it closed is told of before the workflow counts as completed.
	r.tellUpdates(t.Events)
	r.closed.Store(r.state().Closed())
	r.tellAbandoned()
	r.env.listeners.transition(t.Events)
	for _, effect := range r.state().Effects(t.Cover) {
		r.env.send(r, effect)
	}
	r.endLost()
	r.watchClock()
	if r.hasWaiting() { // it came while local activities ran
		r.env.post(r.step)
	}
	if r.over() && r.hasParent() {
		r.env.listeners.childEnded(r.env, r)
	}
}

// codeError is how a test sees that workflow code panicked.
func codeError(err error) error {
	var p *replay.PanicError
	if errors.As(err, &p) {
		return millrace.NewPanicError(p.Value, p.Stack)
	}
	return err
}

// guarded calls the machine, and panics when workflow code does not come back: it blocks outside the API.
func (r *run) guarded(f func() error) error {
	done := make(chan error, 1)
	go func() {
		r.code.Lock()
		defer r.code.Unlock()
		done <- f()
	}()
	timer := time.NewTimer(r.env.patience)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		panic(fmt.Sprintf("testsuite: workflow %s has run for %v without a call of package workflow: it loops, or blocks outside of it (coroutine %s)",
			r.start.Type, r.env.patience, r.machine.Running().Coroutine))
	}
}

// watchClock sets the alarm for the run's next deadline. One that is set already keeps its place among others.
func (r *run) watchClock() {
	var due time.Time
	if !r.over() {
		due = r.state().NextDeadline(r.env.time())
	}
	if due.Equal(r.due) && r.deadline != nil && !r.deadline.off {
		return
	}
	r.deadline.cancel()
	r.deadline, r.due = nil, due
	if !due.IsZero() {
		r.deadline = r.env.at(due, func() { r.advance(true) })
	}
}

// replay runs what the run has recorded through the code once more.
func (r *run) replay() error {
	m := r.newMachine()
	defer m.Destroy()
	return r.replayOn(m)
}

func (r *run) replayOn(m *replay.Machine) error {
	for _, t := range r.transitions {
		data, err := history.Encode(t)
		if err != nil {
			return fmt.Errorf("record of run %s: %w", r.id(), err)
		}
		read, err := history.DecodeTransition(data)
		if err != nil {
			return fmt.Errorf("record of run %s: %w", r.id(), err)
		}
		if err := m.Apply(read); err != nil {
			return err
		}
	}
	return nil
}
