package history

import "github.com/millrace-dev/millrace/api/enums"

// newAttributes is an empty set of attributes for t, nil for a type that this version does not know.
func newAttributes(t enums.EventType) EventAttributes {
	if makeEmpty, ok := constructors()[t]; ok {
		return makeEmpty()
	}
	return nil
}

func constructors() map[enums.EventType]func() EventAttributes {
	return map[enums.EventType]func() EventAttributes{
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:                           func() EventAttributes { return &WorkflowExecutionStartedEventAttributes{} },
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:                         func() EventAttributes { return &WorkflowExecutionCompletedEventAttributes{} },
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:                            func() EventAttributes { return &WorkflowExecutionFailedEventAttributes{} },
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:                         func() EventAttributes { return &WorkflowExecutionTimedOutEventAttributes{} },
		enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:                              func() EventAttributes { return &ActivityTaskScheduledEventAttributes{} },
		enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:                              func() EventAttributes { return &ActivityTaskCompletedEventAttributes{} },
		enums.EVENT_TYPE_ACTIVITY_TASK_FAILED:                                 func() EventAttributes { return &ActivityTaskFailedEventAttributes{} },
		enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:                              func() EventAttributes { return &ActivityTaskTimedOutEventAttributes{} },
		enums.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:                       func() EventAttributes { return &ActivityTaskCancelRequestedEventAttributes{} },
		enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED:                               func() EventAttributes { return &ActivityTaskCanceledEventAttributes{} },
		enums.EVENT_TYPE_ACTIVITY_TASK_QUEUED:                                 func() EventAttributes { return &ActivityTaskQueuedEventAttributes{} },
		enums.EVENT_TYPE_ACTIVITY_TASK_PAUSED:                                 func() EventAttributes { return &ActivityTaskPausedEventAttributes{} },
		enums.EVENT_TYPE_ACTIVITY_TASK_UNPAUSED:                               func() EventAttributes { return &ActivityTaskUnpausedEventAttributes{} },
		enums.EVENT_TYPE_ACTIVITY_TASK_RESET:                                  func() EventAttributes { return &ActivityTaskResetEventAttributes{} },
		enums.EVENT_TYPE_ACTIVITY_TASK_PARKED:                                 func() EventAttributes { return &ActivityTaskParkedEventAttributes{} },
		enums.EVENT_TYPE_TIMER_STARTED:                                        func() EventAttributes { return &TimerStartedEventAttributes{} },
		enums.EVENT_TYPE_TIMER_FIRED:                                          func() EventAttributes { return &TimerFiredEventAttributes{} },
		enums.EVENT_TYPE_TIMER_CANCELED:                                       func() EventAttributes { return &TimerCanceledEventAttributes{} },
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:                  func() EventAttributes { return &WorkflowExecutionCancelRequestedEventAttributes{} },
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:                          func() EventAttributes { return &WorkflowExecutionCanceledEventAttributes{} },
		enums.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: func() EventAttributes { return &RequestCancelExternalWorkflowExecutionInitiatedEventAttributes{} },
		enums.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:    func() EventAttributes { return &RequestCancelExternalWorkflowExecutionFailedEventAttributes{} },
		enums.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED:         func() EventAttributes { return &ExternalWorkflowExecutionCancelRequestedEventAttributes{} },
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:                          func() EventAttributes { return &WorkflowExecutionSignaledEventAttributes{} },
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:                        func() EventAttributes { return &WorkflowExecutionTerminatedEventAttributes{} },
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:                  func() EventAttributes { return &WorkflowExecutionContinuedAsNewEventAttributes{} },
		enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:             func() EventAttributes { return &StartChildWorkflowExecutionInitiatedEventAttributes{} },
		enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED:                func() EventAttributes { return &StartChildWorkflowExecutionFailedEventAttributes{} },
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:                     func() EventAttributes { return &ChildWorkflowExecutionStartedEventAttributes{} },
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:                   func() EventAttributes { return &ChildWorkflowExecutionCompletedEventAttributes{} },
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:                      func() EventAttributes { return &ChildWorkflowExecutionFailedEventAttributes{} },
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED:                    func() EventAttributes { return &ChildWorkflowExecutionCanceledEventAttributes{} },
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:                   func() EventAttributes { return &ChildWorkflowExecutionTimedOutEventAttributes{} },
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:                  func() EventAttributes { return &ChildWorkflowExecutionTerminatedEventAttributes{} },
		enums.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:         func() EventAttributes { return &SignalExternalWorkflowExecutionInitiatedEventAttributes{} },
		enums.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:            func() EventAttributes { return &SignalExternalWorkflowExecutionFailedEventAttributes{} },
		enums.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED:                 func() EventAttributes { return &ExternalWorkflowExecutionSignaledEventAttributes{} },
		enums.EVENT_TYPE_MARKER_RECORDED:                                      func() EventAttributes { return &MarkerRecordedEventAttributes{} },
		enums.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:                    func() EventAttributes { return &UpsertWorkflowSearchAttributesEventAttributes{} },
		enums.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:                         func() EventAttributes { return &WorkflowPropertiesModifiedEventAttributes{} },
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED:                   func() EventAttributes { return &WorkflowExecutionOptionsUpdatedEventAttributes{} },
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:                   func() EventAttributes { return &WorkflowExecutionUpdateAcceptedEventAttributes{} },
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:                  func() EventAttributes { return &WorkflowExecutionUpdateCompletedEventAttributes{} },
	}
}

// EventType is WORKFLOW_EXECUTION_STARTED.
func (*WorkflowExecutionStartedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED
}

// EventType is WORKFLOW_EXECUTION_COMPLETED.
func (*WorkflowExecutionCompletedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED
}

// EventType is WORKFLOW_EXECUTION_FAILED.
func (*WorkflowExecutionFailedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED
}

// EventType is WORKFLOW_EXECUTION_TIMED_OUT.
func (*WorkflowExecutionTimedOutEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT
}

// EventType is ACTIVITY_TASK_SCHEDULED.
func (*ActivityTaskScheduledEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
}

// EventType is ACTIVITY_TASK_COMPLETED.
func (*ActivityTaskCompletedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
}

// EventType is ACTIVITY_TASK_FAILED.
func (*ActivityTaskFailedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_FAILED
}

// EventType is ACTIVITY_TASK_TIMED_OUT.
func (*ActivityTaskTimedOutEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT
}

// EventType is ACTIVITY_TASK_CANCEL_REQUESTED.
func (*ActivityTaskCancelRequestedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED
}

// EventType is ACTIVITY_TASK_QUEUED.
func (*ActivityTaskQueuedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_QUEUED
}

// EventType is ACTIVITY_TASK_CANCELED.
func (*ActivityTaskCanceledEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED
}

// EventType is TIMER_STARTED.
func (*TimerStartedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_TIMER_STARTED
}

// EventType is TIMER_FIRED.
func (*TimerFiredEventAttributes) EventType() enums.EventType { return enums.EVENT_TYPE_TIMER_FIRED }

// EventType is TIMER_CANCELED.
func (*TimerCanceledEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_TIMER_CANCELED
}

// EventType is WORKFLOW_EXECUTION_CANCEL_REQUESTED.
func (*WorkflowExecutionCancelRequestedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
}

// EventType is WORKFLOW_EXECUTION_CANCELED.
func (*WorkflowExecutionCanceledEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED
}

// EventType is REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED.
func (*RequestCancelExternalWorkflowExecutionInitiatedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED
}

// EventType is REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED.
func (*RequestCancelExternalWorkflowExecutionFailedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED
}

// EventType is EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED.
func (*ExternalWorkflowExecutionCancelRequestedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED
}

// EventType is WORKFLOW_EXECUTION_SIGNALED.
func (*WorkflowExecutionSignaledEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
}

// EventType is WORKFLOW_EXECUTION_TERMINATED.
func (*WorkflowExecutionTerminatedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED
}

// EventType is WORKFLOW_EXECUTION_CONTINUED_AS_NEW.
func (*WorkflowExecutionContinuedAsNewEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW
}

// EventType is START_CHILD_WORKFLOW_EXECUTION_INITIATED.
func (*StartChildWorkflowExecutionInitiatedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
}

// EventType is START_CHILD_WORKFLOW_EXECUTION_FAILED.
func (*StartChildWorkflowExecutionFailedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED
}

// EventType is CHILD_WORKFLOW_EXECUTION_STARTED.
func (*ChildWorkflowExecutionStartedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED
}

// EventType is CHILD_WORKFLOW_EXECUTION_COMPLETED.
func (*ChildWorkflowExecutionCompletedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED
}

// EventType is CHILD_WORKFLOW_EXECUTION_FAILED.
func (*ChildWorkflowExecutionFailedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED
}

// EventType is CHILD_WORKFLOW_EXECUTION_CANCELED.
func (*ChildWorkflowExecutionCanceledEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED
}

// EventType is CHILD_WORKFLOW_EXECUTION_TIMED_OUT.
func (*ChildWorkflowExecutionTimedOutEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT
}

// EventType is CHILD_WORKFLOW_EXECUTION_TERMINATED.
func (*ChildWorkflowExecutionTerminatedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED
}

// EventType is SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED.
func (*SignalExternalWorkflowExecutionInitiatedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED
}

// EventType is SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED.
func (*SignalExternalWorkflowExecutionFailedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED
}

// EventType is EXTERNAL_WORKFLOW_EXECUTION_SIGNALED.
func (*ExternalWorkflowExecutionSignaledEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED
}
