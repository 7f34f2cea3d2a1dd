package millrace

import "github.com/millrace-dev/millrace/converter"

// canceledMessage is the message of a CanceledError that was given none.
const canceledMessage = "canceled"

// CanceledError says that an activity, a run, a timer or a wait was canceled. An activity or a workflow that returns
// one closes as canceled rather than failed.
type CanceledError struct {
	wireForm
	message string
	details converter.EncodedValues
	cause   error
}

// CanceledErrorOptions are the optional parts of a CanceledError.
type CanceledErrorOptions struct {
	// Message says what was canceled. Default "canceled".
	Message string
	// Details are values for whoever waits; read them with Details.
	Details []any
	// Cause is the error that led to this one; it crosses the wire too.
	Cause error
}

// NewCanceledError returns a *CanceledError with details for whoever waits.
func NewCanceledError(details ...interface{}) error {
	return NewCanceledErrorWithOptions(CanceledErrorOptions{Details: details})
}

// NewCanceledErrorWithOptions returns a *CanceledError with options.
func NewCanceledErrorWithOptions(options CanceledErrorOptions) error {
	return &CanceledError{message: options.Message, details: detailsOf(options.Details), cause: options.Cause}
}

// Error returns message and cause.
func (e *CanceledError) Error() string { return withCause(e.text(), e.cause) }

// text is the message alone.
func (e *CanceledError) text() string {
	if e.message == "" {
		return canceledMessage
	}
	return e.message
}

// HasDetails reports whether the canceled code left details.
func (e *CanceledError) HasDetails() bool { return hasDetails(e.details) }

// Details decodes the details into what the arguments point to, in order. It returns ErrNoData when there are none.
func (e *CanceledError) Details(d ...interface{}) error { return getDetails(e.details, d) }

// Unwrap returns the cause, nil for none.
func (e *CanceledError) Unwrap() error { return e.cause }
