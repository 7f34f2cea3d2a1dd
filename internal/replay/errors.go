package replay

import (
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/internal/history"
)

var (
	// ErrDestroyed is returned by a Machine after Destroy.
	ErrDestroyed = errors.New("replay machine is destroyed")
	// ErrUncommitted is returned while what Decide returned has not been committed: the code has run ahead of the
	// history.
	ErrUncommitted = errors.New("replay machine has decisions that are not committed")
	// ErrNothingToCommit is returned by Commit without a Decide before it.
	ErrNothingToCommit = errors.New("replay machine has no decisions to commit")
	// ErrClosed is returned by Decide and Apply on a run that is closed.
	ErrClosed = errors.New("run is closed")
	// ErrNotStarted is returned by Query before the first transition.
	ErrNotStarted = errors.New("run has not processed its start yet")
	// ErrNoQueryHandler is returned by Query when the code has set no handler.
	ErrNoQueryHandler = errors.New("workflow handles no queries")
	// ErrDead matches the errors of a Machine whose code panicked or diverged from its history before.
	ErrDead = errors.New("replay machine stopped by an earlier error")
)

// NonDeterminismError is returned when workflow code decides something else than its history records.
type NonDeterminismError struct {
	Run        history.Run
	Transition uint64
	// EventID is the number of the first event that differs.
	EventID int64
	// Expected is the recorded event in words, Actual what the code decides now; "nothing" when there is none.
	Expected string
	Actual   string
}

func (e *NonDeterminismError) Error() string {
	return fmt.Sprintf("run %s: non-deterministic workflow code: transition %d, event %d: recorded %s, code now decides %s",
		e.Run, e.Transition, e.EventID, e.Expected, e.Actual)
}

// PanicError is returned when workflow code panics, calls runtime.Goexit or misuses Env.
type PanicError struct {
	Run history.Run
	// Coroutine is the coroutine that panicked; for a callback or a query handler it says so instead.
	Coroutine string
	Value     any
	// Stack are the frames from the panic outwards, innermost first.
	Stack string
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("run %s: workflow code panicked in %s: %v", e.Run, e.Coroutine, e.Value)
}

// Unwrap returns the panic's value when it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// MisuseError is the value of the panic that an Env method raises where it must not be called.
type MisuseError struct {
	// Call is the method, Where the place that it was called from.
	Call  string
	Where string
}

func (e *MisuseError) Error() string {
	return fmt.Sprintf("%s called from %s: only the coroutines of the workflow may do so", e.Call, e.Where)
}

// LimitError is returned by a call, or is the cause of a run's failure, when one of its fields is too large, too long
// or empty.
type LimitError struct {
	// Call is what was called, for example `activity "Foo"`; Field the argument that is wrong.
	Call  string
	Field string
	// Size is the field's size in bytes, Limit the largest allowed; a Size of 0 means that the field must not be empty.
	Size  int
	Limit int
	// Payload is set when the field holds data rather than a name.
	Payload bool
}

func (e *LimitError) Error() string {
	if e.Size == 0 {
		return fmt.Sprintf("%s: %s is empty", e.Call, e.Field)
	}
	return fmt.Sprintf("%s: %s is %d bytes, the limit is %d", e.Call, e.Field, e.Size, e.Limit)
}
