package history

// GetWorkflowExecutionStartedEventAttributes returns the attributes of a WorkflowExecutionStarted event, nil for any other.
func (e *HistoryEvent) GetWorkflowExecutionStartedEventAttributes() *WorkflowExecutionStartedEventAttributes {
	return attributes[WorkflowExecutionStartedEventAttributes](e)
}

// GetWorkflowExecutionCompletedEventAttributes returns the attributes of a WorkflowExecutionCompleted event, nil for any other.
func (e *HistoryEvent) GetWorkflowExecutionCompletedEventAttributes() *WorkflowExecutionCompletedEventAttributes {
	return attributes[WorkflowExecutionCompletedEventAttributes](e)
}

// GetWorkflowExecutionFailedEventAttributes returns the attributes of a WorkflowExecutionFailed event, nil for any other.
func (e *HistoryEvent) GetWorkflowExecutionFailedEventAttributes() *WorkflowExecutionFailedEventAttributes {
	return attributes[WorkflowExecutionFailedEventAttributes](e)
}

// GetWorkflowExecutionTimedOutEventAttributes returns the attributes of a WorkflowExecutionTimedOut event, nil for any other.
func (e *HistoryEvent) GetWorkflowExecutionTimedOutEventAttributes() *WorkflowExecutionTimedOutEventAttributes {
	return attributes[WorkflowExecutionTimedOutEventAttributes](e)
}

// GetActivityTaskScheduledEventAttributes returns the attributes of a ActivityTaskScheduled event, nil for any other.
func (e *HistoryEvent) GetActivityTaskScheduledEventAttributes() *ActivityTaskScheduledEventAttributes {
	return attributes[ActivityTaskScheduledEventAttributes](e)
}

// GetActivityTaskCompletedEventAttributes returns the attributes of a ActivityTaskCompleted event, nil for any other.
func (e *HistoryEvent) GetActivityTaskCompletedEventAttributes() *ActivityTaskCompletedEventAttributes {
	return attributes[ActivityTaskCompletedEventAttributes](e)
}

// GetActivityTaskFailedEventAttributes returns the attributes of a ActivityTaskFailed event, nil for any other.
func (e *HistoryEvent) GetActivityTaskFailedEventAttributes() *ActivityTaskFailedEventAttributes {
	return attributes[ActivityTaskFailedEventAttributes](e)
}

// GetActivityTaskTimedOutEventAttributes returns the attributes of a ActivityTaskTimedOut event, nil for any other.
func (e *HistoryEvent) GetActivityTaskTimedOutEventAttributes() *ActivityTaskTimedOutEventAttributes {
	return attributes[ActivityTaskTimedOutEventAttributes](e)
}

// GetActivityTaskCancelRequestedEventAttributes returns the attributes of a ActivityTaskCancelRequested event, nil for any other.
func (e *HistoryEvent) GetActivityTaskCancelRequestedEventAttributes() *ActivityTaskCancelRequestedEventAttributes {
	return attributes[ActivityTaskCancelRequestedEventAttributes](e)
}

// GetActivityTaskQueuedEventAttributes returns the attributes of a ActivityTaskQueued event, nil for any other.
func (e *HistoryEvent) GetActivityTaskQueuedEventAttributes() *ActivityTaskQueuedEventAttributes {
	return attributes[ActivityTaskQueuedEventAttributes](e)
}

// GetActivityTaskCanceledEventAttributes returns the attributes of a ActivityTaskCanceled event, nil for any other.
func (e *HistoryEvent) GetActivityTaskCanceledEventAttributes() *ActivityTaskCanceledEventAttributes {
	return attributes[ActivityTaskCanceledEventAttributes](e)
}

// GetTimerStartedEventAttributes returns the attributes of a TimerStarted event, nil for any other.
func (e *HistoryEvent) GetTimerStartedEventAttributes() *TimerStartedEventAttributes {
	return attributes[TimerStartedEventAttributes](e)
}

// GetTimerFiredEventAttributes returns the attributes of a TimerFired event, nil for any other.
func (e *HistoryEvent) GetTimerFiredEventAttributes() *TimerFiredEventAttributes {
	return attributes[TimerFiredEventAttributes](e)
}

// GetTimerCanceledEventAttributes returns the attributes of a TimerCanceled event, nil for any other.
func (e *HistoryEvent) GetTimerCanceledEventAttributes() *TimerCanceledEventAttributes {
	return attributes[TimerCanceledEventAttributes](e)
}

// GetWorkflowExecutionCancelRequestedEventAttributes returns the attributes of a WorkflowExecutionCancelRequested event, nil for any other.
func (e *HistoryEvent) GetWorkflowExecutionCancelRequestedEventAttributes() *WorkflowExecutionCancelRequestedEventAttributes {
	return attributes[WorkflowExecutionCancelRequestedEventAttributes](e)
}

// GetWorkflowExecutionCanceledEventAttributes returns the attributes of a WorkflowExecutionCanceled event, nil for any other.
func (e *HistoryEvent) GetWorkflowExecutionCanceledEventAttributes() *WorkflowExecutionCanceledEventAttributes {
	return attributes[WorkflowExecutionCanceledEventAttributes](e)
}

// GetRequestCancelExternalWorkflowExecutionInitiatedEventAttributes returns the attributes of a RequestCancelExternalWorkflowExecutionInitiated event, nil for any other.
func (e *HistoryEvent) GetRequestCancelExternalWorkflowExecutionInitiatedEventAttributes() *RequestCancelExternalWorkflowExecutionInitiatedEventAttributes {
	return attributes[RequestCancelExternalWorkflowExecutionInitiatedEventAttributes](e)
}

// GetRequestCancelExternalWorkflowExecutionFailedEventAttributes returns the attributes of a RequestCancelExternalWorkflowExecutionFailed event, nil for any other.
func (e *HistoryEvent) GetRequestCancelExternalWorkflowExecutionFailedEventAttributes() *RequestCancelExternalWorkflowExecutionFailedEventAttributes {
	return attributes[RequestCancelExternalWorkflowExecutionFailedEventAttributes](e)
}

// GetExternalWorkflowExecutionCancelRequestedEventAttributes returns the attributes of a ExternalWorkflowExecutionCancelRequested event, nil for any other.
func (e *HistoryEvent) GetExternalWorkflowExecutionCancelRequestedEventAttributes() *ExternalWorkflowExecutionCancelRequestedEventAttributes {
	return attributes[ExternalWorkflowExecutionCancelRequestedEventAttributes](e)
}

// GetWorkflowExecutionSignaledEventAttributes returns the attributes of a WorkflowExecutionSignaled event, nil for any other.
func (e *HistoryEvent) GetWorkflowExecutionSignaledEventAttributes() *WorkflowExecutionSignaledEventAttributes {
	return attributes[WorkflowExecutionSignaledEventAttributes](e)
}

// GetWorkflowExecutionTerminatedEventAttributes returns the attributes of a WorkflowExecutionTerminated event, nil for any other.
func (e *HistoryEvent) GetWorkflowExecutionTerminatedEventAttributes() *WorkflowExecutionTerminatedEventAttributes {
	return attributes[WorkflowExecutionTerminatedEventAttributes](e)
}

// GetWorkflowExecutionContinuedAsNewEventAttributes returns the attributes of a WorkflowExecutionContinuedAsNew event, nil for any other.
func (e *HistoryEvent) GetWorkflowExecutionContinuedAsNewEventAttributes() *WorkflowExecutionContinuedAsNewEventAttributes {
	return attributes[WorkflowExecutionContinuedAsNewEventAttributes](e)
}

// GetStartChildWorkflowExecutionInitiatedEventAttributes returns the attributes of a StartChildWorkflowExecutionInitiated event, nil for any other.
func (e *HistoryEvent) GetStartChildWorkflowExecutionInitiatedEventAttributes() *StartChildWorkflowExecutionInitiatedEventAttributes {
	return attributes[StartChildWorkflowExecutionInitiatedEventAttributes](e)
}

// GetStartChildWorkflowExecutionFailedEventAttributes returns the attributes of a StartChildWorkflowExecutionFailed event, nil for any other.
func (e *HistoryEvent) GetStartChildWorkflowExecutionFailedEventAttributes() *StartChildWorkflowExecutionFailedEventAttributes {
	return attributes[StartChildWorkflowExecutionFailedEventAttributes](e)
}

// GetChildWorkflowExecutionStartedEventAttributes returns the attributes of a ChildWorkflowExecutionStarted event, nil for any other.
func (e *HistoryEvent) GetChildWorkflowExecutionStartedEventAttributes() *ChildWorkflowExecutionStartedEventAttributes {
	return attributes[ChildWorkflowExecutionStartedEventAttributes](e)
}

// GetChildWorkflowExecutionCompletedEventAttributes returns the attributes of a ChildWorkflowExecutionCompleted event, nil for any other.
func (e *HistoryEvent) GetChildWorkflowExecutionCompletedEventAttributes() *ChildWorkflowExecutionCompletedEventAttributes {
	return attributes[ChildWorkflowExecutionCompletedEventAttributes](e)
}

// GetChildWorkflowExecutionFailedEventAttributes returns the attributes of a ChildWorkflowExecutionFailed event, nil for any other.
func (e *HistoryEvent) GetChildWorkflowExecutionFailedEventAttributes() *ChildWorkflowExecutionFailedEventAttributes {
	return attributes[ChildWorkflowExecutionFailedEventAttributes](e)
}

// GetChildWorkflowExecutionCanceledEventAttributes returns the attributes of a ChildWorkflowExecutionCanceled event, nil for any other.
func (e *HistoryEvent) GetChildWorkflowExecutionCanceledEventAttributes() *ChildWorkflowExecutionCanceledEventAttributes {
	return attributes[ChildWorkflowExecutionCanceledEventAttributes](e)
}

// GetChildWorkflowExecutionTimedOutEventAttributes returns the attributes of a ChildWorkflowExecutionTimedOut event, nil for any other.
func (e *HistoryEvent) GetChildWorkflowExecutionTimedOutEventAttributes() *ChildWorkflowExecutionTimedOutEventAttributes {
	return attributes[ChildWorkflowExecutionTimedOutEventAttributes](e)
}

// GetChildWorkflowExecutionTerminatedEventAttributes returns the attributes of a ChildWorkflowExecutionTerminated event, nil for any other.
func (e *HistoryEvent) GetChildWorkflowExecutionTerminatedEventAttributes() *ChildWorkflowExecutionTerminatedEventAttributes {
	return attributes[ChildWorkflowExecutionTerminatedEventAttributes](e)
}

// GetSignalExternalWorkflowExecutionInitiatedEventAttributes returns the attributes of a SignalExternalWorkflowExecutionInitiated event, nil for any other.
func (e *HistoryEvent) GetSignalExternalWorkflowExecutionInitiatedEventAttributes() *SignalExternalWorkflowExecutionInitiatedEventAttributes {
	return attributes[SignalExternalWorkflowExecutionInitiatedEventAttributes](e)
}

// GetSignalExternalWorkflowExecutionFailedEventAttributes returns the attributes of a SignalExternalWorkflowExecutionFailed event, nil for any other.
func (e *HistoryEvent) GetSignalExternalWorkflowExecutionFailedEventAttributes() *SignalExternalWorkflowExecutionFailedEventAttributes {
	return attributes[SignalExternalWorkflowExecutionFailedEventAttributes](e)
}

// GetExternalWorkflowExecutionSignaledEventAttributes returns the attributes of a ExternalWorkflowExecutionSignaled event, nil for any other.
func (e *HistoryEvent) GetExternalWorkflowExecutionSignaledEventAttributes() *ExternalWorkflowExecutionSignaledEventAttributes {
	return attributes[ExternalWorkflowExecutionSignaledEventAttributes](e)
}
