package workflow

import (
	"fmt"
	"reflect"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

// Execution names a run.
type Execution struct {
	// ID is the workflow ID.
	ID string
	// RunID is the run's own ID.
	RunID string
}

// ChildWorkflowFuture is the Future of a child workflow: it has the child's result.
type ChildWorkflowFuture interface {
	Future
	// GetChildWorkflowExecution returns a Future that is ready when the child has started, with its Execution. Wait for
	// it before you let the workflow close: a child that the workflow asks for as its last step is started only if its
	// ParentClosePolicy is to abandon it.
	GetChildWorkflowExecution() Future
	// SignalChildWorkflow sends the child a signal, as SignalExternalWorkflow does, and blocks until the child has
	// started.
	SignalChildWorkflow(ctx Context, signalName string, data interface{}) Future
}

// ExecuteChildWorkflow starts a child workflow, named by its function or by the name that it is registered under, with
// the options of ctx (WithChildOptions). The arguments are encoded before it returns.
//
// The Future has the child's result. Its error is a *millrace.ChildWorkflowExecutionError that wraps the reason
// (millrace.ErrChildWorkflowExecutionAlreadyStarted when a run of its workflow ID is open); ErrCanceled when ctx was
// canceled (see ChildWorkflowOptions.WaitForCancellation); or any other error when the child could not be asked for,
// because of wrong options or arguments, or of arguments that are too large.
func ExecuteChildWorkflow(ctx Context, childWorkflow interface{}, args ...interface{}) ChildWorkflowFuture {
	r := runOf(ctx)
	r.guard("ExecuteChildWorkflow")
	name, err := calledName(childWorkflow, r.def.options.WorkflowName)
	if err != nil {
		name = "?"
	} else {
		err = checkArguments(childWorkflow, reflect.TypeFor[Context](), args)
	}
	if err == nil && r.outbound != nil {
		return r.outbound.ExecuteChildWorkflow(withHeader(ctx, HeaderFields{}), name, args...)
	}
	return r.executeChild(ctx, name, args, err)
}

// executeChild starts a child, unless it cannot be: then err says why.
func (r *run) executeChild(ctx Context, name string, args []interface{}, err error) ChildWorkflowFuture {
	c := &child{
		future:    newFuture(r, "child workflow "+name),
		execution: newFuture(r, "start of child workflow "+name),
	}
	if err == nil {
		err = c.initiate(ctx, name, args)
	}
	if err != nil {
		c.end(nil, fmt.Errorf("execute child workflow %s: %w", name, err))
	}
	return c
}

// child is a child workflow as its parent sees it.
type child struct {
	*future
	execution *future
	wanted    *history.StartChildWorkflowExecutionInitiated
	id        int64
	started   bool
	canceling *hook
}

func (c *child) GetChildWorkflowExecution() Future { return c.execution }

func (c *child) SignalChildWorkflow(ctx Context, signalName string, data interface{}) Future {
	c.run.guard("SignalChildWorkflow")
	if c.execution.Get(ctx, nil) != nil {
		return c.execution
	}
	if c.run.outbound != nil {
		return c.run.outbound.SignalChildWorkflow(withHeader(ctx, HeaderFields{}), c.wanted.WorkflowID, signalName, data)
	}
	return c.run.signalChild(ctx, c.wanted.WorkflowID, signalName, data)
}

func (r *run) signalChild(ctx Context, workflowID, signalName string, arg interface{}) Future {
	return r.signal(ctx, &history.SignalExternalWorkflowExecutionInitiated{
		Target:    history.Run{WorkflowID: workflowID},
		Name:      signalName,
		ChildOnly: true,
	}, arg)
}

// end sets what has no result yet.
func (c *child) end(value interface{}, err error) {
	c.execution.resolve(nil, err)
	c.resolve(value, err)
}

func (c *child) initiate(ctx Context, name string, args []interface{}) error {
	r := c.run
	a, err := r.childAttributes(ctx, name, args)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		c.end(nil, err)
		return nil
	}
	c.wanted = a
	c.id, err = r.env.StartChild(a, c.onStart, c.onClose)
	if err != nil {
		c.end(nil, refused(err))
		return nil
	}
	wait := GetChildWorkflowOptions(ctx).WaitForCancellation
	c.canceling = onCancel(ctx, func() {
		c.requestCancel()
		if !wait {
			c.end(nil, ctx.Err())
		}
	})
	return nil
}

func (r *run) childAttributes(ctx Context, name string, args []interface{}) (*history.StartChildWorkflowExecutionInitiated, error) {
	o := GetChildWorkflowOptions(ctx)
	if err := o.validate(r.def.options.Namespace); err != nil {
		return nil, err
	}
	if o.WorkflowID == "" {
		o.WorkflowID = r.env.NextChildID()
	}
	whose := r.otherWorkflow(o.WorkflowID)
	input, err := r.encodeIn(ctx, whose, args...)
	if err != nil {
		return nil, fmt.Errorf("encode arguments: %w", err)
	}
	header, err := r.sent(ctx)
	if err != nil {
		return nil, err
	}
	memo, err := r.encodeMemo(o.Memo, whose)
	if err != nil {
		return nil, err
	}
	search, err := o.encodeSearch()
	if err != nil {
		return nil, err
	}
	return &history.StartChildWorkflowExecutionInitiated{
		WorkflowID:       o.WorkflowID,
		Type:             name,
		Queue:            o.TaskQueue,
		Input:            input,
		Header:           header,
		Memo:             memo,
		Search:           search,
		ExecutionTimeout: history.MillisOf(o.WorkflowExecutionTimeout),
		RunTimeout:       history.MillisOf(o.WorkflowRunTimeout),
		TaskTimeout:      history.MillisOf(o.WorkflowTaskTimeout),
		RetryPolicy:      history.RetryPolicyOf(o.RetryPolicy),
		ParentClose:      o.ParentClosePolicy,
		Reuse:            o.WorkflowIDReusePolicy,
		CronSchedule:     o.CronSchedule,
		StaticSummary:    o.StaticSummary,
		StaticDetails:    o.StaticDetails,
		Priority:         history.PriorityOf(o.Priority),
	}, nil
}

// requestCancel asks the child to cancel: its current run, which is a later one when it has continued as new. Before
// the start is known only the exact run is surely the child.
func (c *child) requestCancel() {
	target := history.Run{WorkflowID: c.wanted.WorkflowID}
	if !c.started {
		target.RunID = c.wanted.RunID
	}
	_, err := c.run.env.RequestCancelExternal(&history.RequestCancelExternalWorkflowExecutionInitiated{
		Target:    target,
		Reason:    "canceled by parent",
		ChildOnly: true,
	}, func(bool) {}) // a child that is gone has been canceled enough
	if err != nil {
		c.end(nil, refused(err))
	}
}

func (c *child) onStart(runID string, cause enums.StartChildWorkflowExecutionFailedCause) {
	var why error
	switch cause {
	case enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_UNSPECIFIED:
		c.started = true
		c.execution.resolve(Execution{ID: c.wanted.WorkflowID, RunID: runID}, nil)
		return
	case enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS:
		why = millrace.ErrChildWorkflowExecutionAlreadyStarted
	case enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_NAMESPACE_NOT_FOUND:
		why = &millrace.NamespaceNotFoundError{}
	default:
		why = fmt.Errorf("child workflow did not start: %v", cause)
	}
	c.canceling.forget()
	c.end(nil, millrace.NewChildWorkflowExecutionError(c.failureInfo(""), why))
}

func (c *child) onClose(out replay.Outcome) {
	c.canceling.forget()
	if out.Failure == nil {
		c.resolve(encoded{payloads: out.Result, whose: c.run.otherWorkflow(c.wanted.WorkflowID)}, nil)
		return
	}
	runID := c.wanted.RunID
	if e, ok := out.Event.Attributes.(interface{ End() *history.ChildEnd }); ok && e.End().RunID != "" {
		runID = e.End().RunID
	}
	info := c.failureInfo(runID)
	switch e := out.Event.Attributes.(type) {
	case *history.ChildWorkflowExecutionFailed:
		info.RetryState = e.Retry
	case *history.ChildWorkflowExecutionTimedOut:
		info.RetryState = e.Retry
	}
	c.resolve(nil, millrace.NewChildWorkflowExecutionError(info, c.run.reason(out.Failure, c.run.otherWorkflow(c.wanted.WorkflowID))))
}

func (c *child) failureInfo(runID string) failure.ChildWorkflowExecutionFailureInfo {
	return failure.ChildWorkflowExecutionFailureInfo{
		Namespace:         c.run.def.options.Namespace,
		WorkflowExecution: &common.WorkflowExecution{WorkflowId: c.wanted.WorkflowID, RunId: runID},
		WorkflowType:      &common.WorkflowType{Name: c.wanted.Type},
		InitiatedEventId:  c.id,
	}
}
