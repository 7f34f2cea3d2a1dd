package export

import (
	"github.com/millrace-dev/millrace/api/common"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/history"
)

// attributesOf is the inverse of Exporter.attributes, nil for what no transition holds.
func attributesOf(e *apihistory.HistoryEvent) history.Attributes {
	switch a := e.Attributes.(type) {
	case *apihistory.WorkflowExecutionCompletedEventAttributes:
		return &history.WorkflowExecutionCompleted{Result: a.Result, Successor: successor(a.NewExecution)}
	case *apihistory.WorkflowExecutionFailedEventAttributes:
		return &history.WorkflowExecutionFailed{Failure: a.Failure, Retry: a.RetryState, Successor: successor(a.NewExecution)}
	case *apihistory.WorkflowExecutionTimedOutEventAttributes:
		return &history.WorkflowExecutionTimedOut{Retry: a.RetryState, Successor: successor(a.NewExecution)}
	case *apihistory.WorkflowExecutionCanceledEventAttributes:
		return &history.WorkflowExecutionCanceled{Details: a.Details}
	case *apihistory.WorkflowExecutionTerminatedEventAttributes:
		return &history.WorkflowExecutionTerminated{Termination: history.Termination{Reason: a.Reason, Details: a.Details, Identity: a.Identity}}
	case *apihistory.WorkflowExecutionContinuedAsNewEventAttributes:
		return storedContinuedAsNew(a)
	case *apihistory.WorkflowExecutionSignaledEventAttributes:
		return &history.WorkflowExecutionSignaled{Signal: storedSignal(a)}
	case *apihistory.WorkflowExecutionCancelRequestedEventAttributes:
		return &history.WorkflowExecutionCancelRequested{CancelRequest: history.CancelRequest{
			Reason: a.Cause, Identity: a.Identity, External: storedRun(a.ExternalWorkflowExecution)}}
	case *apihistory.WorkflowExecutionOptionsUpdatedEventAttributes:
		return storedOptions(a)
	case *apihistory.TimerStartedEventAttributes:
		return &history.TimerStarted{Timeout: millis(a.StartToFireTimeout), Due: a.FireTime.UTC(), Summary: a.Summary}
	case *apihistory.TimerFiredEventAttributes:
		return &history.TimerFired{Started: a.StartedEventId}
	case *apihistory.TimerCanceledEventAttributes:
		return &history.TimerCanceled{Started: a.StartedEventId}
	}
	if a := storedActivity(e); a != nil {
		return a
	}
	if a := storedMarker(e); a != nil {
		return a
	}
	if a := storedUpdate(e); a != nil {
		return a
	}
	if a := storedChild(e); a != nil {
		return a
	}
	return storedExternal(e)
}

func successor(n apihistory.NewExecution) *history.Successor {
	if n == (apihistory.NewExecution{}) {
		return nil
	}
	return &history.Successor{
		RunID: n.NewExecutionRunId, Initiator: n.Initiator, Delay: millis(n.BackoffStartInterval), Attempt: n.NewExecutionAttempt,
		Binding: storedBinding(n.Binding),
	}
}

func storedContinuedAsNew(a *apihistory.WorkflowExecutionContinuedAsNewEventAttributes) history.Attributes {
	s := successor(a.NewExecution)
	if s == nil {
		return &history.WorkflowExecutionContinuedAsNew{}
	}
	s.Type = a.WorkflowType.GetName()
	s.Queue, s.Input, s.Header, s.Memo, s.Search = a.TaskQueue, a.Input, a.Header, a.Memo, a.SearchAttributes
	s.RunTimeout, s.TaskTimeout = millis(a.WorkflowRunTimeout), millis(a.WorkflowTaskTimeout)
	s.RetryPolicy, s.Versioning = storedRetryPolicy(a.RetryPolicy), a.InitialVersioningBehavior
	return &history.WorkflowExecutionContinuedAsNew{Successor: s}
}

func storedActivity(e *apihistory.HistoryEvent) history.Attributes {
	switch a := e.Attributes.(type) {
	case *apihistory.ActivityTaskScheduledEventAttributes:
		return &history.ActivityTaskScheduled{
			ActivityID:      a.ActivityId,
			Type:            a.ActivityType.GetName(),
			Queue:           a.TaskQueue,
			Header:          a.Header,
			Input:           a.Input,
			ScheduleToClose: millis(a.ScheduleToCloseTimeout),
			ScheduleToStart: millis(a.ScheduleToStartTimeout),
			StartToClose:    millis(a.StartToCloseTimeout),
			Heartbeat:       millis(a.HeartbeatTimeout),
			RetryPolicy:     storedRetryPolicy(a.RetryPolicy),
			Summary:         a.Summary,
			NoEager:         a.DisableEager,
			Eager:           a.Eager,
			Build:           a.Build,
			Priority:        storedPriority(a.Priority),
		}
	case *apihistory.ActivityTaskQueuedEventAttributes:
		return &history.ActivityTaskQueued{Scheduled: a.ScheduledEventId, Attempt: a.Attempt, NotBefore: a.NotBefore.UTC(), Forget: a.ResetHeartbeat}
	case *apihistory.ActivityTaskPausedEventAttributes, *apihistory.ActivityTaskUnpausedEventAttributes,
		*apihistory.ActivityTaskResetEventAttributes, *apihistory.ActivityTaskParkedEventAttributes:
		return storedControl(a)
	case *apihistory.ActivityTaskCompletedEventAttributes:
		return &history.ActivityTaskCompleted{ActivityEnd: storedEnd(a.ActivityAttempt), Result: a.Result}
	case *apihistory.ActivityTaskFailedEventAttributes:
		return &history.ActivityTaskFailed{ActivityEnd: storedEnd(a.ActivityAttempt), Failure: a.Failure, Retry: a.RetryState}
	case *apihistory.ActivityTaskTimedOutEventAttributes:
		return &history.ActivityTaskTimedOut{ActivityEnd: storedEnd(a.ActivityAttempt), Failure: a.Failure, Retry: a.RetryState}
	case *apihistory.ActivityTaskCancelRequestedEventAttributes:
		return &history.ActivityTaskCancelRequested{Scheduled: a.ScheduledEventId}
	case *apihistory.ActivityTaskCanceledEventAttributes:
		return &history.ActivityTaskCanceled{ActivityEnd: storedEnd(a.ActivityAttempt), Details: a.Details}
	}
	return nil
}

func storedEnd(a apihistory.ActivityAttempt) history.ActivityEnd {
	return history.ActivityEnd{Scheduled: a.ScheduledEventId, Attempt: a.Attempt, Identity: a.Identity, Started: a.StartedTime.UTC()}
}

func storedChild(e *apihistory.HistoryEvent) history.Attributes {
	switch a := e.Attributes.(type) {
	case *apihistory.StartChildWorkflowExecutionInitiatedEventAttributes:
		return storedInitiated(a)
	case *apihistory.StartChildWorkflowExecutionFailedEventAttributes:
		return &history.StartChildWorkflowExecutionFailed{Initiated: a.InitiatedEventId, Cause: a.Cause}
	case *apihistory.ChildWorkflowExecutionStartedEventAttributes:
		return &history.ChildWorkflowExecutionStarted{Initiated: a.InitiatedEventId, RunID: a.WorkflowExecution.GetRunId()}
	case *apihistory.ChildWorkflowExecutionCompletedEventAttributes:
		return &history.ChildWorkflowExecutionCompleted{ChildEnd: storedChildEnd(a.ChildExecution), Result: a.Result}
	case *apihistory.ChildWorkflowExecutionFailedEventAttributes:
		return &history.ChildWorkflowExecutionFailed{ChildEnd: storedChildEnd(a.ChildExecution), Failure: a.Failure, Retry: a.RetryState}
	case *apihistory.ChildWorkflowExecutionCanceledEventAttributes:
		return &history.ChildWorkflowExecutionCanceled{ChildEnd: storedChildEnd(a.ChildExecution), Details: a.Details}
	case *apihistory.ChildWorkflowExecutionTimedOutEventAttributes:
		return &history.ChildWorkflowExecutionTimedOut{ChildEnd: storedChildEnd(a.ChildExecution), Retry: a.RetryState}
	case *apihistory.ChildWorkflowExecutionTerminatedEventAttributes:
		return &history.ChildWorkflowExecutionTerminated{ChildEnd: storedChildEnd(a.ChildExecution)}
	}
	return nil
}

func storedChildEnd(c apihistory.ChildExecution) history.ChildEnd {
	return history.ChildEnd{Initiated: c.InitiatedEventId, RunID: c.WorkflowExecution.GetRunId()}
}

func storedInitiated(a *apihistory.StartChildWorkflowExecutionInitiatedEventAttributes) history.Attributes {
	return &history.StartChildWorkflowExecutionInitiated{
		WorkflowID:       a.WorkflowId,
		RunID:            a.RunId,
		Type:             a.WorkflowType.GetName(),
		Queue:            a.TaskQueue,
		Input:            a.Input,
		Header:           a.Header,
		Memo:             a.Memo,
		Search:           a.SearchAttributes,
		ExecutionTimeout: millis(a.WorkflowExecutionTimeout),
		RunTimeout:       millis(a.WorkflowRunTimeout),
		TaskTimeout:      millis(a.WorkflowTaskTimeout),
		RetryPolicy:      storedRetryPolicy(a.RetryPolicy),
		CronSchedule:     a.CronSchedule,
		ParentClose:      a.ParentClosePolicy,
		Reuse:            a.WorkflowIdReusePolicy,
		StaticSummary:    a.StaticSummary,
		StaticDetails:    a.StaticDetails,
		Priority:         storedPriority(a.Priority),
		Binding:          storedBinding(a.Binding),
	}
}

func storedExternal(e *apihistory.HistoryEvent) history.Attributes {
	switch a := e.Attributes.(type) {
	case *apihistory.SignalExternalWorkflowExecutionInitiatedEventAttributes:
		return &history.SignalExternalWorkflowExecutionInitiated{
			Target: target(a.WorkflowExecution), Name: a.SignalName, Input: a.Input, Header: a.Header, ChildOnly: a.ChildWorkflowOnly}
	case *apihistory.SignalExternalWorkflowExecutionFailedEventAttributes:
		return &history.SignalExternalWorkflowExecutionFailed{Cause: a.Cause, Initiated: a.InitiatedEventId}
	case *apihistory.ExternalWorkflowExecutionSignaledEventAttributes:
		return &history.ExternalWorkflowExecutionSignaled{Initiated: a.InitiatedEventId}
	case *apihistory.RequestCancelExternalWorkflowExecutionInitiatedEventAttributes:
		return &history.RequestCancelExternalWorkflowExecutionInitiated{
			Target: target(a.WorkflowExecution), Reason: a.Reason, ChildOnly: a.ChildWorkflowOnly}
	case *apihistory.RequestCancelExternalWorkflowExecutionFailedEventAttributes:
		return &history.RequestCancelExternalWorkflowExecutionFailed{Cause: a.Cause, Initiated: a.InitiatedEventId}
	case *apihistory.ExternalWorkflowExecutionCancelRequestedEventAttributes:
		return &history.ExternalWorkflowExecutionCancelRequested{Initiated: a.InitiatedEventId}
	}
	return nil
}

func target(e *common.WorkflowExecution) history.Run {
	return history.Run{WorkflowID: e.GetWorkflowId(), RunID: e.GetRunId()}
}
