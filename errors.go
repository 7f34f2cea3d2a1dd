package millrace

import (
	"errors"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/converter"
)

var (
	// ErrNoData is returned when the details of an error are asked for that has none.
	ErrNoData = converter.ErrNoData

	// ErrTooManyArg is returned when more details are asked for than an error has.
	ErrTooManyArg = converter.ErrTooManyArg

	// ErrScheduleAlreadyRunning is returned when a schedule is to be created whose ID another one has.
	ErrScheduleAlreadyRunning = errors.New("schedule with this ID is already registered")

	// ErrSkipScheduleUpdate is returned by the function that changes a schedule to leave the schedule as it is.
	ErrSkipScheduleUpdate = errors.New("skip schedule update")

	// ErrChildWorkflowExecutionAlreadyStarted is the cause of a *ChildWorkflowExecutionError when a run of the
	// child's workflow ID was open. errors.Is and errors.As both find it.
	ErrChildWorkflowExecutionAlreadyStarted error = &ChildWorkflowExecutionAlreadyStartedError{}
)

// IsApplicationError reports whether err is or wraps an *ApplicationError.
func IsApplicationError(err error) bool {
	var target *ApplicationError
	return errors.As(err, &target)
}

// IsWorkflowExecutionAlreadyStartedError reports whether err is or wraps the answer to a start that was refused
// because of another run of the workflow ID.
func IsWorkflowExecutionAlreadyStartedError(err error) bool {
	var target *serviceerror.WorkflowExecutionAlreadyStarted
	return errors.As(err, &target)
}

// IsCanceledError reports whether err is or wraps a *CanceledError.
func IsCanceledError(err error) bool {
	var target *CanceledError
	return errors.As(err, &target)
}

// IsTimeoutError reports whether err is or wraps a *TimeoutError.
func IsTimeoutError(err error) bool {
	var target *TimeoutError
	return errors.As(err, &target)
}

// IsTerminatedError reports whether err is or wraps a *TerminatedError.
func IsTerminatedError(err error) bool {
	var target *TerminatedError
	return errors.As(err, &target)
}

// IsPanicError reports whether err is or wraps a *PanicError.
func IsPanicError(err error) bool {
	var target *PanicError
	return errors.As(err, &target)
}
