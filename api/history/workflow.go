package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// WorkflowExecutionStartedEventAttributes belong to event 1: everything that the run was started with.
type WorkflowExecutionStartedEventAttributes struct {
	WorkflowType *common.WorkflowType `json:"workflowType,omitempty"`
	WorkflowId   string               `json:"workflowId,omitempty"`
	// OriginalExecutionRunId is this run's ID.
	OriginalExecutionRunId string `json:"originalExecutionRunId,omitempty"`
	// FirstExecutionRunId is the first run of the chain, this one when nothing was continued.
	FirstExecutionRunId string `json:"firstExecutionRunId,omitempty"`
	TaskQueue           string `json:"taskQueue,omitempty"`
	// Build is the build that the run is pinned to, empty for none.
	Build string `json:"build,omitempty"`

	Input            *common.Payloads         `json:"input,omitempty"`
	Header           *common.Header           `json:"header,omitempty"`
	Memo             *common.Memo             `json:"memo,omitempty"`
	SearchAttributes *common.SearchAttributes `json:"searchAttributes,omitempty"`

	WorkflowExecutionTimeout        Duration     `json:"workflowExecutionTimeout,omitzero"`
	WorkflowRunTimeout              Duration     `json:"workflowRunTimeout,omitzero"`
	WorkflowTaskTimeout             Duration     `json:"workflowTaskTimeout,omitzero"`
	WorkflowExecutionExpirationTime time.Time    `json:"workflowExecutionExpirationTime,omitzero"`
	FirstWorkflowTaskBackoff        Duration     `json:"firstWorkflowTaskBackoff,omitzero"`
	RetryPolicy                     *RetryPolicy `json:"retryPolicy,omitempty"`
	// Attempt counts the runs of a workflow retry policy, from 1.
	Attempt      int32  `json:"attempt,omitzero"`
	CronSchedule string `json:"cronSchedule,omitempty"`

	ContinuedExecutionRunId string                       `json:"continuedExecutionRunId,omitempty"`
	Initiator               enums.ContinueAsNewInitiator `json:"initiator,omitzero"`
	ContinuedFailure        *failure.Failure             `json:"continuedFailure,omitempty"`
	LastCompletionResult    *common.Payloads             `json:"lastCompletionResult,omitempty"`

	ParentWorkflowExecution *common.WorkflowExecution `json:"parentWorkflowExecution,omitempty"`
	ParentInitiatedEventId  int64                     `json:"parentInitiatedEventId,omitzero"`
	ParentTaskQueue         string                    `json:"parentTaskQueue,omitempty"`
	ParentBuild             string                    `json:"parentBuild,omitempty"`
	// RootWorkflowExecution is nil for a run without a parent.
	RootWorkflowExecution *common.WorkflowExecution `json:"rootWorkflowExecution,omitempty"`

	// Signal is the signal of a signal-with-start, SignalId its identity; nil for none. It is an event of transition 1.
	Signal   *WorkflowExecutionSignaledEventAttributes `json:"signal,omitempty"`
	SignalId string                                    `json:"signalId,omitempty"`

	Identity      string `json:"identity,omitempty"`
	RequestId     string `json:"requestId,omitempty"`
	StaticSummary string `json:"staticSummary,omitempty"`
	StaticDetails string `json:"staticDetails,omitempty"`
	// Priority is that of the run's tasks where they name none.
	Priority           *Priority           `json:"priority,omitempty"`
	VersioningOverride *VersioningOverride `json:"versioningOverride,omitempty"`
}

// NewExecution names the run that takes over from a closed one; all fields are zero when there is none.
type NewExecution struct {
	NewExecutionRunId    string                       `json:"newExecutionRunId,omitempty"`
	Initiator            enums.ContinueAsNewInitiator `json:"initiator,omitzero"`
	BackoffStartInterval Duration                     `json:"backoffStartInterval,omitzero"`
	// NewExecutionAttempt is the new run's attempt under the workflow's retry policy.
	NewExecutionAttempt int32 `json:"newExecutionAttempt,omitzero"`
	// Binding is the build that the new run was bound to, nil for that of the run that closes.
	Binding *Binding `json:"binding,omitempty"`
}

// GetNewExecutionRunId returns the run that takes over, empty for none.
func (n NewExecution) GetNewExecutionRunId() string { return n.NewExecutionRunId }

// WorkflowExecutionCompletedEventAttributes close a run with a result.
type WorkflowExecutionCompletedEventAttributes struct {
	Result *common.Payloads `json:"result,omitempty"`
	NewExecution
}

// WorkflowExecutionFailedEventAttributes close a run with the error of its function.
type WorkflowExecutionFailedEventAttributes struct {
	Failure    *failure.Failure `json:"failure,omitempty"`
	RetryState enums.RetryState `json:"retryState,omitzero"`
	NewExecution
}

// WorkflowExecutionTimedOutEventAttributes close a run whose deadline passed.
type WorkflowExecutionTimedOutEventAttributes struct {
	RetryState enums.RetryState `json:"retryState,omitzero"`
	NewExecution
}

// WorkflowExecutionCanceledEventAttributes close a run that accepted a cancellation.
type WorkflowExecutionCanceledEventAttributes struct {
	Details *common.Payloads `json:"details,omitempty"`
}

// WorkflowExecutionTerminatedEventAttributes close a run by somebody's order.
type WorkflowExecutionTerminatedEventAttributes struct {
	Reason   string           `json:"reason,omitempty"`
	Details  *common.Payloads `json:"details,omitempty"`
	Identity string           `json:"identity,omitempty"`
}

// WorkflowExecutionContinuedAsNewEventAttributes close a run in favour of a new one with other input. What is zero is
// inherited from the run that closes.
type WorkflowExecutionContinuedAsNewEventAttributes struct {
	NewExecution
	WorkflowType        *common.WorkflowType     `json:"workflowType,omitempty"`
	TaskQueue           string                   `json:"taskQueue,omitempty"`
	Input               *common.Payloads         `json:"input,omitempty"`
	Header              *common.Header           `json:"header,omitempty"`
	Memo                *common.Memo             `json:"memo,omitempty"`
	SearchAttributes    *common.SearchAttributes `json:"searchAttributes,omitempty"`
	WorkflowRunTimeout  Duration                 `json:"workflowRunTimeout,omitzero"`
	WorkflowTaskTimeout Duration                 `json:"workflowTaskTimeout,omitzero"`
	RetryPolicy         *RetryPolicy             `json:"retryPolicy,omitempty"`
	// InitialVersioningBehavior is how the code asked for the new run's build to be chosen.
	InitialVersioningBehavior int32 `json:"initialVersioningBehavior,omitzero"`
}

// WorkflowExecutionSignaledEventAttributes bring a signal.
type WorkflowExecutionSignaledEventAttributes struct {
	SignalName string           `json:"signalName"`
	Input      *common.Payloads `json:"input,omitempty"`
	Header     *common.Header   `json:"header,omitempty"`
	Identity   string           `json:"identity,omitempty"`
}

// WorkflowExecutionCancelRequestedEventAttributes bring a request to cancel.
type WorkflowExecutionCancelRequestedEventAttributes struct {
	// Cause is the reason that was given.
	Cause    string `json:"cause,omitempty"`
	Identity string `json:"identity,omitempty"`
	// ExternalWorkflowExecution is the run that asked, nil for a client.
	ExternalWorkflowExecution *common.WorkflowExecution `json:"externalWorkflowExecution,omitempty"`
}
