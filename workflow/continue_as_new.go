package workflow

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/retry"
)

// Type names a workflow function.
type Type struct {
	// Name is the name that the function is registered under.
	Name string
}

// ContinueAsNewError makes the run of the workflow that returns it close, and a new run of the same workflow ID take
// its place with a fresh history. Make it with NewContinueAsNewError.
type ContinueAsNewError struct {
	// WorkflowType is the function that the new run calls, Input its encoded arguments.
	WorkflowType *Type
	Input        *common.Payloads
	Header       *common.Header
	// TaskQueueName is the queue that runs it; empty means the same queue.
	TaskQueueName string
	// WorkflowExecutionTimeout is that of the chain of runs, which has been counting since its first run.
	WorkflowExecutionTimeout time.Duration
	// WorkflowRunTimeout and WorkflowTaskTimeout are those of the new run, as in ChildWorkflowOptions.
	WorkflowRunTimeout  time.Duration
	WorkflowTaskTimeout time.Duration
	// BackoffStartInterval is how long the new run waits before it begins.
	BackoffStartInterval time.Duration
	// InitialVersioningBehavior says on which version of the workers the new run begins.
	InitialVersioningBehavior ContinueAsNewVersioningBehavior
	// RetryPolicy is that of the new run; nil means the same policy.
	RetryPolicy *millrace.RetryPolicy
}

// Error returns "continue as new".
func (e *ContinueAsNewError) Error() string { return "continue as new" }

// ContinueAsNewErrorOptions are the options of NewContinueAsNewErrorWithOptions.
type ContinueAsNewErrorOptions struct {
	// RetryPolicy is that of the new run. Nil means the same policy.
	RetryPolicy *millrace.RetryPolicy
	// BackoffStartInterval is how long the new run waits before it begins. 0 means not at all.
	BackoffStartInterval time.Duration
	// InitialVersioningBehavior says on which version of the workers the new run begins. Default: that of this one, if it is
	// pinned.
	InitialVersioningBehavior ContinueAsNewVersioningBehavior
}

// NewContinueAsNewError returns a *ContinueAsNewError for the workflow to return. The function is named as in
// ExecuteChildWorkflow; task queue and time-outs are those of the run unless ctx says otherwise
// (WithWorkflowTaskQueue, WithWorkflowRunTimeout, WithWorkflowTaskTimeout). The arguments are encoded before it
// returns; when they cannot be, it returns another error, which fails the workflow that returns it.
func NewContinueAsNewError(ctx Context, wfn interface{}, args ...interface{}) error {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.NewContinueAsNewError(withHeader(ctx, HeaderFields{}), wfn, args...)
	}
	return r.newContinueAsNewError(ctx, ContinueAsNewErrorOptions{}, wfn, args)
}

// NewContinueAsNewErrorWithOptions is NewContinueAsNewError with options.
func NewContinueAsNewErrorWithOptions(ctx Context, options ContinueAsNewErrorOptions, wfn interface{}, args ...interface{}) error {
	return runOf(ctx).newContinueAsNewError(ctx, options, wfn, args)
}

func (r *run) newContinueAsNewError(ctx Context, options ContinueAsNewErrorOptions, wfn interface{}, args []interface{}) error {
	r.guard("NewContinueAsNewError")
	name, err := calledName(wfn, r.def.options.WorkflowName)
	if err != nil {
		return fmt.Errorf("continue as new: %w", err)
	}
	if err := checkArguments(wfn, reflect.TypeFor[Context](), args); err != nil {
		return fmt.Errorf("continue as new %s: %w", name, err)
	}
	input, err := r.encodeIn(ctx, nil, args...)
	if err != nil {
		return fmt.Errorf("continue as new %s: encode arguments: %w", name, err)
	}
	header, err := r.sent(ctx)
	if err != nil {
		return fmt.Errorf("continue as new %s: %w", name, err)
	}
	o := GetChildWorkflowOptions(ctx)
	return &ContinueAsNewError{
		WorkflowType:             &Type{Name: name},
		Input:                    input,
		Header:                   header,
		TaskQueueName:            o.TaskQueue,
		WorkflowExecutionTimeout: o.WorkflowExecutionTimeout,
		WorkflowRunTimeout:       o.WorkflowRunTimeout,
		WorkflowTaskTimeout:      o.WorkflowTaskTimeout,
		BackoffStartInterval:     options.BackoffStartInterval,
		RetryPolicy:              cloneRetryPolicy(options.RetryPolicy),

		InitialVersioningBehavior: options.InitialVersioningBehavior,
	}
}

// IsContinueAsNewError reports whether err is or wraps a *ContinueAsNewError.
func IsContinueAsNewError(err error) bool {
	var e *ContinueAsNewError
	return errors.As(err, &e)
}

// successor is the run that e asks for.
func (e *ContinueAsNewError) successor(current *history.Start) (*history.Successor, error) {
	const what = "continue as new"
	if err := notNegative(what, []duration{
		{"WorkflowRunTimeout", e.WorkflowRunTimeout},
		{"WorkflowTaskTimeout", e.WorkflowTaskTimeout},
		{"BackoffStartInterval", e.BackoffStartInterval},
	}); err != nil {
		return nil, err
	}
	if err := retry.Validate(e.RetryPolicy); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if b := e.InitialVersioningBehavior; b < ContinueAsNewVersioningBehaviorUnspecified || b > ContinueAsNewVersioningBehaviorUseRampingVersion {
		return nil, fmt.Errorf("%s: InitialVersioningBehavior is %d, which is no ContinueAsNewVersioningBehavior", what, b)
	}
	next := &history.Successor{
		Queue:       e.TaskQueueName,
		Input:       e.Input,
		Header:      e.Header,
		Delay:       history.MillisOf(e.BackoffStartInterval),
		Attempt:     1,
		RunTimeout:  history.MillisOf(e.WorkflowRunTimeout),
		TaskTimeout: history.MillisOf(e.WorkflowTaskTimeout),
		RetryPolicy: history.RetryPolicyOf(e.RetryPolicy),
		Versioning:  int32(e.InitialVersioningBehavior),
	}
	if e.WorkflowType != nil {
		next.Type = e.WorkflowType.Name
	}
	if next.RetryPolicy == nil {
		next.RetryPolicy = current.RetryPolicy
	}
	return next, nil
}
