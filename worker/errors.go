package worker

import "errors"

var (
	// ErrInvalidOptions is returned by Start and Run for options that cannot be used; the text names field, value and
	// limit.
	ErrInvalidOptions = errors.New("invalid worker options")
	// ErrWorkerShutdown is returned by Start and Run of a worker that has been stopped: a worker runs once.
	ErrWorkerShutdown = errors.New("worker is shut down")
	// ErrInvalidFunction is wrapped by what registering a function panics with that cannot be an activity.
	ErrInvalidFunction = errors.New("invalid activity function")
)
