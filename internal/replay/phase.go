package replay

import "errors"

// phase says who runs, and with it which calls of Env are allowed.
type phase int

const (
	// idle: nobody; a call of Env can only come from a goroutine that the code started.
	idle phase = iota
	inCoroutine
	// callback: an input is told to the code.
	callback
	// predicate: a coroutine's ready function is evaluated.
	predicate
	querying
	validating
	unwinding
)

func (p phase) String() string {
	switch p {
	case inCoroutine:
		return "a coroutine"
	case callback:
		return "a callback"
	case predicate:
		return "a ready predicate"
	case querying:
		return "a query handler"
	case validating:
		return "an update validator"
	case unwinding:
		return "a coroutine that is being unwound"
	}
	return "outside the workflow's coroutines"
}

var errNotClosed = errors.New("workflow body returned without closing the run")

// deciding says whether a command counts; where commands are forbidden it panics.
func (m *Machine) deciding(call string) bool {
	switch m.phase {
	case inCoroutine, callback:
		if len(m.recorded) > 0 {
			m.passVersions()
		}
		return !m.closed
	case unwinding:
		return false
	}
	panic(&MisuseError{Call: call, Where: m.phase.String()})
}
