package client

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/gateway/ask"
	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/internal/history"
)

// gatewayRun is a WorkflowRun of a gateway's client.
type gatewayRun struct {
	client *gatewayClient
	run    gatewire.Run
	// newest is the run that Get found for an empty run ID.
	newest atomic.Pointer[string]
	// started is set for a run that this client has just started.
	started bool
}

// GetWorkflow is documented at Client.
func (g *gatewayClient) GetWorkflow(_ context.Context, workflowID string, runID string) WorkflowRun {
	return &gatewayRun{client: g, run: gatewire.Run{WorkflowID: workflowID, RunID: runID}}
}

func (r *gatewayRun) GetID() string { return r.run.WorkflowID }

func (r *gatewayRun) GetRunID() string {
	if newest := r.newest.Load(); newest != nil {
		return *newest
	}
	return r.run.RunID
}

func (r *gatewayRun) GetFirstExecutionRunID() string {
	if r.started {
		return r.run.RunID
	}
	return ""
}

func (r *gatewayRun) Get(ctx context.Context, valuePtr interface{}) error {
	return r.GetWithOptions(ctx, valuePtr, WorkflowRunGetOptions{})
}

func (r *gatewayRun) GetWithOptions(ctx context.Context, valuePtr interface{}, options WorkflowRunGetOptions) error {
	run := r.run
	for {
		request := &gatewire.ResultRequest{Run: run, WaitMillis: ask.LongWait.Milliseconds()}
		var end gatewire.ResultReply
		if err := r.client.gateway.Call(ctx, gatewire.Result, "", ask.LongWait, request, &end); err != nil {
			return fmt.Errorf("get result of workflow %q: %w", run.WorkflowID, err)
		}
		if run.RunID == "" {
			run = end.Run
			r.newest.Store(&run.RunID)
		}
		switch {
		case !end.Closed:
			continue
		case end.Successor != "" && !options.DisableFollowingRuns:
			run.RunID = end.Successor
			continue
		case end.Successor != "" && end.Status == enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
			return &ContinuedAsNewError{WorkflowID: run.WorkflowID, NewRunID: end.Successor}
		}
		closed := history.Run{WorkflowID: run.WorkflowID, RunID: run.RunID}
		return r.client.conclude(closed, end.Type, end.Status, end.Result, end.Failure, valuePtr)
	}
}

// gatewayOutbound is behind all interceptors of a gateway's client: it asks the gateway. It has no base to pass on to, so
// that a method that it lacks does not go unnoticed.
type gatewayOutbound struct{ *gatewayClient }

var _ OutboundInterceptor = (*gatewayOutbound)(nil)

func (*gatewayOutbound) mustEmbedClientOutboundInterceptorBase() {}

// ExecuteWorkflow is documented at OutboundInterceptor, as are the other methods.
func (o *gatewayOutbound) ExecuteWorkflow(ctx context.Context, in *ExecuteWorkflowInput) (WorkflowRun, error) {
	start, err := o.newStart(ctx, *in.Options, in.WorkflowType, in.Args)
	if err != nil {
		return nil, err
	}
	run, err := o.start(ctx, gatewire.Start, start, *in.Options)
	if err != nil {
		var already *serviceerror.WorkflowExecutionAlreadyStarted
		if !errors.As(err, &already) || in.Options.WorkflowExecutionErrorWhenAlreadyStarted {
			return nil, fmt.Errorf("execute workflow %q: %w", start.Run.WorkflowID, err)
		}
		run = gatewire.Run{WorkflowID: start.Run.WorkflowID, RunID: already.RunId}
	}
	return o.handleOf(run, start), nil
}

func (o *gatewayOutbound) start(ctx context.Context, verb gatewire.Verb, start *history.Start, options StartWorkflowOptions) (gatewire.Run, error) {
	request := gatewire.NewStart(start)
	request.ReusePolicy, request.ConflictPolicy = options.WorkflowIDReusePolicy, options.WorkflowIDConflictPolicy
	var run gatewire.Run
	err := o.gateway.Call(ctx, verb, start.Run.Queue, 0, request, &run)
	return run, err
}

// handleOf is a handle on a run that was started, or found in the way of a start.
func (o *gatewayOutbound) handleOf(run gatewire.Run, start *history.Start) WorkflowRun {
	return &gatewayRun{client: o.gatewayClient, run: run, started: run.RunID == start.Run.RunID}
}
