package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/cron"
	"github.com/millrace-dev/millrace/internal/retry"
)

// RetryRun is the run that the workflow's retry policy starts after a failure at the given time, or else its cron
// schedule, nil when there is none, and why the retry policy starts it or not. Event is the number of the closing event
// that will carry it.
func (s *State) RetryRun(f *failure.Failure, now time.Time, event int64) (*Successor, enums.RetryState) {
	next, state := s.retryRun(f, now, event)
	if next == nil {
		next = s.CronRun(now, event)
	}
	return next, state
}

// CronRun is the run that the workflow's cron schedule starts after a run that closed at the given time, nil when there
// is none. Event is the number of the closing event that will carry it.
func (s *State) CronRun(now time.Time, event int64) *Successor {
	if s.Start.CronSchedule == "" {
		return nil
	}
	begun := s.Start.Time.Add(s.Start.Delay.Duration())
	at, err := cron.Next(s.Start.CronSchedule, begun, now)
	if err != nil || !s.Start.ExecutionExpiry.IsZero() && !at.Before(s.Start.ExecutionExpiry) {
		return nil // whoever started the chain was told of a schedule that is none
	}
	return &Successor{
		RunID:     DeriveRunID(s.Start.Run.Run, event, now),
		Initiator: enums.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE,
		Delay:     MillisOf(at.Sub(now)),
		Attempt:   1,
	}
}

func (s *State) retryRun(f *failure.Failure, now time.Time, event int64) (*Successor, enums.RetryState) {
	policy := s.Start.RetryPolicy.Policy()
	if policy == nil {
		return nil, enums.RETRY_STATE_RETRY_POLICY_NOT_SET
	}
	attempt := max(s.Start.Attempt, 1)
	var left time.Duration
	if !s.Start.ExecutionExpiry.IsZero() {
		if left = s.Start.ExecutionExpiry.Sub(now); left <= 0 {
			return nil, enums.RETRY_STATE_TIMEOUT
		}
	}
	delay, state := retry.Next(policy, int(attempt), 0, left, f)
	if state != enums.RETRY_STATE_IN_PROGRESS {
		return nil, state
	}
	return &Successor{
		RunID:     DeriveRunID(s.Start.Run.Run, event, now),
		Initiator: enums.CONTINUE_AS_NEW_INITIATOR_RETRY,
		Delay:     MillisOf(delay),
		Attempt:   attempt + 1,
	}, state
}

// Successor is the run that takes over from a closed run, nil when there is none.
func (s *State) Successor() *Successor {
	if s.Close == nil {
		return nil
	}
	return SuccessorIn(*s.Close)
}

// SuccessorIn is the successor that a closing event names, nil for none.
func SuccessorIn(e Event) *Successor {
	switch a := e.Attributes.(type) {
	case *WorkflowExecutionCompleted:
		return a.Successor
	case *WorkflowExecutionFailed:
		return a.Successor
	case *WorkflowExecutionTimedOut:
		return a.Successor
	case *WorkflowExecutionContinuedAsNew:
		return a.Successor
	}
	return nil
}

// SuccessorStart is the start of the successor of a closed run, nil when there is none: the same bytes for everyone
// who derives it.
func (s *State) SuccessorStart() *Start {
	next := s.Successor()
	if next == nil {
		return nil
	}
	start := *s.Start
	start.Run.RunID = next.RunID
	start.Time, start.Delay = s.Time, next.Delay
	start.Attempt, start.Initiator = next.Attempt, next.Initiator
	start.FirstRunID, start.ContinuedRunID = s.Start.FirstRun(), s.Start.Run.RunID
	start.Signal, start.RequestID = nil, ""
	if start.Versioning = s.Versioning; start.Versioning != nil && start.Versioning.Build == "" {
		start.Versioning = nil // only what pins a run is passed on
	}
	if next.Binding != nil {
		start.Run.Build = next.Binding.Build
	}
	switch a := s.Close.Attributes.(type) {
	case *WorkflowExecutionFailed:
		start.ContinuedFailure = CutFailure(a.Failure, MaxContinuedFailure)
	case *WorkflowExecutionTimedOut:
		start.ContinuedFailure = timeoutFailure(enums.TIMEOUT_TYPE_START_TO_CLOSE)
	case *WorkflowExecutionCompleted:
		start.LastCompletionResult, start.ContinuedFailure = a.Result, nil
	}
	if next.Initiator != enums.CONTINUE_AS_NEW_INITIATOR_WORKFLOW {
		return &start
	}
	start.ContinuedFailure = nil
	start.Type, start.Input, start.Header = next.Type, next.Input, next.Header
	if next.Queue != "" && next.Queue != start.Run.Queue {
		start.Run.Queue, start.Run.Build, start.Versioning = next.Queue, "", nil
		if next.Binding != nil {
			start.Run.Build = next.Binding.Build
		}
	}
	start.RunTimeout, start.TaskTimeout = next.RunTimeout, next.TaskTimeout
	start.RetryPolicy = next.RetryPolicy
	if next.Memo != nil {
		start.Memo = next.Memo
	}
	if next.Search != nil {
		start.Search = next.Search
	}
	return &start
}

// SuccessorOf is the start of the run that the closing transition last hands over to, nil when last does not close the
// run or nobody takes over.
func SuccessorOf(start *Start, last *Transition) *Start {
	s := NewState(start)
	if len(last.Events) == 0 {
		return nil
	}
	if e := &last.Events[len(last.Events)-1]; e.IsClosing() {
		s.Close = e
	}
	if last.Time.After(s.Time) {
		s.Time = last.Time
	}
	return s.SuccessorStart()
}
