package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/query"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

// SignalWorkflow is documented at OutboundInterceptor, as are the other methods.
func (o *gatewayOutbound) SignalWorkflow(ctx context.Context, in *SignalWorkflowInput) error {
	signal, err := o.newSignal(ctx, in.WorkflowID, in.SignalName, in.Arg)
	if err == nil {
		request := &gatewire.SignalRequest{Run: gatewire.Run{WorkflowID: in.WorkflowID, RunID: in.RunID}, SignalBody: gatewire.SignalBody{
			ID: uuid.NewString(), Name: signal.Name, Input: signal.Input, Header: signal.Header, Identity: signal.Identity}}
		err = o.gateway.Call(ctx, gatewire.Signal, "", 0, request, nil)
	}
	if err != nil {
		return fmt.Errorf("signal %q to workflow %q: %w", in.SignalName, in.WorkflowID, err)
	}
	return nil
}

// SignalWithStartWorkflow is documented at OutboundInterceptor.
func (o *gatewayOutbound) SignalWithStartWorkflow(ctx context.Context, in *SignalWithStartWorkflowInput) (WorkflowRun, error) {
	start, err := o.newStart(ctx, *in.Options, in.WorkflowType, in.Args)
	if err != nil {
		return nil, err
	}
	signal, err := o.newSignal(ctx, start.Run.WorkflowID, in.SignalName, in.SignalArg)
	if err != nil {
		return nil, fmt.Errorf("signal %q with start of workflow %q: %w", in.SignalName, in.Options.ID, err)
	}
	signal.ID = uuid.NewString()
	start.Signal = signal
	run, err := o.start(ctx, gatewire.SignalWithStart, start, *in.Options)
	if err != nil {
		return nil, fmt.Errorf("signal %q with start of workflow %q: %w", in.SignalName, in.Options.ID, err)
	}
	return o.handleOf(run, start), nil
}

// CancelWorkflow is documented at OutboundInterceptor.
func (o *gatewayOutbound) CancelWorkflow(ctx context.Context, in *CancelWorkflowInput) error {
	request := o.cancelRequest(in.WorkflowID, in.RunID, in.FirstExecutionRunID, in.Reason)
	if err := o.gateway.Call(ctx, gatewire.Cancel, "", 0, request, nil); err != nil {
		return fmt.Errorf("cancel workflow %q: %w", in.WorkflowID, err)
	}
	return nil
}

func (o *gatewayOutbound) cancelRequest(workflowID, runID, first, reason string) *gatewire.CancelRequest {
	return &gatewire.CancelRequest{Run: gatewire.Run{WorkflowID: workflowID, RunID: runID}, ID: uuid.NewString(), Reason: reason,
		Identity: o.options.Identity, FirstRunID: first}
}

// TerminateWorkflow is documented at OutboundInterceptor.
func (o *gatewayOutbound) TerminateWorkflow(ctx context.Context, in *TerminateWorkflowInput) error {
	details, err := o.encode(o.ofWorkflow(in.WorkflowID), in.Details)
	if err == nil {
		request := &gatewire.TerminateRequest{CancelRequest: *o.cancelRequest(in.WorkflowID, in.RunID, in.FirstExecutionRunID, in.Reason), Details: details}
		err = o.gateway.Call(ctx, gatewire.Terminate, "", 0, request, nil)
	}
	if err != nil {
		return fmt.Errorf("terminate workflow %q: %w", in.WorkflowID, err)
	}
	return nil
}

// QueryWorkflow is documented at OutboundInterceptor.
func (o *gatewayOutbound) QueryWorkflow(ctx context.Context, in *QueryWorkflowInput) (converter.EncodedValue, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultQueryTimeout)
		defer cancel()
	}
	value, err := o.query(ctx, in)
	var rejected *rejectedError
	if err != nil && !errors.As(err, &rejected) {
		return nil, fmt.Errorf("query %q of workflow %q: %w", in.QueryType, in.WorkflowID, err)
	}
	return value, err
}

// queryTime is what a query may take at the gateway, which asks several workers if it must.
const queryTime = 20 * time.Second

func (o *gatewayOutbound) query(ctx context.Context, in *QueryWorkflowInput) (converter.EncodedValue, error) {
	args, err := o.encodeIn(ctx, o.ofWorkflow(in.WorkflowID), in.Args)
	if err != nil {
		return nil, fmt.Errorf("arguments: %w", err)
	}
	header, err := o.header(ctx)
	if err != nil {
		return nil, err
	}
	request := &gatewire.QueryRequest{Run: gatewire.Run{WorkflowID: in.WorkflowID, RunID: in.RunID}, Type: in.QueryType, Args: args, Header: header,
		Reject: in.QueryRejectCondition}
	var reply gatewire.QueryReply
	if err := o.gateway.Once(ctx, gatewire.Query, "", queryTime, request, &reply); err != nil {
		return nil, err
	}
	if reply.Rejected != enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED {
		return nil, &rejectedError{&query.QueryRejected{Status: reply.Rejected}}
	}
	return converter.NewEncodedValue(reply.Result, o.converterOf(o.ofWorkflow(in.WorkflowID))), nil
}

// DescribeWorkflow is documented at OutboundInterceptor.
func (o *gatewayOutbound) DescribeWorkflow(ctx context.Context, in *DescribeWorkflowInput) (*DescribeWorkflowOutput, error) {
	var d describedRun
	if err := o.gateway.Call(ctx, gatewire.Describe, "", 0, gatewire.Run{WorkflowID: in.WorkflowID, RunID: in.RunID}, &d); err != nil {
		return nil, fmt.Errorf("describe workflow %q: %w", in.WorkflowID, err)
	}
	return &DescribeWorkflowOutput{Response: (*WorkflowExecutionDescription)(&d)}, nil
}

// describedRun is a description as WorkflowExecutionDescription.MarshalJSON writes it.
type describedRun WorkflowExecutionDescription

func (d *describedRun) UnmarshalJSON(data []byte) error {
	type plain describedRun
	var execution struct {
		Execution common.WorkflowExecution `json:"workflowExecution"`
	}
	if err := json.Unmarshal(data, (*plain)(d)); err != nil {
		return err
	}
	if err := json.Unmarshal(data, &execution); err != nil {
		return err
	}
	d.WorkflowExecution = workflow.Execution{ID: execution.Execution.WorkflowId, RunID: execution.Execution.RunId}
	d.TypedSearchAttributes = history.DecodeSearch(d.SearchAttributes)
	return nil
}

// CompleteActivity is documented at Client.
func (g *gatewayClient) CompleteActivity(ctx context.Context, taskToken []byte, result interface{}, err error) error {
	token, terr := gatewire.Peek(taskToken)
	if terr != nil {
		return fmt.Errorf("complete activity: %w", serviceerror.NewInvalidArgument(terr.Error()))
	}
	request := &gatewire.CompleteRequest{Token: taskToken, Identity: g.options.Identity}
	if err != nil {
		request.Failure = g.failuresOf(g.ofActivity(token)).ErrorToFailure(err)
	} else if result != nil {
		if request.Result, terr = g.encode(g.ofActivity(token), []interface{}{result}); terr != nil {
			return fmt.Errorf("complete activity: result: %w", terr)
		}
	}
	if err := g.gateway.Call(ctx, gatewire.Complete, token.Queue, 0, request, nil); err != nil {
		return fmt.Errorf("complete activity: %w", err)
	}
	return nil
}

// CompleteActivityWithOptions is documented at Client.
func (g *gatewayClient) CompleteActivityWithOptions(ctx context.Context, o CompleteActivityOptions) error {
	return g.CompleteActivity(ctx, o.TaskToken, o.Result, o.Err)
}

// RecordActivityHeartbeat is documented at Client.
func (g *gatewayClient) RecordActivityHeartbeat(ctx context.Context, taskToken []byte, details ...interface{}) error {
	token, err := gatewire.Peek(taskToken)
	if err != nil {
		return fmt.Errorf("record activity heartbeat: %w", serviceerror.NewInvalidArgument(err.Error()))
	}
	payloads, err := g.encode(g.ofActivity(token), details)
	if err != nil {
		return fmt.Errorf("record activity heartbeat: details: %w", err)
	}
	var reply gatewire.HeartbeatReply
	request := &gatewire.HeartbeatRequest{Token: taskToken, Beat: true, Details: payloads}
	if err := g.gateway.Call(ctx, gatewire.Heartbeat, token.Queue, 0, request, &reply); err != nil {
		return fmt.Errorf("record activity heartbeat: %w", err)
	}
	if reply.CancelRequested {
		return millrace.NewCanceledError()
	}
	return nil
}

// RecordActivityHeartbeatWithOptions is documented at Client.
func (g *gatewayClient) RecordActivityHeartbeatWithOptions(ctx context.Context, o RecordActivityHeartbeatOptions) error {
	return g.RecordActivityHeartbeat(ctx, o.TaskToken, o.Details...)
}
