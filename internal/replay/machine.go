package replay

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
)

// Config is what a Machine is made of.
type Config struct {
	// Start is the run's start. Required.
	Start *history.Start
	// Body is the workflow code. Required.
	Body Body
	// MaxPayload is the largest size in bytes of one input or result; 0 is unlimited.
	MaxPayload int
	// MaxAside is the largest size in bytes of what comes along with one command: header, memo, search attributes and
	// texts together. 0 is unlimited.
	MaxAside int
	// Fits, if not nil, says with a *LimitError's Size and Limit how much of a list cannot be stored apart from messages, if
	// that is too much for them.
	Fits func(list *common.Payloads) (size, limit int, ok bool)
	// HistoryLength, if not nil, says what the code is told when it asks for the length of its history: tests pretend a
	// long one. It must answer the same for the same actual length.
	HistoryLength func(actual int64) int64
	// Suggested, if not nil, says why the code is told to continue as new, and with false that it is told the truth, under
	// the same rule.
	Suggested func(actual int64) (reasons []int, pretend bool)
	// Strands has the goroutines that the coroutines run in; nil gives the Machine its own.
	Strands Strands
}

// Machine is one run with its live coroutines. It is not safe for concurrent use, Running excepted. It must be
// destroyed.
type Machine struct {
	config Config
	env    Env
	state  *history.State

	// err is the panic or the divergence after which the coroutines must not run any more.
	err error
	// worked is what the last stretch of code ended with.
	worked    error
	destroyed bool
	// offered is what the last Decide returned while it is not committed.
	offered     []history.Event
	uncommitted bool

	scheduler
	// converting counts the conversions of values that are under way.
	converting atomic.Int32
	// own are the strands that no other Machine uses, nil when they are shared.
	own        *ownStrands
	requests   requests
	activities map[int64]activity
	timers     map[int64]func()
	children   map[int64]*child
	externals  map[int64]func(notFound bool)
	findings
	// locals are the local activities that the code waits for, localsAsked how many it has asked for.
	locals      []*LocalActivity
	localsAsked int

	// The rest describes the transition being processed, or the last one.
	now       time.Time
	replaying bool
	length    int64
	size      int64
	// targetChanged is that of the transition being processed.
	targetChanged bool
	// first is the number of the first decided event, nextEvent that of the next.
	first     int64
	nextEvent int64
	decided   []history.Event
	// recorded are the decided events of the record being replayed.
	recorded []history.Event
	// closed is set as soon as the code has closed the run.
	closed bool
}

// New is a Machine before its run's first transition.
func New(config Config) *Machine {
	m := &Machine{
		config:     config,
		state:      history.NewState(config.Start),
		activities: map[int64]activity{},
		timers:     map[int64]func(){},
		children:   map[int64]*child{},
		externals:  map[int64]func(bool){},
		now:        config.Start.Time,
		length:     1,
		findings:   findings{memo: config.Start.Memo, search: config.Start.Search},
	}
	m.env.m = m
	if config.Strands == nil {
		m.own = &ownStrands{}
		m.config.Strands = m.own
	}
	m.driver.name, m.driver.strands = driverName, m.config.Strands
	return m
}

// State is the state of the run after everything applied and committed. It must not be changed, and does not show
// what Decide returned.
func (m *Machine) State() *history.State { return m.state }

// Apply replays the next transition: it feeds t's inputs, runs the code, and compares what the code decides with what
// t records. The recorded attributes are the true ones. A transition that was closed from outside (terminated or
// timed out) runs no code.
//
// The error is a *NonDeterminismError, a *PanicError, a *history.IllegalEventError or one of the sentinels. After any
// but ErrUncommitted and ErrClosed the Machine can only be destroyed. T must hold its events (not a body reference),
// and must not be changed afterwards.
func (m *Machine) Apply(t *history.Transition) error {
	if err := m.usable(); err != nil {
		return err
	}
	if m.state.Closed() {
		return fmt.Errorf("apply transition %d of run %s: %w", t.Number, m.run(), ErrClosed)
	}
	if t.Body != nil && len(t.Events) == 0 {
		return fmt.Errorf("apply transition %d of run %s: its events are stored separately and not loaded", t.Number, m.run())
	}
	inputs, decided := t.Split()
	s := m.stretch(inputs, t.Time)
	s.recorded, s.replaying, s.size, s.targetChanged = decided, true, t.HistorySize, t.TargetChanged
	if err := m.state.Apply(t); err != nil {
		m.err = err
		return err
	}
	if err := m.process(s); err != nil {
		return m.die(err)
	}
	if err := m.match(t, decided); err != nil {
		return m.die(err)
	}
	return nil
}

// Decide runs the code on a draft's events and returns these with the events that the code decided after them. The
// draft must come from the Machine's State. The Machine has then run ahead of the history: until Commit it answers
// ErrUncommitted, and when the events do not become a transition it must be destroyed. But a draft without events,
// on a run whose first transition is recorded, runs no code: nothing is returned and nothing is to be committed. While
// the code waits for local activities (Locals) the transition goes on with Resume.
//
// A *PanicError means that the code panicked; nothing is decided, and the Machine can only be destroyed.
func (m *Machine) Decide(d *history.Draft) ([]history.Event, error) {
	if err := m.usable(); err != nil {
		return nil, err
	}
	if m.state.Closed() {
		return nil, fmt.Errorf("decide for run %s: %w", m.run(), ErrClosed)
	}
	inputs := d.Events()
	if want := m.state.LastEvent + int64(len(inputs)) + 1; d.NextEvent() != want {
		return nil, fmt.Errorf("decide for run %s: draft goes on with event %d, the run with %d", m.run(), d.NextEvent(), want)
	}
	if len(inputs) == 0 && m.started() {
		return nil, nil
	}
	s := m.stretch(inputs, d.Time())
	s.size, s.targetChanged = d.HistorySize(), d.TargetChanged()
	if err := m.process(s); err != nil {
		return nil, m.die(err)
	}
	events := make([]history.Event, 0, len(inputs)+len(m.decided))
	events = append(append(events, inputs...), m.decided...)
	m.offered, m.uncommitted = events, true
	return events, nil
}

// Commit folds the transition that the events of the last Decide became, after its durable append. No code runs. T
// must not be changed afterwards.
func (m *Machine) Commit(t *history.Transition) error {
	if m.destroyed {
		return ErrDestroyed
	}
	if !m.uncommitted {
		return fmt.Errorf("commit transition %d of run %s: %w", t.Number, m.run(), ErrNothingToCommit)
	}
	if len(t.Events) != len(m.offered) {
		return fmt.Errorf("commit transition %d of run %s: it has %d events, decided were %d", t.Number, m.run(),
			len(t.Events), len(m.offered))
	}
	for i, e := range m.offered {
		if t.Events[i].ID != e.ID || t.Events[i].Type != e.Type {
			return fmt.Errorf("commit transition %d of run %s: it has event %v, decided was %v", t.Number, m.run(),
				t.Events[i], e)
		}
	}
	if err := m.state.Apply(t); err != nil {
		m.err = err
		return err
	}
	m.offered, m.uncommitted = nil, false
	return nil
}

// Destroy ends all coroutines, in the order of their creation: the deferred calls of their functions run, and cannot
// decide anything. It must not be called while another method runs; a second call does nothing.
func (m *Machine) Destroy() {
	if m.destroyed {
		return
	}
	m.destroyed, m.replaying = true, true
	m.unwind()
	if m.own != nil {
		m.own.end()
	}
	m.offered, m.recorded, m.decided = nil, nil, nil
}

// run names the run, for errors.
func (m *Machine) run() history.Run { return m.config.Start.Run.Run }

// usable says why the Machine cannot process or query anything now, nil if it can.
func (m *Machine) usable() error {
	switch {
	case m.destroyed:
		return ErrDestroyed
	case m.err != nil:
		return fmt.Errorf("%w: %w", ErrDead, m.err)
	case m.uncommitted:
		return ErrUncommitted
	}
	return nil
}

func (m *Machine) die(err error) error {
	m.err = err
	return err
}

// started says whether the root coroutine was created.
func (m *Machine) started() bool { return m.created > 0 }

// stretch is what one transition gives to the code.
type stretch struct {
	inputs    []history.Event
	time      time.Time
	first     int64
	recorded  []history.Event
	replaying bool
	size      int64
	// targetChanged is the transition's.
	targetChanged bool
}

// stretch must be called before the transition is folded into the state.
func (m *Machine) stretch(inputs []history.Event, at time.Time) stretch {
	if at.Before(m.state.Time) {
		at = m.state.Time
	}
	return stretch{inputs: inputs, time: at, first: m.state.LastEvent + int64(len(inputs)) + 1}
}

// process applies the inputs and runs the code until every coroutine blocks.
func (m *Machine) process(s stretch) error {
	m.decided = m.decided[:0]
	m.first, m.nextEvent = s.first, s.first
	m.recorded, m.replaying = s.recorded, s.replaying
	for i := range s.inputs {
		if s.inputs[i].IsClosing() {
			m.closed = true
			return nil
		}
	}
	if len(s.inputs) == 0 && m.started() {
		return nil
	}
	if s.time.After(m.now) { // the outcome of a local activity may have moved it on
		m.now = s.time
	}
	m.length, m.size, m.targetChanged = s.first-1, s.size, s.targetChanged
	m.recallVersions(s.recorded)
	if !m.started() {
		m.create("root", m.body)
	}
	inputs := s.inputs
	return m.runCode(func() { m.worked = m.advance(inputs) })
}

// runCode calls what runs the code of the transition being processed, and sets worked.
func (m *Machine) runCode(work func()) error {
	m.worked = nil
	err := m.drive(work)
	switch {
	case m.diverged != nil: // and by that the code may have panicked
		return m.diverged
	case err != nil:
		return err
	}
	m.passVersions()
	return m.worked
}

// body is the root coroutine.
func (m *Machine) body() {
	m.config.Body(&m.env)
	if !m.closed && m.phase != unwinding {
		panic(errNotClosed)
	}
}

// advance tells the code of the inputs and runs it. What the inputs resolve stops being pending before the first of
// them is told: else the code could cancel, on an early input, what a later one has just ended.
func (m *Machine) advance(inputs []history.Event) error {
	tell := make([]func(), len(inputs))
	for i := range inputs {
		tell[i] = m.receive(inputs[i])
	}
	m.phase = callback
	for _, f := range tell {
		if m.closed {
			return nil
		}
		if f != nil {
			f()
		}
	}
	if err := m.schedule(); err != nil || len(m.recorded) == 0 {
		return err
	}
	return m.replayLocals()
}

// receive ends what an input resolves, and returns what tells the code of it, nil when nobody waits.
func (m *Machine) receive(e history.Event) func() {
	switch a := e.Attributes.(type) {
	case *history.WorkflowExecutionSignaled:
		return func() { m.requests.signaled(a) }
	case *history.WorkflowExecutionCancelRequested:
		return func() { m.requests.cancelRequested(a) }
	case *history.WorkflowExecutionUpdateAccepted:
		return func() { m.updated(e.ID, a) }
	case *history.TimerFired:
		return m.timerFired(a.Started)
	case interface{ End() *history.ActivityEnd }:
		return m.activityEnded(e, a.End())
	case *history.ChildWorkflowExecutionStarted:
		return m.childStarted(a)
	case *history.StartChildWorkflowExecutionFailed:
		return m.childNotStarted(a)
	case interface{ End() *history.ChildEnd }:
		return m.childEnded(e, a.End())
	case *history.ExternalWorkflowExecutionSignaled:
		return m.externalAnswered(a.Initiated, false)
	case *history.SignalExternalWorkflowExecutionFailed:
		return m.externalAnswered(a.Initiated, true)
	case *history.ExternalWorkflowExecutionCancelRequested:
		return m.externalAnswered(a.Initiated, false)
	case *history.RequestCancelExternalWorkflowExecutionFailed:
		return m.externalAnswered(a.Initiated, true)
	}
	return nil
}

// issue decides an event and returns its number.
func (m *Machine) issue(a history.Attributes) int64 {
	id := m.nextEvent
	m.decided = append(m.decided, history.NewEvent(id, a))
	m.nextEvent++
	return id
}
