package millrace

import "fmt"

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
