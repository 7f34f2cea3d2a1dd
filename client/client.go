package client

import (
	"context"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/workflowservice"
	"github.com/millrace-dev/millrace/converter"
)

// Client talks to one namespace. All methods are safe for concurrent use; they fail with the errors of package
// api/serviceerror, wrapped, and otherwise with the context's. What Millrace has beyond Temporal's client is Admin.
type Client interface {
	// ExecuteWorkflow starts a workflow, given by its function or its registered name, and returns as soon as the start
	// is durable. When a run of the same ID is open, or the ID reuse policy refuses another, it returns that run; with
	// WorkflowExecutionErrorWhenAlreadyStarted it fails instead, with a *serviceerror.WorkflowExecutionAlreadyStarted.
	ExecuteWorkflow(ctx context.Context, options StartWorkflowOptions, workflow interface{}, args ...interface{}) (WorkflowRun, error)
	// GetWorkflow is a handle on a run, without asking whether it exists. An empty runID is the workflow ID's newest run.
	GetWorkflow(ctx context.Context, workflowID string, runID string) WorkflowRun

	// SignalWorkflow sends a signal. When it returns nil the signal is durably queued: the run consumes it, or its
	// successor does; if the run closes first without a successor, the signal is found among the dead letters.
	SignalWorkflow(ctx context.Context, workflowID string, runID string, signalName string, arg interface{}) error
	// SignalWithStartWorkflow signals the workflow ID's open run, or starts one that has the signal from the beginning.
	SignalWithStartWorkflow(ctx context.Context, workflowID string, signalName string, signalArg interface{},
		options StartWorkflowOptions, workflow interface{}, workflowArgs ...interface{}) (WorkflowRun, error)
	// CancelWorkflow asks the run's code to cancel.
	CancelWorkflow(ctx context.Context, workflowID string, runID string) error
	// CancelWorkflowWithOptions is CancelWorkflow with a reason.
	CancelWorkflowWithOptions(ctx context.Context, options CancelWorkflowOptions) error
	// TerminateWorkflow closes the run without asking its code, also when no worker serves its task queue. When it
	// returns nil the run is closed, or a worker that is deciding at the same moment has the order durably queued.
	TerminateWorkflow(ctx context.Context, workflowID string, runID string, reason string, details ...interface{}) error
	// TerminateWorkflowWithOptions is TerminateWorkflow with options.
	TerminateWorkflowWithOptions(ctx context.Context, options TerminateWorkflowOptions) error
	// QueryWorkflow asks a query handler of the run's code; a worker must be up. It is QueryWorkflowWithOptions without
	// a reject condition.
	QueryWorkflow(ctx context.Context, workflowID string, runID string, queryType string, args ...interface{}) (converter.EncodedValue, error)
	// QueryWorkflowWithOptions asks a query handler, unless the run's status is one that the request rejects.
	QueryWorkflowWithOptions(ctx context.Context, request *QueryWorkflowWithOptionsRequest) (*QueryWorkflowWithOptionsResponse, error)

	// UpdateWorkflow asks an update handler of the run's code, and returns when the update has reached the stage that
	// options name. An update that was rejected, or whose handler failed, is no error here but one of the handle's Get. A
	// run that has closed gives a *serviceerror.NotFound, unless it has accepted an update with the same ID: then its
	// outcome is the answer. When ctx ends first the error is a *WorkflowUpdateServiceTimeoutOrCanceledError, and the
	// update may still be accepted.
	UpdateWorkflow(ctx context.Context, options UpdateWorkflowOptions) (WorkflowUpdateHandle, error)
	// NewWithStartWorkflowOperation says how UpdateWithStartWorkflow starts the workflow, if it has to. The options must
	// have a WorkflowIDConflictPolicy.
	NewWithStartWorkflowOperation(options StartWorkflowOptions, workflow interface{}, args ...interface{}) WithStartWorkflowOperation
	// UpdateWithStartWorkflow starts a workflow, or takes the open run as the conflict policy says, and updates it. When
	// the update fails the workflow may have been started.
	UpdateWithStartWorkflow(ctx context.Context, options UpdateWithStartWorkflowOptions) (WorkflowUpdateHandle, error)
	// GetWorkflowUpdateHandle is a handle on an update that was sent before, without asking whether it exists.
	GetWorkflowUpdateHandle(ref GetWorkflowUpdateHandleOptions) WorkflowUpdateHandle

	// DescribeWorkflow tells the state of a run: its status, what it waits for, and what keeps it from going on.
	DescribeWorkflow(ctx context.Context, workflowID string, runID string) (*WorkflowExecutionDescription, error)
	// DescribeWorkflowExecution is DescribeWorkflow in the words of Temporal's service.
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
	// GetWorkflowHistory reads the events of a run. With isLongPoll it waits for further ones until the run closes.
	GetWorkflowHistory(ctx context.Context, workflowID string, runID string, isLongPoll bool, filterType enums.HistoryEventFilterType) HistoryEventIterator

	// ExecuteActivity starts an activity that no workflow calls, given by its function or its registered name, and returns
	// as soon as the start is durable. A daemon must be running, which decides about attempts; workers of the task queue run
	// them. It fails with a *serviceerror.ActivityExecutionAlreadyStarted when the options refuse another activity of the
	// same ID.
	ExecuteActivity(ctx context.Context, options StartActivityOptions, activity any, args ...any) (ActivityHandle, error)
	// GetActivityHandle is a handle on such an activity, without asking whether it exists.
	GetActivityHandle(options GetActivityHandleOptions) ActivityHandle

	// CompleteActivity gives the result of an activity that returned activity.ErrResultPending, or with err how it
	// failed. A millrace.CanceledError reports it as canceled and, like a non-retryable millrace.ApplicationError, ends
	// the activity. Any other error ends this attempt, and the retry policy decides whether another one follows. The
	// activity's workers apply it when they look at the task next: after at most a quarter of the time for which the
	// attempt has lasted, but not less than a second and not more than a minute.
	CompleteActivity(ctx context.Context, taskToken []byte, result interface{}, err error) error
	// CompleteActivityWithOptions is CompleteActivity with options.
	CompleteActivityWithOptions(ctx context.Context, opts CompleteActivityOptions) error
	// CompleteActivityByActivityID is CompleteActivity for an activity that ExecuteActivity has started. An empty
	// activityRunID is the newest one.
	CompleteActivityByActivityID(ctx context.Context, namespace, activityID, activityRunID string, result interface{}, err error) error
	// CompleteActivityByActivityIDWithOptions is CompleteActivityByActivityID with options.
	CompleteActivityByActivityIDWithOptions(ctx context.Context, opts CompleteActivityByActivityIDOptions) error
	// CompleteActivityByID is CompleteActivity for an activity named by its ID.
	CompleteActivityByID(ctx context.Context, namespace, workflowID, runID, activityID string, result interface{}, err error) error
	// CompleteActivityByIDWithOptions is CompleteActivityByID with options.
	CompleteActivityByIDWithOptions(ctx context.Context, opts CompleteActivityByIDOptions) error
	// RecordActivityHeartbeat says that such an activity is alive. A millrace.CanceledError says that it was asked to
	// cancel.
	RecordActivityHeartbeat(ctx context.Context, taskToken []byte, details ...interface{}) error
	// RecordActivityHeartbeatWithOptions is RecordActivityHeartbeat with options.
	RecordActivityHeartbeatWithOptions(ctx context.Context, opts RecordActivityHeartbeatOptions) error
	// RecordActivityHeartbeatByID is RecordActivityHeartbeat for an activity named by its ID.
	RecordActivityHeartbeatByID(ctx context.Context, namespace, workflowID, runID, activityID string, details ...interface{}) error
	// RecordActivityHeartbeatByIDWithOptions is RecordActivityHeartbeatByID with options.
	RecordActivityHeartbeatByIDWithOptions(ctx context.Context, opts RecordActivityHeartbeatByIDOptions) error

	// ScheduleClient manages schedules, which start workflows at given times.
	ScheduleClient() ScheduleClient

	// UpdateWorkflowExecutionOptions changes options of an open run: which version of the workers decides for it. It returns
	// when the run has taken the change, as a worker of the version before or after it has to. When none has within ten
	// seconds, or before the context's deadline, it fails with a *serviceerror.DeadlineExceeded, and the change waits on.
	UpdateWorkflowExecutionOptions(ctx context.Context, options UpdateWorkflowExecutionOptionsRequest) (WorkflowExecutionOptions, error)

	// WorkerDeploymentClient manages deployments of workers: which version of the code new runs go to.
	WorkerDeploymentClient() WorkerDeploymentClient

	// CheckHealth asks whether the broker answers.
	CheckHealth(ctx context.Context, request *CheckHealthRequest) (*CheckHealthResponse, error)
	// Close ends the connection, unless it was given in the options. The client must not be used afterwards.
	Close()
}

// CheckHealthRequest is empty.
type CheckHealthRequest struct{}

// CheckHealthResponse is empty: that it came is the answer.
type CheckHealthResponse struct{}
