package coordinator

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

// EagerRunner runs first attempts of activities in the process that has just scheduled them, without a task message.
// A worker that serves the activities of the same queue implements it. All methods are safe for concurrent use.
type EagerRunner interface {
	// Reserve takes a slot for the task's first attempt and returns it, or nil when this process cannot run it now: it
	// does not serve the task's queue, does not know the activity, has no slot free, is rate limited or is stopping.
	// It never blocks. Either Run or Release must be called, once.
	Reserve(task *history.Task) EagerAttempt
}

// EagerAttempt is a reserved slot for one first attempt.
type EagerAttempt interface {
	// Run calls the activity's function, gives the slot back and says how the attempt ended. When the end of ctx keeps
	// it from finding out, it says that the attempt is lost: its zero outcome.
	Run(ctx context.Context) EagerOutcome
	// Release gives the slot back without a call.
	Release()
}

// EagerOutcome says how an eager attempt ended. At most one of Result and Requeue is set; with neither the attempt is
// lost, and counts.
type EagerOutcome struct {
	// Result ends the activity: success, or a failure that is not retried.
	Result *history.ActivityResult
	// Requeue sends the activity to its task queue.
	Requeue *EagerRequeue
	// Keys says that HEARTBEATS holds keys of the activity, a cancel request among them perhaps. They are to be deleted
	// AFTER Result is in the history, not before: who makes the attempt again, had this process died, needs them.
	Keys bool
}

// EagerRequeue is how an activity goes to its task queue after an eager attempt. What the next worker needs to know
// about the attempt (failure, heartbeat details, pending completion) stands in HEARTBEATS before it is returned.
type EagerRequeue struct {
	// Attempt is the number of the attempt that the queue's first delivery makes: 2 after a failure, 1 when the
	// activity is to be completed from outside or the attempt was handed back and does not count.
	Attempt int32
	// NotBefore is when that attempt may begin, zero for at once.
	NotBefore time.Time
}
