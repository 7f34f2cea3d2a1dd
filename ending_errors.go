package millrace

import (
	"fmt"

	"github.com/millrace-dev/millrace/converter"
)

// CanceledError says that an activity, a run, a timer or a wait was canceled. An activity or a workflow that returns
// one closes as canceled rather than failed.
type CanceledError struct {
	wireForm
	details converter.EncodedValues
}

// NewCanceledError returns a *CanceledError with details for whoever waits.
func NewCanceledError(details ...interface{}) error {
	return &CanceledError{details: detailsOf(details)}
}

// Error returns "canceled".
func (e *CanceledError) Error() string { return "canceled" }

// HasDetails reports whether the canceled code left details.
func (e *CanceledError) HasDetails() bool { return hasDetails(e.details) }

// Details decodes the details into what the arguments point to, in order. It returns ErrNoData when there are none.
func (e *CanceledError) Details(d ...interface{}) error { return getDetails(e.details, d) }

// TerminatedError says that a run was terminated from outside, without a chance to react.
type TerminatedError struct {
	wireForm
}

// NewTerminatedError returns a *TerminatedError.
func NewTerminatedError() error { return &TerminatedError{} }

// Error returns "terminated".
func (e *TerminatedError) Error() string { return "terminated" }

// PanicError says that user code panicked.
type PanicError struct {
	wireForm
	value      interface{}
	stackTrace string
}

// NewPanicError returns a *PanicError for what recover returned and the stack at that point.
func NewPanicError(value interface{}, stackTrace string) error {
	return &PanicError{value: value, stackTrace: stackTrace}
}

// Error returns the value of the panic as text.
func (e *PanicError) Error() string { return fmt.Sprintf("%v", e.value) }

// StackTrace returns the stack of the goroutine that panicked.
func (e *PanicError) StackTrace() string { return e.stackTrace }

// ServerError says that the engine, rather than user code, failed.
type ServerError struct {
	wireForm
	message      string
	nonRetryable bool
	cause        error
}

// NewServerError returns a *ServerError; cause may be nil.
func NewServerError(msg string, nonRetryable bool, cause error) error {
	return &ServerError{message: msg, nonRetryable: nonRetryable, cause: cause}
}

// Error returns message and cause.
func (e *ServerError) Error() string { return withCause(e.message, e.cause) }

// Message returns the message alone.
func (e *ServerError) Message() string { return e.message }

// Unwrap returns the cause, nil for none.
func (e *ServerError) Unwrap() error { return e.cause }
