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
}

// NewAdmin returns the Admin of the namespace and the connection of a client, which must have been made by this package.
func NewAdmin(c Client) (Admin, error) {
	w, err := unwrap(context.Background(), c)
	if err != nil {
		return nil, fmt.Errorf("make an Admin: %w", err)
	}
	return w, nil
}
