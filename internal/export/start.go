package export

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/history"
)

func startAttributes(s *history.Start) *apihistory.WorkflowExecutionStartedEventAttributes {
	a := &apihistory.WorkflowExecutionStartedEventAttributes{
		WorkflowType:                    &common.WorkflowType{Name: s.Type},
		WorkflowId:                      s.Run.WorkflowID,
		OriginalExecutionRunId:          s.Run.RunID,
		FirstExecutionRunId:             s.FirstRun(),
		TaskQueue:                       s.Run.Queue,
		Build:                           s.Run.Build,
		Input:                           s.Input,
		Header:                          s.Header,
		Memo:                            s.Memo,
		SearchAttributes:                s.Search,
		WorkflowExecutionTimeout:        duration(s.ExecutionTimeout),
		WorkflowRunTimeout:              duration(s.RunTimeout),
		WorkflowTaskTimeout:             duration(s.TaskTimeout),
		WorkflowExecutionExpirationTime: s.ExecutionExpiry,
		FirstWorkflowTaskBackoff:        duration(s.Delay),
		RetryPolicy:                     retryPolicy(s.RetryPolicy),
		Attempt:                         s.Attempt,
		CronSchedule:                    s.CronSchedule,
		ContinuedExecutionRunId:         s.ContinuedRunID,
		Initiator:                       s.Initiator,
		ContinuedFailure:                s.ContinuedFailure,
		LastCompletionResult:            s.LastCompletionResult,
		RootWorkflowExecution:           execution(s.Root),
		Identity:                        s.Identity,
		RequestId:                       s.RequestID,
		StaticSummary:                   s.StaticSummary,
		StaticDetails:                   s.StaticDetails,
		Priority:                        priority(s.Priority),
		VersioningOverride:              override(s.Versioning),
	}
	if p := s.Parent; p != nil {
		a.ParentWorkflowExecution = execution(&p.Run)
		a.ParentInitiatedEventId = p.Initiated
		a.ParentTaskQueue, a.ParentBuild = p.Queue, p.Build
	}
	if s.Signal != nil {
		a.Signal, a.SignalId = signalAttributes(s.Signal), s.Signal.ID
	}
	return a
}

func startOf(a *apihistory.WorkflowExecutionStartedEventAttributes, at time.Time) *history.Start {
	s := &history.Start{
		Version: history.FormatVersion,
		Run: history.Address{
			Run:   history.Run{WorkflowID: a.WorkflowId, RunID: a.OriginalExecutionRunId},
			Queue: a.TaskQueue, Build: a.Build,
		},
		Type:                 a.WorkflowType.GetName(),
		Input:                a.Input,
		Header:               a.Header,
		Memo:                 a.Memo,
		Search:               a.SearchAttributes,
		Time:                 at.UTC(),
		Delay:                millis(a.FirstWorkflowTaskBackoff),
		ExecutionTimeout:     millis(a.WorkflowExecutionTimeout),
		RunTimeout:           millis(a.WorkflowRunTimeout),
		TaskTimeout:          millis(a.WorkflowTaskTimeout),
		ExecutionExpiry:      a.WorkflowExecutionExpirationTime.UTC(),
		RetryPolicy:          storedRetryPolicy(a.RetryPolicy),
		Attempt:              a.Attempt,
		CronSchedule:         a.CronSchedule,
		ContinuedRunID:       a.ContinuedExecutionRunId,
		Initiator:            a.Initiator,
		ContinuedFailure:     a.ContinuedFailure,
		LastCompletionResult: a.LastCompletionResult,
		Root:                 storedRun(a.RootWorkflowExecution),
		Identity:             a.Identity,
		RequestID:            a.RequestId,
		StaticSummary:        a.StaticSummary,
		StaticDetails:        a.StaticDetails,
		Priority:             storedPriority(a.Priority),
		Versioning:           storedOverride(a.VersioningOverride),
	}
	if a.FirstExecutionRunId != a.OriginalExecutionRunId {
		s.FirstRunID = a.FirstExecutionRunId
	}
	if parent := storedRun(a.ParentWorkflowExecution); parent != nil {
		s.Parent = &history.Parent{
			Address:   history.Address{Run: *parent, Queue: a.ParentTaskQueue, Build: a.ParentBuild},
			Initiated: a.ParentInitiatedEventId,
		}
	}
	if a.Signal != nil {
		signal := storedSignal(a.Signal)
		signal.ID = a.SignalId
		s.Signal = &signal
	}
	return s
}

func duration(m history.Millis) apihistory.Duration { return apihistory.Duration(m.Duration()) }

func millis(d apihistory.Duration) history.Millis { return history.MillisOf(d.AsDuration()) }

func execution(r *history.Run) *common.WorkflowExecution {
	if r == nil {
		return nil
	}
	return &common.WorkflowExecution{WorkflowId: r.WorkflowID, RunId: r.RunID}
}

func storedRun(e *common.WorkflowExecution) *history.Run {
	if e == nil {
		return nil
	}
	return &history.Run{WorkflowID: e.WorkflowId, RunID: e.RunId}
}

func retryPolicy(p *history.RetryPolicy) *apihistory.RetryPolicy {
	if p == nil {
		return nil
	}
	return &apihistory.RetryPolicy{
		InitialInterval:        duration(p.InitialInterval),
		BackoffCoefficient:     p.BackoffCoefficient,
		MaximumInterval:        duration(p.MaximumInterval),
		MaximumAttempts:        p.MaximumAttempts,
		NonRetryableErrorTypes: p.NonRetryableErrorTypes,
	}
}

func storedRetryPolicy(p *apihistory.RetryPolicy) *history.RetryPolicy {
	if p == nil {
		return nil
	}
	return &history.RetryPolicy{
		InitialInterval:        millis(p.InitialInterval),
		BackoffCoefficient:     p.BackoffCoefficient,
		MaximumInterval:        millis(p.MaximumInterval),
		MaximumAttempts:        p.MaximumAttempts,
		NonRetryableErrorTypes: p.NonRetryableErrorTypes,
	}
}

func signalAttributes(s *history.Signal) *apihistory.WorkflowExecutionSignaledEventAttributes {
	return &apihistory.WorkflowExecutionSignaledEventAttributes{SignalName: s.Name, Input: s.Input, Header: s.Header, Identity: s.Identity}
}

func storedSignal(a *apihistory.WorkflowExecutionSignaledEventAttributes) history.Signal {
	return history.Signal{Name: a.SignalName, Input: a.Input, Header: a.Header, Identity: a.Identity}
}
