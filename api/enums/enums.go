// Package enums holds the closed sets of names that Millrace stores and shows. Names and numbers are those of
// Temporal's API, so that programs and readers of histories find what they know.
package enums

import "strconv"

// EventType: event types of a history. The numbers are stored: they never change.
type EventType int32

// The values of EventType.
const (
	EVENT_TYPE_UNSPECIFIED                                          EventType = 0
	EVENT_TYPE_WORKFLOW_EXECUTION_STARTED                           EventType = 1
	EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED                         EventType = 2
	EVENT_TYPE_WORKFLOW_EXECUTION_FAILED                            EventType = 3
	EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT                         EventType = 4
	EVENT_TYPE_ACTIVITY_TASK_SCHEDULED                              EventType = 10
	EVENT_TYPE_ACTIVITY_TASK_COMPLETED                              EventType = 12
	EVENT_TYPE_ACTIVITY_TASK_FAILED                                 EventType = 13
	EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT                              EventType = 14
	EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED                       EventType = 15
	EVENT_TYPE_ACTIVITY_TASK_CANCELED                               EventType = 16
	EVENT_TYPE_TIMER_STARTED                                        EventType = 17
	EVENT_TYPE_TIMER_FIRED                                          EventType = 18
	EVENT_TYPE_TIMER_CANCELED                                       EventType = 19
	EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED                  EventType = 20
	EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED                          EventType = 21
	EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED EventType = 22
	EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED    EventType = 23
	EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED         EventType = 24
	EVENT_TYPE_MARKER_RECORDED                                      EventType = 25
	EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED                          EventType = 26
	EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED                        EventType = 27
	EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW                  EventType = 28
	EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED             EventType = 29
	EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED                EventType = 30
	EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED                     EventType = 31
	EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED                   EventType = 32
	EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED                      EventType = 33
	EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED                    EventType = 34
	EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT                   EventType = 35
	EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED                  EventType = 36
	EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED         EventType = 37
	EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED            EventType = 38
	EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED                 EventType = 39
	EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES                    EventType = 40
	EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED                   EventType = 41
	EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED                  EventType = 43
	EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED                         EventType = 46
	EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED                   EventType = 55

	// EVENT_TYPE_ACTIVITY_TASK_QUEUED is Millrace's own: an activity whose first attempt ran where it was scheduled
	// goes to its task queue.
	EVENT_TYPE_ACTIVITY_TASK_QUEUED EventType = 1001
	// EVENT_TYPE_ACTIVITY_TASK_PAUSED, _UNPAUSED, _RESET and _PARKED are Millrace's own: what was asked of an activity,
	// and that its task is gone because of it.
	EVENT_TYPE_ACTIVITY_TASK_PAUSED   EventType = 1002
	EVENT_TYPE_ACTIVITY_TASK_UNPAUSED EventType = 1003
	EVENT_TYPE_ACTIVITY_TASK_RESET    EventType = 1004
	EVENT_TYPE_ACTIVITY_TASK_PARKED   EventType = 1005
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x EventType) String() string {
	switch x {
	case EVENT_TYPE_UNSPECIFIED:
		return "Unspecified"
	case EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
		return "WorkflowExecutionStarted"
	case EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		return "WorkflowExecutionCompleted"
	case EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		return "WorkflowExecutionFailed"
	case EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
		return "WorkflowExecutionTimedOut"
	case EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		return "ActivityTaskScheduled"
	case EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		return "ActivityTaskCompleted"
	case EVENT_TYPE_ACTIVITY_TASK_FAILED:
		return "ActivityTaskFailed"
	case EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
		return "ActivityTaskTimedOut"
	case EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
		return "ActivityTaskCancelRequested"
	case EVENT_TYPE_ACTIVITY_TASK_CANCELED:
		return "ActivityTaskCanceled"
	case EVENT_TYPE_ACTIVITY_TASK_QUEUED:
		return "ActivityTaskQueued"
	case EVENT_TYPE_ACTIVITY_TASK_PAUSED:
		return "ActivityTaskPaused"
	case EVENT_TYPE_ACTIVITY_TASK_UNPAUSED:
		return "ActivityTaskUnpaused"
	case EVENT_TYPE_ACTIVITY_TASK_RESET:
		return "ActivityTaskReset"
	case EVENT_TYPE_ACTIVITY_TASK_PARKED:
		return "ActivityTaskParked"
	case EVENT_TYPE_TIMER_STARTED:
		return "TimerStarted"
	case EVENT_TYPE_TIMER_FIRED:
		return "TimerFired"
	case EVENT_TYPE_TIMER_CANCELED:
		return "TimerCanceled"
	case EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
		return "WorkflowExecutionCancelRequested"
	case EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
		return "WorkflowExecutionCanceled"
	case EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
		return "RequestCancelExternalWorkflowExecutionInitiated"
	case EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
		return "RequestCancelExternalWorkflowExecutionFailed"
	case EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
		return "ExternalWorkflowExecutionCancelRequested"
	case EVENT_TYPE_MARKER_RECORDED:
		return "MarkerRecorded"
	case EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
		return "WorkflowExecutionSignaled"
	case EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
		return "WorkflowExecutionTerminated"
	case EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		return "WorkflowExecutionContinuedAsNew"
	case EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
		return "StartChildWorkflowExecutionInitiated"
	case EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED:
		return "StartChildWorkflowExecutionFailed"
	case EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
		return "ChildWorkflowExecutionStarted"
	case EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
		return "ChildWorkflowExecutionCompleted"
	case EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
		return "ChildWorkflowExecutionFailed"
	case EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED:
		return "ChildWorkflowExecutionCanceled"
	case EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:
		return "ChildWorkflowExecutionTimedOut"
	case EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:
		return "ChildWorkflowExecutionTerminated"
	case EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:
		return "SignalExternalWorkflowExecutionInitiated"
	case EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
		return "SignalExternalWorkflowExecutionFailed"
	case EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED:
		return "ExternalWorkflowExecutionSignaled"
	case EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
		return "UpsertWorkflowSearchAttributes"
	case EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
		return "WorkflowExecutionUpdateAccepted"
	case EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
		return "WorkflowExecutionUpdateCompleted"
	case EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
		return "WorkflowPropertiesModified"
	case EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED:
		return "WorkflowExecutionOptionsUpdated"
	}
	return strconv.Itoa(int(x))
}

// WorkflowExecutionStatus: states of a run.
type WorkflowExecutionStatus int32

// The values of WorkflowExecutionStatus.
const (
	WORKFLOW_EXECUTION_STATUS_UNSPECIFIED      WorkflowExecutionStatus = 0
	WORKFLOW_EXECUTION_STATUS_RUNNING          WorkflowExecutionStatus = 1
	WORKFLOW_EXECUTION_STATUS_COMPLETED        WorkflowExecutionStatus = 2
	WORKFLOW_EXECUTION_STATUS_FAILED           WorkflowExecutionStatus = 3
	WORKFLOW_EXECUTION_STATUS_CANCELED         WorkflowExecutionStatus = 4
	WORKFLOW_EXECUTION_STATUS_TERMINATED       WorkflowExecutionStatus = 5
	WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW WorkflowExecutionStatus = 6
	WORKFLOW_EXECUTION_STATUS_TIMED_OUT        WorkflowExecutionStatus = 7
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x WorkflowExecutionStatus) String() string {
	switch x {
	case WORKFLOW_EXECUTION_STATUS_UNSPECIFIED:
		return "Unspecified"
	case WORKFLOW_EXECUTION_STATUS_RUNNING:
		return "Running"
	case WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return "Completed"
	case WORKFLOW_EXECUTION_STATUS_FAILED:
		return "Failed"
	case WORKFLOW_EXECUTION_STATUS_CANCELED:
		return "Canceled"
	case WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return "Terminated"
	case WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		return "ContinuedAsNew"
	case WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return "TimedOut"
	}
	return strconv.Itoa(int(x))
}

// TimeoutType: which time-out expired.
type TimeoutType int32

// The values of TimeoutType.
const (
	TIMEOUT_TYPE_UNSPECIFIED       TimeoutType = 0
	TIMEOUT_TYPE_START_TO_CLOSE    TimeoutType = 1
	TIMEOUT_TYPE_SCHEDULE_TO_START TimeoutType = 2
	TIMEOUT_TYPE_SCHEDULE_TO_CLOSE TimeoutType = 3
	TIMEOUT_TYPE_HEARTBEAT         TimeoutType = 4
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x TimeoutType) String() string {
	switch x {
	case TIMEOUT_TYPE_UNSPECIFIED:
		return "Unspecified"
	case TIMEOUT_TYPE_START_TO_CLOSE:
		return "StartToClose"
	case TIMEOUT_TYPE_SCHEDULE_TO_START:
		return "ScheduleToStart"
	case TIMEOUT_TYPE_SCHEDULE_TO_CLOSE:
		return "ScheduleToClose"
	case TIMEOUT_TYPE_HEARTBEAT:
		return "Heartbeat"
	}
	return strconv.Itoa(int(x))
}

// RetryState: why there was no further attempt.
type RetryState int32

// The values of RetryState.
const (
	RETRY_STATE_UNSPECIFIED              RetryState = 0
	RETRY_STATE_IN_PROGRESS              RetryState = 1
	RETRY_STATE_NON_RETRYABLE_FAILURE    RetryState = 2
	RETRY_STATE_TIMEOUT                  RetryState = 3
	RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED RetryState = 4
	RETRY_STATE_RETRY_POLICY_NOT_SET     RetryState = 5
	RETRY_STATE_INTERNAL_SERVER_ERROR    RetryState = 6
	RETRY_STATE_CANCEL_REQUESTED         RetryState = 7
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x RetryState) String() string {
	switch x {
	case RETRY_STATE_UNSPECIFIED:
		return "Unspecified"
	case RETRY_STATE_IN_PROGRESS:
		return "InProgress"
	case RETRY_STATE_NON_RETRYABLE_FAILURE:
		return "NonRetryableFailure"
	case RETRY_STATE_TIMEOUT:
		return "Timeout"
	case RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED:
		return "MaximumAttemptsReached"
	case RETRY_STATE_RETRY_POLICY_NOT_SET:
		return "RetryPolicyNotSet"
	case RETRY_STATE_INTERNAL_SERVER_ERROR:
		return "InternalServerError"
	case RETRY_STATE_CANCEL_REQUESTED:
		return "CancelRequested"
	}
	return strconv.Itoa(int(x))
}

// ParentClosePolicy: what happens to a child when its parent closes. Unspecified means terminate.
type ParentClosePolicy int32

// The values of ParentClosePolicy.
const (
	PARENT_CLOSE_POLICY_UNSPECIFIED    ParentClosePolicy = 0
	PARENT_CLOSE_POLICY_TERMINATE      ParentClosePolicy = 1
	PARENT_CLOSE_POLICY_ABANDON        ParentClosePolicy = 2
	PARENT_CLOSE_POLICY_REQUEST_CANCEL ParentClosePolicy = 3
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x ParentClosePolicy) String() string {
	switch x {
	case PARENT_CLOSE_POLICY_UNSPECIFIED:
		return "Unspecified"
	case PARENT_CLOSE_POLICY_TERMINATE:
		return "Terminate"
	case PARENT_CLOSE_POLICY_ABANDON:
		return "Abandon"
	case PARENT_CLOSE_POLICY_REQUEST_CANCEL:
		return "RequestCancel"
	}
	return strconv.Itoa(int(x))
}

// WorkflowIdReusePolicy: whether a workflow ID of a closed run may start again. Unspecified means allow duplicate.
type WorkflowIdReusePolicy int32

// The values of WorkflowIdReusePolicy.
const (
	WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED                 WorkflowIdReusePolicy = 0
	WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE             WorkflowIdReusePolicy = 1
	WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY WorkflowIdReusePolicy = 2
	WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE            WorkflowIdReusePolicy = 3
	WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING        WorkflowIdReusePolicy = 4
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x WorkflowIdReusePolicy) String() string {
	switch x {
	case WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED:
		return "Unspecified"
	case WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE:
		return "AllowDuplicate"
	case WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY:
		return "AllowDuplicateFailedOnly"
	case WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE:
		return "RejectDuplicate"
	case WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING:
		return "TerminateIfRunning"
	}
	return strconv.Itoa(int(x))
}

// WorkflowIdConflictPolicy: what to do when a run of the workflow ID is open. Unspecified means fail.
type WorkflowIdConflictPolicy int32

// The values of WorkflowIdConflictPolicy.
const (
	WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED        WorkflowIdConflictPolicy = 0
	WORKFLOW_ID_CONFLICT_POLICY_FAIL               WorkflowIdConflictPolicy = 1
	WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING       WorkflowIdConflictPolicy = 2
	WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING WorkflowIdConflictPolicy = 3
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x WorkflowIdConflictPolicy) String() string {
	switch x {
	case WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED:
		return "Unspecified"
	case WORKFLOW_ID_CONFLICT_POLICY_FAIL:
		return "Fail"
	case WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING:
		return "UseExisting"
	case WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING:
		return "TerminateExisting"
	}
	return strconv.Itoa(int(x))
}

// StartChildWorkflowExecutionFailedCause: why a child did not start.
type StartChildWorkflowExecutionFailedCause int32

// The values of StartChildWorkflowExecutionFailedCause.
const (
	START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_UNSPECIFIED             StartChildWorkflowExecutionFailedCause = 0
	START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS StartChildWorkflowExecutionFailedCause = 1
	START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND     StartChildWorkflowExecutionFailedCause = 2
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x StartChildWorkflowExecutionFailedCause) String() string {
	switch x {
	case START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_UNSPECIFIED:
		return "Unspecified"
	case START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS:
		return "WorkflowAlreadyExists"
	case START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND:
		return "NamespaceNotFound"
	}
	return strconv.Itoa(int(x))
}

// SignalExternalWorkflowExecutionFailedCause: why an external run was not signaled.
type SignalExternalWorkflowExecutionFailedCause int32

// The values of SignalExternalWorkflowExecutionFailedCause.
const (
	SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNSPECIFIED                           SignalExternalWorkflowExecutionFailedCause = 0
	SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND SignalExternalWorkflowExecutionFailedCause = 1
	SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND                   SignalExternalWorkflowExecutionFailedCause = 2
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x SignalExternalWorkflowExecutionFailedCause) String() string {
	switch x {
	case SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNSPECIFIED:
		return "Unspecified"
	case SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND:
		return "ExternalWorkflowExecutionNotFound"
	case SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND:
		return "NamespaceNotFound"
	}
	return strconv.Itoa(int(x))
}

// CancelExternalWorkflowExecutionFailedCause: why an external run's cancellation was not requested.
type CancelExternalWorkflowExecutionFailedCause int32

// The values of CancelExternalWorkflowExecutionFailedCause.
const (
	CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNSPECIFIED                           CancelExternalWorkflowExecutionFailedCause = 0
	CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND CancelExternalWorkflowExecutionFailedCause = 1
	CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND                   CancelExternalWorkflowExecutionFailedCause = 2
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x CancelExternalWorkflowExecutionFailedCause) String() string {
	switch x {
	case CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNSPECIFIED:
		return "Unspecified"
	case CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND:
		return "ExternalWorkflowExecutionNotFound"
	case CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND:
		return "NamespaceNotFound"
	}
	return strconv.Itoa(int(x))
}

// ApplicationErrorCategory: how an application error is reported.
type ApplicationErrorCategory int32

// The values of ApplicationErrorCategory.
const (
	APPLICATION_ERROR_CATEGORY_UNSPECIFIED ApplicationErrorCategory = 0
	APPLICATION_ERROR_CATEGORY_BENIGN      ApplicationErrorCategory = 1
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x ApplicationErrorCategory) String() string {
	switch x {
	case APPLICATION_ERROR_CATEGORY_UNSPECIFIED:
		return "Unspecified"
	case APPLICATION_ERROR_CATEGORY_BENIGN:
		return "Benign"
	}
	return strconv.Itoa(int(x))
}

// ContinueAsNewInitiator: what began a successor run.
type ContinueAsNewInitiator int32

// The values of ContinueAsNewInitiator.
const (
	CONTINUE_AS_NEW_INITIATOR_UNSPECIFIED   ContinueAsNewInitiator = 0
	CONTINUE_AS_NEW_INITIATOR_WORKFLOW      ContinueAsNewInitiator = 1
	CONTINUE_AS_NEW_INITIATOR_RETRY         ContinueAsNewInitiator = 2
	CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE ContinueAsNewInitiator = 3
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x ContinueAsNewInitiator) String() string {
	switch x {
	case CONTINUE_AS_NEW_INITIATOR_UNSPECIFIED:
		return "Unspecified"
	case CONTINUE_AS_NEW_INITIATOR_WORKFLOW:
		return "Workflow"
	case CONTINUE_AS_NEW_INITIATOR_RETRY:
		return "Retry"
	case CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE:
		return "CronSchedule"
	}
	return strconv.Itoa(int(x))
}

// QueryRejectCondition: which runs refuse a query. Unspecified means none.
type QueryRejectCondition int32

// The values of QueryRejectCondition.
const (
	QUERY_REJECT_CONDITION_UNSPECIFIED           QueryRejectCondition = 0
	QUERY_REJECT_CONDITION_NONE                  QueryRejectCondition = 1
	QUERY_REJECT_CONDITION_NOT_OPEN              QueryRejectCondition = 2
	QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY QueryRejectCondition = 3
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x QueryRejectCondition) String() string {
	switch x {
	case QUERY_REJECT_CONDITION_UNSPECIFIED:
		return "Unspecified"
	case QUERY_REJECT_CONDITION_NONE:
		return "None"
	case QUERY_REJECT_CONDITION_NOT_OPEN:
		return "NotOpen"
	case QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY:
		return "NotCompletedCleanly"
	}
	return strconv.Itoa(int(x))
}

// HistoryEventFilterType: which events a history reader returns.
type HistoryEventFilterType int32

// The values of HistoryEventFilterType.
const (
	HISTORY_EVENT_FILTER_TYPE_UNSPECIFIED HistoryEventFilterType = 0
	HISTORY_EVENT_FILTER_TYPE_ALL_EVENT   HistoryEventFilterType = 1
	HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT HistoryEventFilterType = 2
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x HistoryEventFilterType) String() string {
	switch x {
	case HISTORY_EVENT_FILTER_TYPE_UNSPECIFIED:
		return "Unspecified"
	case HISTORY_EVENT_FILTER_TYPE_ALL_EVENT:
		return "AllEvent"
	case HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT:
		return "CloseEvent"
	}
	return strconv.Itoa(int(x))
}

// PendingActivityState: states of an activity that has no result yet.
type PendingActivityState int32

// The values of PendingActivityState.
const (
	PENDING_ACTIVITY_STATE_UNSPECIFIED      PendingActivityState = 0
	PENDING_ACTIVITY_STATE_SCHEDULED        PendingActivityState = 1
	PENDING_ACTIVITY_STATE_STARTED          PendingActivityState = 2
	PENDING_ACTIVITY_STATE_CANCEL_REQUESTED PendingActivityState = 3
	PENDING_ACTIVITY_STATE_PAUSED           PendingActivityState = 4
	PENDING_ACTIVITY_STATE_PAUSE_REQUESTED  PendingActivityState = 5
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x PendingActivityState) String() string {
	switch x {
	case PENDING_ACTIVITY_STATE_UNSPECIFIED:
		return "Unspecified"
	case PENDING_ACTIVITY_STATE_SCHEDULED:
		return "Scheduled"
	case PENDING_ACTIVITY_STATE_STARTED:
		return "Started"
	case PENDING_ACTIVITY_STATE_CANCEL_REQUESTED:
		return "CancelRequested"
	case PENDING_ACTIVITY_STATE_PAUSED:
		return "Paused"
	case PENDING_ACTIVITY_STATE_PAUSE_REQUESTED:
		return "PauseRequested"
	}
	return strconv.Itoa(int(x))
}
