package millrace

// TerminatedError says that a run was terminated from outside, without a chance to react.
type TerminatedError struct {
	wireForm
}

// NewTerminatedError returns a *TerminatedError.
func NewTerminatedError() error { return &TerminatedError{} }

// Error returns "terminated".
func (e *TerminatedError) Error() string { return "terminated" }
