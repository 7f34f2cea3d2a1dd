package client

import (
	"context"

	"github.com/millrace-dev/millrace/converter"
)

// outbound is behind all interceptors: it does what the client does without them.
type outbound struct {
	OutboundInterceptorBase // for its mark; every method is overridden
	client                  *workflowClient
}

// ExecuteWorkflow is documented at OutboundInterceptor, as are the other methods.
func (o *outbound) ExecuteWorkflow(ctx context.Context, in *ExecuteWorkflowInput) (WorkflowRun, error) {
	return o.client.executeWorkflow(ctx, *in.Options, in.WorkflowType, in.Args)
}

// SignalWorkflow is documented at OutboundInterceptor.
func (o *outbound) SignalWorkflow(ctx context.Context, in *SignalWorkflowInput) error {
	return o.client.signalWorkflow(ctx, in.WorkflowID, in.RunID, in.SignalName, in.Arg)
}

// SignalWithStartWorkflow is documented at OutboundInterceptor.
func (o *outbound) SignalWithStartWorkflow(ctx context.Context, in *SignalWithStartWorkflowInput) (WorkflowRun, error) {
	return o.client.signalWithStart(ctx, in.SignalName, in.SignalArg, *in.Options, in.WorkflowType, in.Args)
}

// CancelWorkflow is documented at OutboundInterceptor.
func (o *outbound) CancelWorkflow(ctx context.Context, in *CancelWorkflowInput) error {
	return o.client.cancelWorkflow(ctx, CancelWorkflowOptions(*in))
}

// TerminateWorkflow is documented at OutboundInterceptor.
func (o *outbound) TerminateWorkflow(ctx context.Context, in *TerminateWorkflowInput) error {
	return o.client.terminateWorkflow(ctx, TerminateWorkflowOptions(*in))
}

// QueryWorkflow is documented at OutboundInterceptor.
func (o *outbound) QueryWorkflow(ctx context.Context, in *QueryWorkflowInput) (converter.EncodedValue, error) {
	return o.client.queryWorkflow(ctx, &QueryWorkflowWithOptionsRequest{
		WorkflowID: in.WorkflowID, RunID: in.RunID, QueryType: in.QueryType, Args: in.Args, QueryRejectCondition: in.QueryRejectCondition})
}

// DescribeWorkflow is documented at OutboundInterceptor.
func (o *outbound) DescribeWorkflow(ctx context.Context, in *DescribeWorkflowInput) (*DescribeWorkflowOutput, error) {
	d, err := o.client.describeWorkflow(ctx, in.WorkflowID, in.RunID)
	if err != nil {
		return nil, err
	}
	return &DescribeWorkflowOutput{Response: d}, nil
}

// UpdateWorkflow is documented at OutboundInterceptor.
func (o *outbound) UpdateWorkflow(ctx context.Context, in *UpdateWorkflowInput) (WorkflowUpdateHandle, error) {
	return o.client.updateWorkflow(ctx, UpdateWorkflowOptions{UpdateID: in.UpdateID, WorkflowID: in.WorkflowID,
		UpdateName: in.UpdateName, Args: in.Args, RunID: in.RunID, FirstExecutionRunID: in.FirstExecutionRunID, WaitForStage: in.WaitForStage})
}

// UpdateWithStartWorkflow is documented at OutboundInterceptor.
func (o *outbound) UpdateWithStartWorkflow(ctx context.Context, in *UpdateWithStartWorkflowInput) (WorkflowUpdateHandle, error) {
	return o.client.updateWithStart(ctx, in.StartWorkflowOperation, *in.UpdateOptions)
}

// PollWorkflowUpdate is documented at OutboundInterceptor.
func (o *outbound) PollWorkflowUpdate(ctx context.Context, in *PollWorkflowUpdateInput) (*PollWorkflowUpdateOutput, error) {
	return o.client.pollUpdate(ctx, in.UpdateRef)
}
