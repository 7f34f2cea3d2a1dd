package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	apihistory "github.com/millrace-dev/millrace/api/history"
)

// words joins what there is to say.
func words(parts ...string) string {
	var there []string
	for _, p := range parts {
		if p != "" {
			there = append(there, p)
		}
	}
	return strings.Join(there, "  ")
}

func labeled(label, text string) string {
	if text == "" {
		return ""
	}
	return label + " " + text
}

func values(label string, p *common.Payloads) string { return labeled(label, payloadText(p)) }

func retryText(s enums.RetryState) string {
	if s == enums.RETRY_STATE_UNSPECIFIED || s == enums.RETRY_STATE_RETRY_POLICY_NOT_SET {
		return ""
	}
	return "(" + s.String() + ")"
}

// failureText is a failure and its causes on one line, with the type of what user code returned.
func failureText(f *failure.Failure) string {
	var parts []string
	for ; f != nil; f = f.Cause {
		text := f.Message
		if info := f.ApplicationFailureInfo; info != nil && info.Type != "" && !strings.Contains(text, info.Type) {
			text += " (" + info.Type + ")"
		}
		if text != "" {
			parts = append(parts, text)
		}
	}
	return labeled("failure", strings.Join(parts, ": "))
}

// detail says in one line what an event tells, and remembers what later events refer to.
func (t *teller) detail(e *apihistory.HistoryEvent) string {
	switch a := e.Attributes.(type) {
	case *apihistory.WorkflowExecutionStartedEventAttributes:
		text := words(values("input", a.Input), labeled("parent", executionText(a.ParentWorkflowExecution)),
			labeled("continues", a.ContinuedExecutionRunId))
		if a.Attempt > 1 {
			text = words(fmt.Sprintf("attempt %d", a.Attempt), text)
		}
		return text
	case *apihistory.WorkflowExecutionCompletedEventAttributes:
		return words(values("result", a.Result), newRun(a.NewExecution))
	case *apihistory.WorkflowExecutionFailedEventAttributes:
		return words(failureText(a.Failure), retryText(a.RetryState), newRun(a.NewExecution))
	case *apihistory.WorkflowExecutionTimedOutEventAttributes:
		return words(retryText(a.RetryState), newRun(a.NewExecution))
	case *apihistory.WorkflowExecutionCanceledEventAttributes:
		return values("details", a.Details)
	case *apihistory.WorkflowExecutionTerminatedEventAttributes:
		return words(labeled("reason", a.Reason), values("details", a.Details), labeled("by", a.Identity))
	case *apihistory.WorkflowExecutionContinuedAsNewEventAttributes:
		return words(newRun(a.NewExecution), values("input", a.Input))
	case *apihistory.WorkflowExecutionSignaledEventAttributes:
		return words(a.SignalName, values("input", a.Input), labeled("by", a.Identity))
	case *apihistory.WorkflowExecutionCancelRequestedEventAttributes:
		return words(labeled("reason", a.Cause), labeled("by", a.Identity), labeled("by run", executionText(a.ExternalWorkflowExecution)))
	case *apihistory.WorkflowExecutionOptionsUpdatedEventAttributes:
		return words(overrideText(a.VersioningOverride), labeled("by", a.Identity))
	case *apihistory.TimerStartedEventAttributes:
		t.what[e.EventId] = fmt.Sprintf("timer %d", e.EventId)
		return words(short(a.StartToFireTimeout.AsDuration()), a.Summary)
	case *apihistory.TimerFiredEventAttributes:
		return t.name(a.StartedEventId, "timer")
	case *apihistory.TimerCanceledEventAttributes:
		return t.name(a.StartedEventId, "timer")
	}
	if text, ok := t.activityDetail(e); ok {
		return text
	}
	if text, ok := t.controlDetail(e); ok {
		return text
	}
	if text, ok := t.childDetail(e); ok {
		return text
	}
	if text, ok := t.updateDetail(e); ok {
		return text
	}
	if text, ok := markerDetail(e); ok {
		return text
	}
	return t.externalDetail(e)
}

func newRun(n apihistory.NewExecution) string { return labeled("goes on as", n.NewExecutionRunId) }

// name is what an event refers to, by what was said of it or its number.
func (t *teller) name(id int64, kind string) string {
	if what := t.what[id]; what != "" {
		return what
	}
	return fmt.Sprintf("%s %d", kind, id)
}

func (t *teller) activityDetail(e *apihistory.HistoryEvent) (string, bool) {
	switch a := e.Attributes.(type) {
	case *apihistory.ActivityTaskScheduledEventAttributes:
		t.what[e.EventId] = fmt.Sprintf("%s (event %d)", a.ActivityType.GetName(), e.EventId)
		return words(a.ActivityType.GetName(), values("input", a.Input), labeled("task queue", a.TaskQueue), labeled("build", a.Build), a.Summary), true
	case *apihistory.ActivityTaskCompletedEventAttributes:
		return words(t.name(a.ScheduledEventId, "activity"), values("result", a.Result), t.attempt(e, a.ActivityAttempt)), true
	case *apihistory.ActivityTaskFailedEventAttributes:
		return words(t.name(a.ScheduledEventId, "activity"), failureText(a.Failure), retryText(a.RetryState), t.attempt(e, a.ActivityAttempt)), true
	case *apihistory.ActivityTaskTimedOutEventAttributes:
		return words(t.name(a.ScheduledEventId, "activity"), failureText(a.Failure), retryText(a.RetryState), t.attempt(e, a.ActivityAttempt)), true
	case *apihistory.ActivityTaskQueuedEventAttributes:
		return words(t.name(a.ScheduledEventId, "activity"), fmt.Sprintf("attempt %d", a.Attempt), t.after(e, a.NotBefore)), true
	case *apihistory.ActivityTaskCancelRequestedEventAttributes:
		return t.name(a.ScheduledEventId, "activity"), true
	case *apihistory.ActivityTaskCanceledEventAttributes:
		return words(t.name(a.ScheduledEventId, "activity"), values("details", a.Details), t.attempt(e, a.ActivityAttempt)), true
	}
	return "", false
}

// after says how long after the event something may begin, nothing when it may at once.
func (t *teller) after(e *apihistory.HistoryEvent, at time.Time) string {
	if d := at.Sub(e.EventTime); !at.IsZero() && d > 0 {
		return "after " + short(d)
	}
	return ""
}

// attempt says which attempt ended an activity, how long it ran and where.
func (t *teller) attempt(e *apihistory.HistoryEvent, a apihistory.ActivityAttempt) string {
	text := fmt.Sprintf("attempt %d", max(a.Attempt, 1))
	if d := e.EventTime.Sub(a.StartedTime); !a.StartedTime.IsZero() && d >= 0 && d < 10*365*24*time.Hour {
		text += " of " + short(d)
	}
	return words(text, labeled("on", a.Identity))
}

func (t *teller) childDetail(e *apihistory.HistoryEvent) (string, bool) {
	switch a := e.Attributes.(type) {
	case *apihistory.StartChildWorkflowExecutionInitiatedEventAttributes:
		t.what[e.EventId] = fmt.Sprintf("%s %s (event %d)", a.WorkflowType.GetName(), a.WorkflowId, e.EventId)
		return words(a.WorkflowType.GetName(), a.WorkflowId, values("input", a.Input), labeled("task queue", a.TaskQueue)), true
	case *apihistory.StartChildWorkflowExecutionFailedEventAttributes:
		return words(t.name(a.InitiatedEventId, "child"), a.Cause.String()), true
	case *apihistory.ChildWorkflowExecutionStartedEventAttributes:
		return words(t.name(a.InitiatedEventId, "child"), labeled("run", a.WorkflowExecution.GetRunId())), true
	case *apihistory.ChildWorkflowExecutionCompletedEventAttributes:
		return words(t.name(a.InitiatedEventId, "child"), values("result", a.Result)), true
	case *apihistory.ChildWorkflowExecutionFailedEventAttributes:
		return words(t.name(a.InitiatedEventId, "child"), failureText(a.Failure), retryText(a.RetryState)), true
	case *apihistory.ChildWorkflowExecutionCanceledEventAttributes:
		return words(t.name(a.InitiatedEventId, "child"), values("details", a.Details)), true
	case *apihistory.ChildWorkflowExecutionTimedOutEventAttributes:
		return words(t.name(a.InitiatedEventId, "child"), retryText(a.RetryState)), true
	case *apihistory.ChildWorkflowExecutionTerminatedEventAttributes:
		return t.name(a.InitiatedEventId, "child"), true
	}
	return "", false
}

func (t *teller) externalDetail(e *apihistory.HistoryEvent) string {
	switch a := e.Attributes.(type) {
	case *apihistory.SignalExternalWorkflowExecutionInitiatedEventAttributes:
		t.what[e.EventId] = fmt.Sprintf("%s to %s (event %d)", a.SignalName, a.WorkflowExecution.GetWorkflowId(), e.EventId)
		return words(a.SignalName, labeled("to", executionText(a.WorkflowExecution)), values("input", a.Input))
	case *apihistory.SignalExternalWorkflowExecutionFailedEventAttributes:
		return words(t.name(a.InitiatedEventId, "signal"), a.Cause.String())
	case *apihistory.ExternalWorkflowExecutionSignaledEventAttributes:
		return t.name(a.InitiatedEventId, "signal")
	case *apihistory.RequestCancelExternalWorkflowExecutionInitiatedEventAttributes:
		t.what[e.EventId] = fmt.Sprintf("%s (event %d)", a.WorkflowExecution.GetWorkflowId(), e.EventId)
		return words(executionText(a.WorkflowExecution), labeled("reason", a.Reason))
	case *apihistory.RequestCancelExternalWorkflowExecutionFailedEventAttributes:
		return words(t.name(a.InitiatedEventId, "request"), a.Cause.String())
	case *apihistory.ExternalWorkflowExecutionCancelRequestedEventAttributes:
		return t.name(a.InitiatedEventId, "request")
	}
	return ""
}
