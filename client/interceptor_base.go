package client

import (
	"context"

	"github.com/millrace-dev/millrace/converter"
)

// OutboundInterceptorBase passes everything on to Next, which must be set.
type OutboundInterceptorBase struct{ Next OutboundInterceptor }

var _ OutboundInterceptor = (*OutboundInterceptorBase)(nil)

func (*OutboundInterceptorBase) mustEmbedClientOutboundInterceptorBase() {}

// ExecuteWorkflow is documented at OutboundInterceptor, as are the other methods.
func (b *OutboundInterceptorBase) ExecuteWorkflow(ctx context.Context, in *ExecuteWorkflowInput) (WorkflowRun, error) {
	return b.Next.ExecuteWorkflow(ctx, in)
}

// SignalWorkflow is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) SignalWorkflow(ctx context.Context, in *SignalWorkflowInput) error {
	return b.Next.SignalWorkflow(ctx, in)
}

// SignalWithStartWorkflow is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) SignalWithStartWorkflow(ctx context.Context, in *SignalWithStartWorkflowInput) (WorkflowRun, error) {
	return b.Next.SignalWithStartWorkflow(ctx, in)
}

// CancelWorkflow is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) CancelWorkflow(ctx context.Context, in *CancelWorkflowInput) error {
	return b.Next.CancelWorkflow(ctx, in)
}

// TerminateWorkflow is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) TerminateWorkflow(ctx context.Context, in *TerminateWorkflowInput) error {
	return b.Next.TerminateWorkflow(ctx, in)
}

// QueryWorkflow is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) QueryWorkflow(ctx context.Context, in *QueryWorkflowInput) (converter.EncodedValue, error) {
	return b.Next.QueryWorkflow(ctx, in)
}

// DescribeWorkflow is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) DescribeWorkflow(ctx context.Context, in *DescribeWorkflowInput) (*DescribeWorkflowOutput, error) {
	return b.Next.DescribeWorkflow(ctx, in)
}

// CreateSchedule is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) CreateSchedule(ctx context.Context, in *CreateScheduleInput) (ScheduleHandle, error) {
	return b.Next.CreateSchedule(ctx, in)
}

// UpdateWorkflow is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) UpdateWorkflow(ctx context.Context, in *UpdateWorkflowInput) (WorkflowUpdateHandle, error) {
	return b.Next.UpdateWorkflow(ctx, in)
}

// UpdateWithStartWorkflow is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) UpdateWithStartWorkflow(ctx context.Context, in *UpdateWithStartWorkflowInput) (WorkflowUpdateHandle, error) {
	return b.Next.UpdateWithStartWorkflow(ctx, in)
}

// PollWorkflowUpdate is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) PollWorkflowUpdate(ctx context.Context, in *PollWorkflowUpdateInput) (*PollWorkflowUpdateOutput, error) {
	return b.Next.PollWorkflowUpdate(ctx, in)
}

// ExecuteActivity is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) ExecuteActivity(ctx context.Context, in *ExecuteActivityInput) (ActivityHandle, error) {
	return b.Next.ExecuteActivity(ctx, in)
}

// PollActivityResult is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) PollActivityResult(ctx context.Context, in *PollActivityResultInput) (*PollActivityResultOutput, error) {
	return b.Next.PollActivityResult(ctx, in)
}

// DescribeActivity is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) DescribeActivity(ctx context.Context, in *DescribeActivityInput) (*DescribeActivityOutput, error) {
	return b.Next.DescribeActivity(ctx, in)
}

// CancelActivity is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) CancelActivity(ctx context.Context, in *CancelActivityInput) error {
	return b.Next.CancelActivity(ctx, in)
}

// TerminateActivity is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) TerminateActivity(ctx context.Context, in *TerminateActivityInput) error {
	return b.Next.TerminateActivity(ctx, in)
}

// GetActivityHandle is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetActivityHandle(in *GetActivityHandleInput) ActivityHandle {
	return b.Next.GetActivityHandle(in)
}
