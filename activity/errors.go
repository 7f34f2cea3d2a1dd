package activity

import "errors"

var (
	// ErrResultPending is returned by an activity that will be completed from outside: whoever has its TaskToken, or
	// its IDs, does so through a client. The attempt goes on until then or until its time-out expires. A failure that
	// is reported so is retried like one that the function returns.
	ErrResultPending = errors.New("activity result is pending: it will be completed through a client")

	// ErrCanceled is the cause of the context's end when the workflow canceled the activity.
	ErrCanceled = errors.New("activity canceled")
	// ErrActivityPaused is the cause of the context's end when somebody has paused the activity. What the function returns
	// then does not count as a failure, unless it is an error that is not to be retried: when the activity is unpaused,
	// the same attempt is made again. A result ends the activity all the same.
	ErrActivityPaused = errors.New("activity paused")
	// ErrActivityReset is the cause of the context's end when somebody has reset the activity. What the function returns
	// then does not count as a failure either, and the attempt that follows is the first.
	ErrActivityReset = errors.New("activity reset")
	// ErrTimedOut is the cause of the context's end when one of the activity's time-outs has expired. The attempt is
	// reported as timed out already; what the function returns is not used any more.
	ErrTimedOut = errors.New("activity timed out")
	// ErrWorkerStopped is the cause of the context's end when the worker stops and has waited for as long as it may.
	// The attempt is handed to another worker and does not count.
	ErrWorkerStopped = errors.New("worker stopped")
)
