package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/schedule"
	"github.com/millrace-dev/millrace/streams"
)

// The search attributes of runs that a schedule has started.
const (
	scheduledByID      = "TemporalScheduledById"
	scheduledStartTime = "TemporalScheduledStartTime"
)

// StartScheduled starts a run for a schedule, once for its run ID. It fails with a wrapped
// *serviceerror.WorkflowExecutionAlreadyStarted when another run is in the way. Programs have no use for it.
func StartScheduled(ctx context.Context, c Client, s *schedule.Start) error {
	w, err := unwrap(ctx, c)
	if err != nil {
		return err
	}
	run := history.Run{WorkflowID: s.Run.WorkflowID, RunID: s.Run.RunID}
	start, err := w.scheduledStart(ctx, run, s)
	if err != nil {
		return fmt.Errorf("start run %s of schedule %q: %w", run, s.ScheduleID, err)
	}
	_, err = streams.StartRun(ctx, w.ns, streams.StartRequest{Start: start})
	var already *streams.AlreadyStartedError
	if errors.As(err, &already) && already.Run.Run == run {
		return nil
	}
	if err != nil {
		return fmt.Errorf("schedule %q: %w", s.ScheduleID, serviceError(err))
	}
	return nil
}

func (c *workflowClient) scheduledStart(ctx context.Context, run history.Run, s *schedule.Start) (*history.Start, error) {
	a := &s.Action
	input, err := c.outsource(ctx, run, a.Args)
	if err != nil {
		return nil, fmt.Errorf("arguments: %w", err)
	}
	var override *history.VersioningOverride
	if a.Override != nil {
		override = &history.VersioningOverride{Deployment: a.Override.Deployment, Build: a.Override.Build}
	}
	build, err := c.placed(ctx, override, a.TaskQueue, run.WorkflowID, a.Type)
	if err != nil {
		return nil, fmt.Errorf("choose a build: %w", serviceError(err))
	}
	search, err := scheduledSearch(s)
	if err != nil {
		return nil, err
	}
	start := &history.Start{
		Run:  history.Address{Run: run, Queue: a.TaskQueue, Build: build},
		Type: a.Type, Input: input, Header: a.Header, Memo: a.Memo, Search: search,
		Time:             time.Now().Round(0).UTC(),
		ExecutionTimeout: history.MillisOf(a.ExecutionTimeout), RunTimeout: history.MillisOf(a.RunTimeout), TaskTimeout: history.MillisOf(a.TaskTimeout),
		RetryPolicy: history.RetryPolicyOf(a.RetryPolicy), Attempt: 1, Identity: c.options.Identity,
		StaticSummary: a.StaticSummary, StaticDetails: a.StaticDetails, ContinuedFailure: s.LastError,
		Versioning: override, Priority: history.PriorityOf(a.Priority),
	}
	if s.LastResult != nil {
		last, err := c.outsource(ctx, run, &common.Payloads{Payloads: []*common.Payload{s.LastResult}})
		if err != nil {
			return nil, fmt.Errorf("last result: %w", err)
		}
		start.LastCompletionResult = last
	}
	if a.ExecutionTimeout > 0 {
		start.ExecutionExpiry = start.Time.Add(a.ExecutionTimeout)
	}
	return start, nil
}

// scheduledSearch adds to the action's search attributes those that say which schedule and which time a run is for.
func scheduledSearch(s *schedule.Start) (*common.SearchAttributes, error) {
	out, err := history.EncodeSearch(millrace.NewSearchAttributes(
		millrace.NewSearchAttributeKeyKeyword(scheduledByID).ValueSet(s.ScheduleID),
		millrace.NewSearchAttributeKeyTime(scheduledStartTime).ValueSet(s.Nominal)))
	if err != nil {
		return nil, err
	}
	for key, p := range s.Action.Search.GetIndexedFields() {
		if _, ours := out.IndexedFields[key]; !ours {
			out.IndexedFields[key] = p
		}
	}
	return out, nil
}
