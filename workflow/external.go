package workflow

import (
	"fmt"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/internal/history"
)

// SignalExternalWorkflow sends a signal to another run. An empty runID means the current run of the workflow ID. The
// argument is encoded before it returns.
//
// The Future is ready when the signal is durably queued, without a value. Its error is a
// *millrace.UnknownExternalWorkflowExecutionError when there is no such open run, and ErrCanceled when ctx was canceled
// before the call; a signal once sent cannot be called back.
func SignalExternalWorkflow(ctx Context, workflowID, runID, signalName string, arg interface{}) Future {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.SignalExternalWorkflow(withHeader(ctx, HeaderFields{}), workflowID, runID, signalName, arg)
	}
	return r.signalExternal(ctx, workflowID, runID, signalName, arg)
}

func (r *run) signalExternal(ctx Context, workflowID, runID, signalName string, arg interface{}) Future {
	r.guard("SignalExternalWorkflow")
	return r.signal(ctx, &history.SignalExternalWorkflowExecutionInitiated{
		Target: history.Run{WorkflowID: workflowID, RunID: runID},
		Name:   signalName,
	}, arg)
}

func (r *run) signal(ctx Context, a *history.SignalExternalWorkflowExecutionInitiated, arg interface{}) Future {
	f := newFuture(r, fmt.Sprintf("signal %s to workflow %s", a.Name, a.Target.WorkflowID))
	input, err := r.encodeIn(ctx, r.otherWorkflow(a.Target.WorkflowID), arg)
	if err == nil {
		a.Header, err = r.sent(ctx)
	}
	if err != nil {
		f.resolve(nil, fmt.Errorf("signal %s to workflow %s: encode argument: %w", a.Name, a.Target.WorkflowID, err))
		return f
	}
	if err := ctx.Err(); err != nil {
		f.resolve(nil, err)
		return f
	}
	a.Input = input
	if _, err := r.env.SignalExternal(a, f.answered); err != nil {
		f.resolve(nil, refused(err))
	}
	return f
}

// RequestCancelExternalWorkflow asks another run to cancel. An empty runID means the current run of the workflow ID.
//
// The Future is ready when the request is durably queued, without a value; what the other run makes of it, and when, is
// not told. Its error is a *millrace.UnknownExternalWorkflowExecutionError when there is no such open run.
func RequestCancelExternalWorkflow(ctx Context, workflowID, runID string) Future {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.RequestCancelExternalWorkflow(ctx, workflowID, runID)
	}
	return r.cancelExternal(ctx, workflowID, runID)
}

func (r *run) cancelExternal(ctx Context, workflowID, runID string) Future {
	r.guard("RequestCancelExternalWorkflow")
	f := newFuture(r, "cancel request to workflow "+workflowID)
	if err := ctx.Err(); err != nil {
		f.resolve(nil, err)
		return f
	}
	_, err := r.env.RequestCancelExternal(&history.RequestCancelExternalWorkflowExecutionInitiated{
		Target: history.Run{WorkflowID: workflowID, RunID: runID},
	}, f.answered)
	if err != nil {
		f.resolve(nil, refused(err))
	}
	return f
}

// answered sets the result of a call to another run.
func (f *future) answered(notFound bool) {
	if notFound {
		f.resolve(nil, &millrace.UnknownExternalWorkflowExecutionError{})
		return
	}
	f.resolve(nil, nil)
}
