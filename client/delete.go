package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// DefaultDeleteAge is DeleteWorkflowOptions.MinAge when that is 0.
const DefaultDeleteAge = 24 * time.Hour

// DeleteWorkflowOptions are the options of Admin.DeleteWorkflow. WorkflowID is required.
type DeleteWorkflowOptions struct {
	WorkflowID string
	// RunID is the run. Default: the newest one. To repeat a deletion that was interrupted it must be given.
	RunID string
	// MinAge is how long the run must have been closed. A start whose answer was lost is repeated, and finds by the run that
	// it was carried out: whoever starts runs must not repeat a start for longer. Default DefaultDeleteAge; at least two
	// minutes.
	MinAge time.Duration
}

// DeleteWorkflow is documented at Admin.
func (c *workflowClient) DeleteWorkflow(ctx context.Context, o DeleteWorkflowOptions) error {
	if o.MinAge < 0 || o.MinAge > 0 && o.MinAge < streams.MinDeleteAge {
		return serviceerror.NewInvalidArgument(fmt.Sprintf("DeleteWorkflowOptions.MinAge is %v: it must be 0, for %v, or at least %v",
			o.MinAge, DefaultDeleteAge, streams.MinDeleteAge))
	}
	if o.MinAge == 0 {
		o.MinAge = DefaultDeleteAge
	}
	run := history.Run{WorkflowID: o.WorkflowID, RunID: o.RunID}
	if run.RunID == "" {
		start, err := c.find(ctx, o.WorkflowID, "")
		if err != nil {
			return fmt.Errorf("delete workflow %q: %w", o.WorkflowID, serviceError(err))
		}
		run = start.Run.Run
	}
	err := c.ns.DeleteRun(ctx, streams.DeleteRequest{Run: run, Now: time.Now(), MinAge: o.MinAge})
	if errors.Is(err, streams.ErrNotDeletable) {
		return &wrapped{typed: serviceerror.NewFailedPrecondition(err.Error()), cause: err}
	}
	return serviceError(err)
}
