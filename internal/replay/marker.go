package replay

import (
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
)

// findings is what the code has found out and recorded of itself.
type findings struct {
	// versions are those of the changes that the code has asked about, recorded or not.
	versions map[string]int32
	mutable  map[string]*mutableValue
	// memo and search are the run's own, as the code has changed them.
	memo   *common.Memo
	search *common.SearchAttributes
	// diverged is set when the code asks for what the record does not have, and cannot be answered. It stops the code by
	// a panic, which workflow code may recover.
	diverged *NonDeterminismError
}

// mutableValue is the last value of a mutable side effect and how often that was called.
type mutableValue struct {
	value *common.Payloads
	known bool
	calls int64
}

// SideEffect returns what find returns, or on replay what it returned then. Find must only read. A value that is too large
// gives a *LimitError, and nothing is decided.
func (e *Env) SideEffect(summary string, find func() *common.Payloads) (*common.Payloads, error) {
	m := e.m
	if !m.deciding("SideEffect") {
		return nil, nil
	}
	a := &history.MarkerRecorded{Name: history.MarkerSideEffect, Summary: summary}
	if m.replaying {
		recorded := m.recordedMarker(a)
		if recorded == nil {
			m.diverge(a)
		}
		m.issue(recorded)
		return recorded.Result, nil
	}
	a.Result = find()
	return a.Result, m.mark(a, "side effect")
}

// MutableSideEffect returns the value of the mutable side effect with the given ID. Find is given the last one, if any, and
// says whether there is a new one, which is then recorded. On replay it is not called. Find must only read. A value that is
// too large gives a *LimitError, and nothing is decided.
func (e *Env) MutableSideEffect(id, summary string,
	find func(last *common.Payloads, known bool) (value *common.Payloads, changed bool)) (*common.Payloads, error) {
	m := e.m
	if !m.deciding("MutableSideEffect") {
		return nil, nil
	}
	v := m.mutable[id]
	if v == nil {
		v = &mutableValue{}
		if m.mutable == nil {
			m.mutable = map[string]*mutableValue{}
		}
		m.mutable[id] = v
	}
	v.calls++
	a := &history.MarkerRecorded{Name: history.MarkerMutableSideEffect, ID: id, Call: v.calls, Summary: summary}
	if m.replaying {
		switch recorded := m.recordedMarker(a); {
		case recorded != nil && recorded.Call == v.calls:
			m.issue(recorded)
			v.value, v.known = recorded.Result, true
		case !v.known:
			m.diverge(a)
		}
		return v.value, nil
	}
	value, changed := find(v.value, v.known)
	if v.known && !changed {
		return v.value, nil
	}
	a.Result = value
	if err := m.mark(a, "mutable side effect"); err != nil {
		return nil, err
	}
	v.value, v.known = value, true
	return value, nil
}

// recordedMarker is the recorded event that the next command should be if it is a, nil when it is not that.
func (m *Machine) recordedMarker(a *history.MarkerRecorded) *history.MarkerRecorded {
	if r := m.recordedNext(); r != nil && same(r.Attributes, a) {
		return r.Attributes.(*history.MarkerRecorded)
	}
	return nil
}

// mark issues a marker that is not too large.
func (m *Machine) mark(a *history.MarkerRecorded, call string) error {
	c := m.check(call, a.ID, a)
	c.list("result", a.Result)
	if c.err == nil {
		m.issue(a)
	}
	return c.err
}

// diverge ends the code, which asks for the outcome of a where the record has something else.
func (m *Machine) diverge(a history.Attributes) {
	expected := nothing
	if r := m.recordedNext(); r != nil {
		expected = describe(r.Attributes)
	}
	m.diverged = &NonDeterminismError{Run: m.run(), Transition: m.state.Transitions, EventID: m.nextEvent,
		Expected: expected, Actual: describe(a)}
	panic(m.diverged)
}
