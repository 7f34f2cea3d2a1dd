package client

import (
	"context"
	"fmt"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/retry"
)

// StartActivityOptions say how ExecuteActivity starts an activity. ID, TaskQueue, and one of ScheduleToCloseTimeout and
// StartToCloseTimeout must be set.
type StartActivityOptions struct {
	// ID is the user's name for the activity. At most one activity of an ID is open.
	ID string
	// TaskQueue is the queue whose workers run the activity.
	TaskQueue string
	// ScheduleToCloseTimeout bounds all attempts together, without the StartDelay. 0 means no limit.
	ScheduleToCloseTimeout time.Duration
	// ScheduleToStartTimeout bounds the wait for a worker; when it expires there is no further attempt. 0 means no limit.
	ScheduleToStartTimeout time.Duration
	// StartToCloseTimeout bounds one attempt. 0 means ScheduleToCloseTimeout.
	StartToCloseTimeout time.Duration
	// HeartbeatTimeout bounds the time between two heartbeats of an attempt. 0 means that none are expected.
	HeartbeatTimeout time.Duration
	// ActivityIDConflictPolicy says what happens when an activity of this ID is open. Default: an error.
	ActivityIDConflictPolicy enums.ActivityIdConflictPolicy
	// ActivityIDReusePolicy says whether the ID of a closed activity may be used again. Default: it may.
	ActivityIDReusePolicy enums.ActivityIdReusePolicy
	// RetryPolicy says when a failed attempt is followed by another. Nil means the policy of all defaults.
	RetryPolicy *millrace.RetryPolicy
	// TypedSearchAttributes are kept with the activity.
	TypedSearchAttributes millrace.SearchAttributes
	// Summary says in a line, for people, what the activity is for; Details say the same at length.
	Summary string
	Details string
	// Priority is that of the task, as in workflow.ActivityOptions.
	Priority millrace.Priority
	// StartDelay postpones the first attempt.
	StartDelay time.Duration
}

// GetActivityHandleOptions name an activity.
type GetActivityHandleOptions struct {
	ActivityID string
	// RunID is one of its executions. Empty means the newest.
	RunID string
}

// ActivityHandle is a handle on an activity that was started by ExecuteActivity. It holds no resources and is safe for
// concurrent use.
type ActivityHandle interface {
	// GetID is the activity's ID, GetRunID the execution that the handle was made with, empty for the newest.
	GetID() string
	GetRunID() string
	// Get waits until the activity has closed and decodes its result into valuePtr (nil to ignore it). Its error is how
	// the activity failed: a *millrace.ApplicationError, *millrace.TimeoutError, *millrace.CanceledError or
	// *millrace.TerminatedError; or that there is no such activity, or that ctx has ended.
	Get(ctx context.Context, valuePtr any) error
	// Describe tells the activity's state.
	Describe(ctx context.Context, options DescribeActivityOptions) (*ActivityExecutionDescription, error)
	// Cancel asks the activity to cancel: its heartbeats tell it. It may complete all the same.
	Cancel(ctx context.Context, options CancelActivityOptions) error
	// Terminate closes the activity without asking it. An attempt that runs finds its context canceled at a heartbeat.
	Terminate(ctx context.Context, options TerminateActivityOptions) error
}

// DescribeActivityOptions are the options of ActivityHandle.Describe. There are none yet.
type DescribeActivityOptions struct{}

// CancelActivityOptions are the options of ActivityHandle.Cancel.
type CancelActivityOptions struct {
	// Reason is kept with the activity.
	Reason string
}

// TerminateActivityOptions are the options of ActivityHandle.Terminate.
type TerminateActivityOptions struct {
	// Reason is kept with the activity.
	Reason string
}

// CompleteActivityByActivityIDOptions are the options of Client.CompleteActivityByActivityIDWithOptions. ActivityID is
// required.
type CompleteActivityByActivityIDOptions struct {
	// Namespace is the client's, or empty.
	Namespace  string
	ActivityID string
	// ActivityRunID is the execution. Default: the newest one.
	ActivityRunID string
	// Result completes the activity, Err fails or cancels it; with both, Err counts.
	Result interface{}
	Err    error
	// The other fields are as in CompleteActivityOptions.
	WorkflowID   string
	ActivityType string
	WorkflowType string
	TaskQueue    string
}

// ExecuteActivityInput is the input of OutboundInterceptor.ExecuteActivity.
type ExecuteActivityInput struct {
	Options      *StartActivityOptions
	ActivityType string
	Args         []interface{}
}

// GetActivityHandleInput is the input of OutboundInterceptor.GetActivityHandle.
type GetActivityHandleInput struct {
	ActivityID string
	RunID      string
}

// PollActivityResultInput is the input of OutboundInterceptor.PollActivityResult.
type PollActivityResultInput struct {
	ActivityID string
	RunID      string
}

// DescribeActivityInput is the input of OutboundInterceptor.DescribeActivity.
type DescribeActivityInput struct {
	ActivityID string
	RunID      string
}

// DescribeActivityOutput is the output of OutboundInterceptor.DescribeActivity.
type DescribeActivityOutput struct {
	Description *ActivityExecutionDescription
}

// CancelActivityInput is the input of OutboundInterceptor.CancelActivity.
type CancelActivityInput struct {
	ActivityID string
	RunID      string
	Reason     string
}

// TerminateActivityInput is the input of OutboundInterceptor.TerminateActivity.
type TerminateActivityInput struct {
	ActivityID string
	RunID      string
	Reason     string
}

// validate names the field that is wrong, its value and what it may be.
func (o *StartActivityOptions) validate() error {
	refuse := func(format string, args ...any) error {
		return serviceerror.NewInvalidArgument("StartActivityOptions." + fmt.Sprintf(format, args...))
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{
		{"ScheduleToCloseTimeout", o.ScheduleToCloseTimeout}, {"ScheduleToStartTimeout", o.ScheduleToStartTimeout},
		{"StartToCloseTimeout", o.StartToCloseTimeout}, {"HeartbeatTimeout", o.HeartbeatTimeout}, {"StartDelay", o.StartDelay},
	} {
		if d.value < 0 {
			return refuse("%s is %v: it cannot be negative", d.field, d.value)
		}
	}
	switch {
	case o.ID == "":
		return refuse("ID is empty: name the activity")
	case o.TaskQueue == "":
		return refuse("TaskQueue is empty: name the queue that the workers serve")
	case o.ScheduleToCloseTimeout == 0 && o.StartToCloseTimeout == 0:
		return refuse("StartToCloseTimeout and ScheduleToCloseTimeout are 0: one of them must be set")
	}
	if o.RetryPolicy != nil {
		if err := retry.Validate(retry.WithDefaults(o.RetryPolicy)); err != nil {
			return refuse("%v", err)
		}
	}
	return nil
}
