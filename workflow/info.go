package workflow

import (
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

// Info describes the run that a workflow function is in. It must not be changed.
type Info struct {
	WorkflowExecution Execution
	// OriginalRunID is the ID that the run had at first. It is the run's own.
	OriginalRunID string
	// FirstRunID is the first run of the chain of successors (continue-as-new and retries) that this one is in.
	FirstRunID    string
	WorkflowType  Type
	TaskQueueName string
	// The time-outs are 0 where there is no limit (WorkflowTaskTimeout: for the coordinator's default).
	WorkflowExecutionTimeout time.Duration
	WorkflowRunTimeout       time.Duration
	WorkflowTaskTimeout      time.Duration
	Namespace                string
	// Attempt counts the runs of the workflow's retry policy, from 1.
	Attempt int32
	// WorkflowStartTime is when the run was started.
	WorkflowStartTime time.Time
	CronSchedule      string
	// ContinuedExecutionRunID is the run before this one in its chain, empty for none.
	ContinuedExecutionRunID string
	ParentWorkflowNamespace string
	// ParentWorkflowExecution is nil for a run without a parent.
	ParentWorkflowExecution *Execution
	// RootWorkflowExecution is the first ancestor, the run itself when it has no parent.
	RootWorkflowExecution *Execution
	// Memo and SearchAttributes are those that the run has now, nil where there are none.
	Memo             *common.Memo
	SearchAttributes *common.SearchAttributes
	// RetryPolicy is nil where the workflow is not retried.
	RetryPolicy *millrace.RetryPolicy
	// Priority is the one that the run was started with.
	Priority millrace.Priority
	// BinaryChecksum is always empty.
	//
	// Deprecated: builds have names, see GetCurrentBuildID.
	BinaryChecksum string

	env *replay.Env
}

// GetBinaryChecksum returns "".
//
// Deprecated: use GetCurrentBuildID.
func (i *Info) GetBinaryChecksum() string { return i.BinaryChecksum }

// GetCurrentBuildID returns the build that the run is pinned to, empty for none.
func (i *Info) GetCurrentBuildID() string { return i.env.Start().Run.Build }

// GetTargetWorkerDeploymentVersionChanged says whether new runs go to another version than the one that this run is pinned to,
// as it was when what is decided now began. A run that has come far enough may continue as new with
// ContinueAsNewVersioningBehaviorAutoUpgrade then. It is false for a run that is not pinned, or pinned by an override.
func (i *Info) GetTargetWorkerDeploymentVersionChanged() bool { return i.env.TargetChanged() }

// GetCurrentHistoryLength returns the number of events in the run's history before what is decided now.
func (i *Info) GetCurrentHistoryLength() int { return int(i.env.HistoryLength()) }

// GetCurrentHistorySize returns how many bytes the run's history has before what is decided now: its start and its
// records.
func (i *Info) GetCurrentHistorySize() int { return int(i.env.HistorySize()) }

// ContinueAsNewSuggestedReason says why a run should continue as new.
type ContinueAsNewSuggestedReason int

// The values of ContinueAsNewSuggestedReason, without a type as Temporal's are. TooManyUpdates is here for code that asks for it; nothing suggests it.
const (
	ContinueAsNewSuggestedReasonUnspecified = iota
	ContinueAsNewSuggestedReasonHistorySizeTooLarge
	ContinueAsNewSuggestedReasonTooManyHistoryEvents
	ContinueAsNewSuggestedReasonTooManyUpdates
)

// The length and the size in bytes from which on a run should continue as new. They are fixed for ever: with others a
// replay would have other reasons than the code had.
const (
	suggestedLength = 4 << 10
	suggestedSize   = 4 << 20
)

// GetContinueAsNewSuggested says whether the history has become so long, from 4,096 events, or so large, from 4 MiB, that
// the run should continue as new soon.
func (i *Info) GetContinueAsNewSuggested() bool { return len(i.GetContinueAsNewSuggestedReasons()) > 0 }

// GetContinueAsNewSuggestedReasons returns all reasons for GetContinueAsNewSuggested, nil for none.
func (i *Info) GetContinueAsNewSuggestedReasons() []ContinueAsNewSuggestedReason {
	var reasons []ContinueAsNewSuggestedReason
	if pretended, ok := i.env.Suggested(); ok {
		for _, reason := range pretended {
			reasons = append(reasons, ContinueAsNewSuggestedReason(reason))
		}
		return reasons
	}
	if i.env.HistorySize() >= suggestedSize {
		reasons = append(reasons, ContinueAsNewSuggestedReasonHistorySizeTooLarge)
	}
	if i.env.HistoryLength() >= suggestedLength {
		reasons = append(reasons, ContinueAsNewSuggestedReasonTooManyHistoryEvents)
	}
	return reasons
}

// GetInfo returns what is known about the run.
func GetInfo(ctx Context) *Info {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.GetInfo(ctx)
	}
	return r.info()
}

func (r *run) info() *Info {
	s := r.start()
	info := &Info{
		WorkflowExecution:        executionOf(s.Run.Run),
		OriginalRunID:            s.Run.RunID,
		FirstRunID:               s.FirstRun(),
		WorkflowType:             Type{Name: s.Type},
		TaskQueueName:            s.Run.Queue,
		WorkflowExecutionTimeout: s.ExecutionTimeout.Duration(),
		WorkflowRunTimeout:       s.RunTimeout.Duration(),
		WorkflowTaskTimeout:      s.TaskTimeout.Duration(),
		Namespace:                r.def.options.Namespace,
		Attempt:                  max(s.Attempt, 1),
		WorkflowStartTime:        s.Time,
		CronSchedule:             s.CronSchedule,
		ContinuedExecutionRunID:  s.ContinuedRunID,
		Memo:                     r.env.Memo(),
		SearchAttributes:         r.env.Search(),
		RetryPolicy:              s.RetryPolicy.Policy(),
		Priority:                 s.Priority.Priority(),
		env:                      r.env,
	}
	root := info.WorkflowExecution
	if s.Root != nil {
		root = executionOf(*s.Root)
	}
	info.RootWorkflowExecution = &root
	if s.Parent != nil {
		parent := executionOf(s.Parent.Run)
		info.ParentWorkflowExecution, info.ParentWorkflowNamespace = &parent, info.Namespace
	}
	return info
}

func executionOf(r history.Run) Execution { return Execution{ID: r.WorkflowID, RunID: r.RunID} }

// IsReplaying says whether the code runs only to repeat what its history records. Decisions must not depend on it; it
// is for logs and the like.
func IsReplaying(ctx Context) bool {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.IsReplaying(ctx)
	}
	return r.env.Replaying()
}
