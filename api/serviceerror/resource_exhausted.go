package serviceerror

import "github.com/millrace-dev/millrace/api/enums"

// ResourceExhausted says that a limit was reached; waiting helps.
type ResourceExhausted struct {
	Message string
	// Cause is the limit that was reached.
	Cause enums.ResourceExhaustedCause
}

// NewResourceExhausted returns a *ResourceExhausted.
func NewResourceExhausted(cause enums.ResourceExhaustedCause, message string) error {
	return &ResourceExhausted{Message: message, Cause: cause}
}

// Error returns the message.
func (e *ResourceExhausted) Error() string { return e.Message }
