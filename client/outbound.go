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

// CreateSchedule is documented at OutboundInterceptor.
func (o *outbound) CreateSchedule(ctx context.Context, in *CreateScheduleInput) (ScheduleHandle, error) {
	return o.client.createSchedule(ctx, *in.Options)
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

// ExecuteActivity is documented at OutboundInterceptor.
func (o *outbound) ExecuteActivity(ctx context.Context, in *ExecuteActivityInput) (ActivityHandle, error) {
	return o.client.executeActivity(ctx, *in.Options, in.ActivityType, in.Args)
}

// GetActivityHandle is documented at OutboundInterceptor.
func (o *outbound) GetActivityHandle(in *GetActivityHandleInput) ActivityHandle {
	return &activityHandle{client: o.client, id: in.ActivityID, runID: in.RunID}
}

// PollActivityResult is documented at OutboundInterceptor.
func (o *outbound) PollActivityResult(ctx context.Context, in *PollActivityResultInput) (*PollActivityResultOutput, error) {
	return o.client.pollActivityResult(ctx, in)
}

// DescribeActivity is documented at OutboundInterceptor.
func (o *outbound) DescribeActivity(ctx context.Context, in *DescribeActivityInput) (*DescribeActivityOutput, error) {
	d, err := o.client.describeStandalone(ctx, in)
	if err != nil {
		return nil, err
	}
	return &DescribeActivityOutput{Description: d}, nil
}

// CancelActivity is documented at OutboundInterceptor.
func (o *outbound) CancelActivity(ctx context.Context, in *CancelActivityInput) error {
	return o.client.cancelActivity(ctx, in)
}

// TerminateActivity is documented at OutboundInterceptor.
func (o *outbound) TerminateActivity(ctx context.Context, in *TerminateActivityInput) error {
	return o.client.terminateActivity(ctx, in)
}
