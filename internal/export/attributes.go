package export

import (
	"strconv"

	"github.com/millrace-dev/millrace/api/common"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/history"
)

// attributes are e's attributes as api/history has them, nil for an event that is not stored in transitions.
func (x *Exporter) attributes(e *history.Event) apihistory.EventAttributes {
	switch a := e.Attributes.(type) {
	case *history.WorkflowExecutionCompleted:
		return &apihistory.WorkflowExecutionCompletedEventAttributes{Result: a.Result, NewExecution: newExecution(a.Successor)}
	case *history.WorkflowExecutionFailed:
		return &apihistory.WorkflowExecutionFailedEventAttributes{
			Failure: a.Failure, RetryState: a.Retry, NewExecution: newExecution(a.Successor)}
	case *history.WorkflowExecutionTimedOut:
		return &apihistory.WorkflowExecutionTimedOutEventAttributes{RetryState: a.Retry, NewExecution: newExecution(a.Successor)}
	case *history.WorkflowExecutionCanceled:
		return &apihistory.WorkflowExecutionCanceledEventAttributes{Details: a.Details}
	case *history.WorkflowExecutionTerminated:
		return &apihistory.WorkflowExecutionTerminatedEventAttributes{Reason: a.Reason, Details: a.Details, Identity: a.Identity}
	case *history.WorkflowExecutionContinuedAsNew:
		return continuedAsNew(a.Successor)
	case *history.WorkflowExecutionSignaled:
		return signalAttributes(&a.Signal)
	case *history.WorkflowExecutionCancelRequested:
		return &apihistory.WorkflowExecutionCancelRequestedEventAttributes{
			Cause: a.Reason, Identity: a.Identity, ExternalWorkflowExecution: execution(a.External)}
	case *history.WorkflowExecutionOptionsUpdated:
		return optionsUpdated(a)
	case *history.TimerStarted:
		return &apihistory.TimerStartedEventAttributes{
			TimerId: timerID(e.ID), StartToFireTimeout: duration(a.Timeout), FireTime: a.Due, Summary: a.Summary}
	case *history.TimerFired:
		return &apihistory.TimerFiredEventAttributes{TimerId: timerID(a.Started), StartedEventId: a.Started}
	case *history.TimerCanceled:
		return &apihistory.TimerCanceledEventAttributes{TimerId: timerID(a.Started), StartedEventId: a.Started}
	}
	if a := activityAttributes(e); a != nil {
		return a
	}
	if a := markerAttributes(e); a != nil {
		return a
	}
	if a := updateAttributes(e); a != nil {
		return a
	}
	if a := x.childAttributes(e); a != nil {
		return a
	}
	return externalAttributes(e)
}

// timerID names a timer as Temporal does: by the number of the event that started it.
func timerID(event int64) string { return strconv.FormatInt(event, 10) }

func newExecution(s *history.Successor) apihistory.NewExecution {
	if s == nil {
		return apihistory.NewExecution{}
	}
	return apihistory.NewExecution{
		NewExecutionRunId: s.RunID, Initiator: s.Initiator, BackoffStartInterval: duration(s.Delay), NewExecutionAttempt: s.Attempt,
		Binding: binding(s.Binding),
	}
}

func continuedAsNew(s *history.Successor) apihistory.EventAttributes {
	a := &apihistory.WorkflowExecutionContinuedAsNewEventAttributes{NewExecution: newExecution(s)}
	if s == nil {
		return a
	}
	if s.Type != "" {
		a.WorkflowType = &common.WorkflowType{Name: s.Type}
	}
	a.TaskQueue, a.Input, a.Header, a.Memo, a.SearchAttributes = s.Queue, s.Input, s.Header, s.Memo, s.Search
	a.WorkflowRunTimeout, a.WorkflowTaskTimeout = duration(s.RunTimeout), duration(s.TaskTimeout)
	a.RetryPolicy, a.InitialVersioningBehavior = retryPolicy(s.RetryPolicy), s.Versioning
	return a
}

func activityAttributes(e *history.Event) apihistory.EventAttributes {
	switch a := e.Attributes.(type) {
	case *history.ActivityTaskScheduled:
		return &apihistory.ActivityTaskScheduledEventAttributes{
			ActivityId:             a.ActivityID,
			ActivityType:           &common.ActivityType{Name: a.Type},
			TaskQueue:              a.Queue,
			Header:                 a.Header,
			Input:                  a.Input,
			ScheduleToCloseTimeout: duration(a.ScheduleToClose),
			ScheduleToStartTimeout: duration(a.ScheduleToStart),
			StartToCloseTimeout:    duration(a.StartToClose),
			HeartbeatTimeout:       duration(a.Heartbeat),
			RetryPolicy:            retryPolicy(a.RetryPolicy),
			Summary:                a.Summary,
			DisableEager:           a.NoEager,
			Eager:                  a.Eager,
			Build:                  a.Build,
			Priority:               priority(a.Priority),
		}
	case *history.ActivityTaskQueued:
		return &apihistory.ActivityTaskQueuedEventAttributes{ScheduledEventId: a.Scheduled, Attempt: a.Attempt, NotBefore: a.NotBefore, ResetHeartbeat: a.Forget}
	case *history.ActivityTaskPaused, *history.ActivityTaskUnpaused, *history.ActivityTaskReset, *history.ActivityTaskParked:
		return control(a)
	case *history.ActivityTaskCompleted:
		return &apihistory.ActivityTaskCompletedEventAttributes{ActivityAttempt: attempt(a.ActivityEnd), Result: a.Result}
	case *history.ActivityTaskFailed:
		return &apihistory.ActivityTaskFailedEventAttributes{ActivityAttempt: attempt(a.ActivityEnd), Failure: a.Failure, RetryState: a.Retry}
	case *history.ActivityTaskTimedOut:
		return &apihistory.ActivityTaskTimedOutEventAttributes{ActivityAttempt: attempt(a.ActivityEnd), Failure: a.Failure, RetryState: a.Retry}
	case *history.ActivityTaskCancelRequested:
		return &apihistory.ActivityTaskCancelRequestedEventAttributes{ScheduledEventId: a.Scheduled}
	case *history.ActivityTaskCanceled:
		return &apihistory.ActivityTaskCanceledEventAttributes{ActivityAttempt: attempt(a.ActivityEnd), Details: a.Details}
	}
	return nil
}

func attempt(e history.ActivityEnd) apihistory.ActivityAttempt {
	return apihistory.ActivityAttempt{ScheduledEventId: e.Scheduled, Attempt: e.Attempt, StartedTime: e.Started, Identity: e.Identity}
}

func (x *Exporter) childAttributes(e *history.Event) apihistory.EventAttributes {
	switch a := e.Attributes.(type) {
	case *history.StartChildWorkflowExecutionInitiated:
		return childInitiated(a)
	case *history.StartChildWorkflowExecutionFailed:
		child := x.child(a.Initiated, "")
		return &apihistory.StartChildWorkflowExecutionFailedEventAttributes{
			WorkflowId: child.WorkflowExecution.GetWorkflowId(), WorkflowType: child.WorkflowType, Cause: a.Cause, InitiatedEventId: a.Initiated}
	case *history.ChildWorkflowExecutionStarted:
		return &apihistory.ChildWorkflowExecutionStartedEventAttributes{ChildExecution: x.child(a.Initiated, a.RunID)}
	case *history.ChildWorkflowExecutionCompleted:
		return &apihistory.ChildWorkflowExecutionCompletedEventAttributes{ChildExecution: x.child(a.Initiated, a.RunID), Result: a.Result}
	case *history.ChildWorkflowExecutionFailed:
		return &apihistory.ChildWorkflowExecutionFailedEventAttributes{
			ChildExecution: x.child(a.Initiated, a.RunID), Failure: a.Failure, RetryState: a.Retry}
	case *history.ChildWorkflowExecutionCanceled:
		return &apihistory.ChildWorkflowExecutionCanceledEventAttributes{ChildExecution: x.child(a.Initiated, a.RunID), Details: a.Details}
	case *history.ChildWorkflowExecutionTimedOut:
		return &apihistory.ChildWorkflowExecutionTimedOutEventAttributes{ChildExecution: x.child(a.Initiated, a.RunID), RetryState: a.Retry}
	case *history.ChildWorkflowExecutionTerminated:
		return &apihistory.ChildWorkflowExecutionTerminatedEventAttributes{ChildExecution: x.child(a.Initiated, a.RunID)}
	}
	return nil
}

func (x *Exporter) child(initiated int64, runID string) apihistory.ChildExecution {
	c := apihistory.ChildExecution{InitiatedEventId: initiated, WorkflowExecution: &common.WorkflowExecution{RunId: runID}}
	if i := x.children[initiated]; i != nil {
		c.WorkflowExecution.WorkflowId = i.WorkflowID
		c.WorkflowType = &common.WorkflowType{Name: i.Type}
	}
	return c
}

func childInitiated(a *history.StartChildWorkflowExecutionInitiated) apihistory.EventAttributes {
	return &apihistory.StartChildWorkflowExecutionInitiatedEventAttributes{
		WorkflowId:               a.WorkflowID,
		RunId:                    a.RunID,
		WorkflowType:             &common.WorkflowType{Name: a.Type},
		TaskQueue:                a.Queue,
		Input:                    a.Input,
		Header:                   a.Header,
		Memo:                     a.Memo,
		SearchAttributes:         a.Search,
		WorkflowExecutionTimeout: duration(a.ExecutionTimeout),
		WorkflowRunTimeout:       duration(a.RunTimeout),
		WorkflowTaskTimeout:      duration(a.TaskTimeout),
		RetryPolicy:              retryPolicy(a.RetryPolicy),
		CronSchedule:             a.CronSchedule,
		ParentClosePolicy:        a.ParentClose,
		WorkflowIdReusePolicy:    a.Reuse,
		StaticSummary:            a.StaticSummary,
		StaticDetails:            a.StaticDetails,
		Priority:                 priority(a.Priority),
		Binding:                  binding(a.Binding),
	}
}

func externalAttributes(e *history.Event) apihistory.EventAttributes {
	switch a := e.Attributes.(type) {
	case *history.SignalExternalWorkflowExecutionInitiated:
		return &apihistory.SignalExternalWorkflowExecutionInitiatedEventAttributes{
			WorkflowExecution: execution(&a.Target), SignalName: a.Name, Input: a.Input, Header: a.Header, ChildWorkflowOnly: a.ChildOnly}
	case *history.SignalExternalWorkflowExecutionFailed:
		return &apihistory.SignalExternalWorkflowExecutionFailedEventAttributes{Cause: a.Cause, InitiatedEventId: a.Initiated}
	case *history.ExternalWorkflowExecutionSignaled:
		return &apihistory.ExternalWorkflowExecutionSignaledEventAttributes{InitiatedEventId: a.Initiated}
	case *history.RequestCancelExternalWorkflowExecutionInitiated:
		return &apihistory.RequestCancelExternalWorkflowExecutionInitiatedEventAttributes{
			WorkflowExecution: execution(&a.Target), Reason: a.Reason, ChildWorkflowOnly: a.ChildOnly}
	case *history.RequestCancelExternalWorkflowExecutionFailed:
		return &apihistory.RequestCancelExternalWorkflowExecutionFailedEventAttributes{Cause: a.Cause, InitiatedEventId: a.Initiated}
	case *history.ExternalWorkflowExecutionCancelRequested:
		return &apihistory.ExternalWorkflowExecutionCancelRequestedEventAttributes{InitiatedEventId: a.Initiated}
	}
	return nil
}
