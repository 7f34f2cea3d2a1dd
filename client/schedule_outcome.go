package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/schedule"
	"github.com/millrace-dev/millrace/streams"
)

// ScheduledOutcome says how the chain ended that begins with a run: nil while it goes on. One whose records are gone has
// no status. The client must have the default data converter, so that the result stays as the workflow has encoded it.
// Programs have no use for it.
func ScheduledOutcome(ctx context.Context, c Client, run schedule.Run) (*schedule.Outcome, error) {
	w, err := unwrap(ctx, c)
	if err != nil {
		return nil, err
	}
	return w.scheduledOutcome(ctx, run)
}

func (c *workflowClient) scheduledOutcome(ctx context.Context, first schedule.Run) (*schedule.Outcome, error) {
	run := history.Run{WorkflowID: first.WorkflowID, RunID: first.RunID}
	for {
		closed, err := streams.RunClosed(ctx, c.ns, run)
		if err != nil {
			return nil, fmt.Errorf("look for the end of run %s: %w", run, serviceError(err))
		}
		if closed == nil {
			return c.unfinished(ctx, run, first)
		}
		if closed.Successor != "" {
			run.RunID = closed.Successor
			continue
		}
		e := closed.Closing.Events[len(closed.Closing.Events)-1]
		result, failure := outcome(e)
		out := &schedule.Outcome{Run: first, Status: e.ClosedStatus(), Error: failure}
		var raw converter.RawValue
		if err := c.decodeResult(run, result, &raw); err != nil {
			return nil, err
		}
		out.Result = raw.Payload()
		return out, nil
	}
}

// unfinished tells a run that is open from one whose records are gone.
func (c *workflowClient) unfinished(ctx context.Context, run history.Run, first schedule.Run) (*schedule.Outcome, error) {
	_, err := c.ns.FindStart(ctx, run)
	switch {
	case err == nil:
		return nil, nil
	case !errors.Is(err, streams.ErrNotFound):
		return nil, fmt.Errorf("look for run %s: %w", run, serviceError(err))
	case run.RunID != first.RunID:
		return nil, nil // a successor that has yet to be started
	}
	return &schedule.Outcome{Run: first}, nil
}
