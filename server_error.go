package millrace

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
