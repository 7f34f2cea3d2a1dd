package client

import (
	"context"
	"fmt"
)

// Admin is what Millrace's operators ask of a namespace and Temporal's client does not have. All methods are safe for
// concurrent use.
type Admin interface {
	// ListRuns yields the namespace's runs, newest start first. It reads the broker directly, one or two reads a run.
	ListRuns(ctx context.Context, options ListRunsOptions) RunIterator
	// ReleaseWorkflow forgets what is held against a run that DescribeWorkflow shows as stuck because its replay has ended
	// processes: what waits for it is replayed again, within the five minutes that it may be resting.
	ReleaseWorkflow(ctx context.Context, workflowID string, runID string) error
	// DeleteWorkflow deletes a closed run with its history and its large payloads. It fails with a
	// *serviceerror.FailedPrecondition while something may still ask for the run; the text says what: it is open, or closed
	// too recently, the run is there that it took over from, its parent has not taken note of it, or signals wait for it. One
	// that was interrupted can be repeated.
	DeleteWorkflow(ctx context.Context, options DeleteWorkflowOptions) error
	// PauseActivity keeps attempts of an activity that has no result yet from beginning, first ones and retries, until it is
	// unpaused. An attempt that is running goes on. It is told when it sends a heartbeat, or after some seconds: its context
	// ends with the cause activity.ErrActivityPaused, and an error that it returns then does not count, unless it is one that
	// is not to be retried. If it succeeds the activity is completed all the same. ScheduleToCloseTimeout goes on; waiting for
	// ScheduleToStartTimeout does not. Pausing a paused activity changes nothing.
	//
	// This method and the next two return when the run has taken note: for that a worker must serve its task queue, or, for
	// an activity that was started by ExecuteActivity, a daemon the namespace. They fail with a *serviceerror.NotFound for an
	// activity that is not pending, and with a *serviceerror.DeadlineExceeded when nobody has taken note within ten seconds: the
	// request still waits then. Local activities cannot be paused or reset.
	PauseActivity(ctx context.Context, options PauseActivityOptions) error
	// UnpauseActivity ends a pause. The next attempt begins at once, whatever was left of a wait for a retry. Of an activity
	// that is not paused it changes nothing.
	UnpauseActivity(ctx context.Context, options UnpauseActivityOptions) error
	// ResetActivity makes the next attempt of an activity the first, with all retries and the first interval before it, and
	// lets it begin at once. An attempt that is running is told as by PauseActivity, with the cause
	// activity.ErrActivityReset; its retry is the first attempt. Of an activity that is made at most once, by a MaximumAttempts
	// of 1, no other attempt is made. It ends a pause, too.
	ResetActivity(ctx context.Context, options ResetActivityOptions) error
}

// NewAdmin returns the Admin of the namespace and the connection of a client, which must have been made by this package.
func NewAdmin(c Client) (Admin, error) {
	w, err := unwrap(context.Background(), c)
	if err != nil {
		return nil, fmt.Errorf("make an Admin: %w", err)
	}
	return w, nil
}
