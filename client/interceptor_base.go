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
