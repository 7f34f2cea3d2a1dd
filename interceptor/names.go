package interceptor

import (
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

// The interfaces are defined where they are called, since those packages are below this one.
type (
	// WorkflowInboundInterceptor is workflow.InboundInterceptor.
	WorkflowInboundInterceptor = workflow.InboundInterceptor
	// WorkflowInboundInterceptorBase is workflow.InboundInterceptorBase.
	WorkflowInboundInterceptorBase = workflow.InboundInterceptorBase
	// WorkflowOutboundInterceptor is workflow.OutboundInterceptor.
	WorkflowOutboundInterceptor = workflow.OutboundInterceptor
	// WorkflowOutboundInterceptorBase is workflow.OutboundInterceptorBase.
	WorkflowOutboundInterceptorBase = workflow.OutboundInterceptorBase
	// ExecuteWorkflowInput is workflow.ExecuteWorkflowInput.
	ExecuteWorkflowInput = workflow.ExecuteWorkflowInput
	// HandleSignalInput is workflow.HandleSignalInput.
	HandleSignalInput = workflow.HandleSignalInput
	// HandleQueryInput is workflow.HandleQueryInput.
	HandleQueryInput = workflow.HandleQueryInput
	// UpdateInput is workflow.UpdateInput.
	UpdateInput = workflow.UpdateInput

	// ActivityInboundInterceptor is activity.InboundInterceptor.
	ActivityInboundInterceptor = activity.InboundInterceptor
	// ActivityInboundInterceptorBase is activity.InboundInterceptorBase.
	ActivityInboundInterceptorBase = activity.InboundInterceptorBase
	// ActivityOutboundInterceptor is activity.OutboundInterceptor.
	ActivityOutboundInterceptor = activity.OutboundInterceptor
	// ActivityOutboundInterceptorBase is activity.OutboundInterceptorBase.
	ActivityOutboundInterceptorBase = activity.OutboundInterceptorBase
	// ExecuteActivityInput is activity.ExecuteActivityInput.
	ExecuteActivityInput = activity.ExecuteActivityInput

	// ClientInterceptor is client.Interceptor.
	ClientInterceptor = client.Interceptor
	// ClientInterceptorBase is client.InterceptorBase.
	ClientInterceptorBase = client.InterceptorBase
	// ClientOutboundInterceptor is client.OutboundInterceptor.
	ClientOutboundInterceptor = client.OutboundInterceptor
	// ClientOutboundInterceptorBase is client.OutboundInterceptorBase.
	ClientOutboundInterceptorBase = client.OutboundInterceptorBase
	// ClientExecuteWorkflowInput is client.ExecuteWorkflowInput.
	ClientExecuteWorkflowInput = client.ExecuteWorkflowInput
	// ClientSignalWorkflowInput is client.SignalWorkflowInput.
	ClientSignalWorkflowInput = client.SignalWorkflowInput
	// ClientSignalWithStartWorkflowInput is client.SignalWithStartWorkflowInput.
	ClientSignalWithStartWorkflowInput = client.SignalWithStartWorkflowInput
	// ClientCancelWorkflowInput is client.CancelWorkflowInput.
	ClientCancelWorkflowInput = client.CancelWorkflowInput
	// ClientTerminateWorkflowInput is client.TerminateWorkflowInput.
	ClientTerminateWorkflowInput = client.TerminateWorkflowInput
	// ClientQueryWorkflowInput is client.QueryWorkflowInput.
	ClientQueryWorkflowInput = client.QueryWorkflowInput
	// ClientUpdateWorkflowInput is client.UpdateWorkflowInput.
	ClientUpdateWorkflowInput = client.UpdateWorkflowInput
	// ClientUpdateWithStartWorkflowInput is client.UpdateWithStartWorkflowInput.
	ClientUpdateWithStartWorkflowInput = client.UpdateWithStartWorkflowInput
	// ClientPollWorkflowUpdateInput is client.PollWorkflowUpdateInput.
	ClientPollWorkflowUpdateInput = client.PollWorkflowUpdateInput
	// ClientPollWorkflowUpdateOutput is client.PollWorkflowUpdateOutput.
	ClientPollWorkflowUpdateOutput = client.PollWorkflowUpdateOutput
	// ScheduleClientCreateInput is client.CreateScheduleInput.
	ScheduleClientCreateInput = client.CreateScheduleInput
	// ClientExecuteActivityInput is client.ExecuteActivityInput.
	ClientExecuteActivityInput = client.ExecuteActivityInput
	// ClientGetActivityHandleInput is client.GetActivityHandleInput.
	ClientGetActivityHandleInput = client.GetActivityHandleInput
	// ClientPollActivityResultInput is client.PollActivityResultInput.
	ClientPollActivityResultInput = client.PollActivityResultInput
	// ClientPollActivityResultOutput is client.PollActivityResultOutput.
	ClientPollActivityResultOutput = client.PollActivityResultOutput
	// ClientDescribeActivityInput is client.DescribeActivityInput.
	ClientDescribeActivityInput = client.DescribeActivityInput
	// ClientDescribeActivityOutput is client.DescribeActivityOutput.
	ClientDescribeActivityOutput = client.DescribeActivityOutput
	// ClientCancelActivityInput is client.CancelActivityInput.
	ClientCancelActivityInput = client.CancelActivityInput
	// ClientTerminateActivityInput is client.TerminateActivityInput.
	ClientTerminateActivityInput = client.TerminateActivityInput
	// ClientDescribeWorkflowInput is client.DescribeWorkflowInput.
	ClientDescribeWorkflowInput = client.DescribeWorkflowInput
	// ClientDescribeWorkflowOutput is client.DescribeWorkflowOutput.
	ClientDescribeWorkflowOutput = client.DescribeWorkflowOutput
)
