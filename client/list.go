package client

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// ListRunsOptions select runs. The zero value selects all.
type ListRunsOptions struct {
	// WorkflowID and TaskQueue select runs of one workflow ID, of one queue.
	WorkflowID string
	TaskQueue  string
	// Open selects open runs only.
	Open bool
}

// WorkflowExecutionInfo is a line of a list of runs.
type WorkflowExecutionInfo struct {
	Execution common.WorkflowExecution      `json:"execution"`
	Type      common.WorkflowType           `json:"type"`
	TaskQueue string                        `json:"taskQueue"`
	Status    enums.WorkflowExecutionStatus `json:"status"`
	StartTime time.Time                     `json:"startTime"`
	// CloseTime is nil while the run is open.
	CloseTime     *time.Time `json:"closeTime,omitempty"`
	HistoryLength int64      `json:"historyLength"`
}

// RunIterator yields runs; an error ends it.
type RunIterator = iter.Seq2[*WorkflowExecutionInfo, error]

// ListRuns is documented at Admin.
func (c *workflowClient) ListRuns(ctx context.Context, options ListRunsOptions) RunIterator {
	filter := streams.StartFilter{WorkflowID: options.WorkflowID, Queue: options.TaskQueue}
	return func(yield func(*WorkflowExecutionInfo, error) bool) {
		for start, err := range c.ns.ListStarts(ctx, filter) {
			var info *WorkflowExecutionInfo
			if err == nil {
				info, err = c.runInfo(ctx, start)
			}
			if err != nil {
				yield(nil, serviceError(err))
				return
			}
			if options.Open && info.CloseTime != nil {
				continue
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// runInfo reads a run's start and last record.
func (c *workflowClient) runInfo(ctx context.Context, found *streams.StoredStart) (*WorkflowExecutionInfo, error) {
	info := &WorkflowExecutionInfo{
		Execution:     common.WorkflowExecution{WorkflowId: found.Run.WorkflowID, RunId: found.Run.RunID},
		Type:          common.WorkflowType{Name: found.Type},
		TaskQueue:     found.Run.Queue,
		Status:        enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		StartTime:     found.Time,
		HistoryLength: 1,
	}
	tail, err := c.ns.Tail(ctx, found.Run.Run)
	if errors.Is(err, streams.ErrNotFound) {
		return info, nil
	}
	if err != nil {
		return nil, err
	}
	info.HistoryLength = max(tail.LastEvent, 1)
	closed, err := streams.RunClosed(ctx, c.ns, found.Run.Run)
	if err != nil || closed == nil {
		return info, err
	}
	at := closed.Closing.Time
	info.CloseTime, info.Status = &at, closedStatus(closed.Closing)
	return info, nil
}

func closedStatus(t *history.Transition) enums.WorkflowExecutionStatus {
	return t.Events[len(t.Events)-1].ClosedStatus()
}
