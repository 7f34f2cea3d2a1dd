package client

import (
	"context"
	"fmt"
	"maps"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/update"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/workflow"
)

// Interceptor sees the calls of clients. Implementations embed InterceptorBase and are safe for concurrent use.
//
// Users know it as interceptor.ClientInterceptor.
type Interceptor interface {
	// InterceptClient returns what the client calls instead of next, which passes the calls on. It is called once for each
	// client.
	InterceptClient(next OutboundInterceptor) OutboundInterceptor

	mustEmbedClientInterceptorBase()
}

// InterceptorBase is an Interceptor that leaves the client as it is.
type InterceptorBase struct{}

var _ Interceptor = (*InterceptorBase)(nil)

// InterceptClient returns next.
func (*InterceptorBase) InterceptClient(next OutboundInterceptor) OutboundInterceptor { return next }

func (*InterceptorBase) mustEmbedClientInterceptorBase() {}

// OutboundInterceptor sees the calls of a client: each method stands for the method of Client with its name. Those that
// send something find in interceptor.Header what goes along, and may write to it. Implementations embed
// OutboundInterceptorBase, which passes everything on.
//
// Users know it as interceptor.ClientOutboundInterceptor.
type OutboundInterceptor interface {
	ExecuteWorkflow(context.Context, *ExecuteWorkflowInput) (WorkflowRun, error)
	SignalWorkflow(context.Context, *SignalWorkflowInput) error
	SignalWithStartWorkflow(context.Context, *SignalWithStartWorkflowInput) (WorkflowRun, error)
	CancelWorkflow(context.Context, *CancelWorkflowInput) error
	TerminateWorkflow(context.Context, *TerminateWorkflowInput) error
	// QueryWorkflow intercepts QueryWorkflow and QueryWorkflowWithOptions. A rejected query is an error here.
	QueryWorkflow(context.Context, *QueryWorkflowInput) (converter.EncodedValue, error)
	UpdateWorkflow(context.Context, *UpdateWorkflowInput) (WorkflowUpdateHandle, error)
	UpdateWithStartWorkflow(context.Context, *UpdateWithStartWorkflowInput) (WorkflowUpdateHandle, error)
	// PollWorkflowUpdate intercepts Get of the handles of updates whose outcome is not known yet.
	PollWorkflowUpdate(context.Context, *PollWorkflowUpdateInput) (*PollWorkflowUpdateOutput, error)
	DescribeWorkflow(context.Context, *DescribeWorkflowInput) (*DescribeWorkflowOutput, error)
	ExecuteActivity(context.Context, *ExecuteActivityInput) (ActivityHandle, error)
	GetActivityHandle(*GetActivityHandleInput) ActivityHandle
	// PollActivityResult, DescribeActivity, CancelActivity and TerminateActivity intercept the methods of ActivityHandle.
	PollActivityResult(context.Context, *PollActivityResultInput) (*PollActivityResultOutput, error)
	DescribeActivity(context.Context, *DescribeActivityInput) (*DescribeActivityOutput, error)
	CancelActivity(context.Context, *CancelActivityInput) error
	TerminateActivity(context.Context, *TerminateActivityInput) error
	// CreateSchedule intercepts ScheduleClient.Create. The runs of the schedule get the header.
	CreateSchedule(context.Context, *CreateScheduleInput) (ScheduleHandle, error)

	mustEmbedClientOutboundInterceptorBase()
}

// ExecuteWorkflowInput is the input of OutboundInterceptor.ExecuteWorkflow.
type ExecuteWorkflowInput struct {
	Options      *StartWorkflowOptions
	WorkflowType string
	Args         []interface{}
}

// SignalWorkflowInput is the input of OutboundInterceptor.SignalWorkflow.
type SignalWorkflowInput struct {
	WorkflowID string
	RunID      string
	SignalName string
	Arg        interface{}
}

// SignalWithStartWorkflowInput is the input of OutboundInterceptor.SignalWithStartWorkflow.
type SignalWithStartWorkflowInput struct {
	SignalName   string
	SignalArg    interface{}
	Options      *StartWorkflowOptions
	WorkflowType string
	Args         []interface{}
}

// CancelWorkflowInput is the input of OutboundInterceptor.CancelWorkflow. Its fields are those of CancelWorkflowOptions.
type CancelWorkflowInput struct {
	WorkflowID          string
	RunID               string
	FirstExecutionRunID string
	Reason              string
}

// TerminateWorkflowInput is the input of OutboundInterceptor.TerminateWorkflow. Its fields are those of
// TerminateWorkflowOptions.
type TerminateWorkflowInput struct {
	WorkflowID          string
	RunID               string
	FirstExecutionRunID string
	Reason              string
	Details             []interface{}
}

// QueryWorkflowInput is the input of OutboundInterceptor.QueryWorkflow.
type QueryWorkflowInput struct {
	WorkflowID           string
	RunID                string
	QueryType            string
	Args                 []interface{}
	QueryRejectCondition enums.QueryRejectCondition
}

// UpdateWorkflowInput is the input of OutboundInterceptor.UpdateWorkflow. Its fields are those of UpdateWorkflowOptions.
type UpdateWorkflowInput struct {
	UpdateID            string
	WorkflowID          string
	UpdateName          string
	Args                []interface{}
	RunID               string
	FirstExecutionRunID string
	WaitForStage        WorkflowUpdateStage
}

// UpdateWithStartWorkflowInput is the input of OutboundInterceptor.UpdateWithStartWorkflow.
type UpdateWithStartWorkflowInput struct {
	UpdateOptions          *UpdateWorkflowOptions
	StartWorkflowOperation WithStartWorkflowOperation
}

// PollWorkflowUpdateInput is the input of OutboundInterceptor.PollWorkflowUpdate.
type PollWorkflowUpdateInput struct{ UpdateRef *update.UpdateRef }

// PollWorkflowUpdateOutput is the outcome of an update: an error, or else a result, which may be nil.
type PollWorkflowUpdateOutput struct {
	Result converter.EncodedValue
	Error  error
}

// DescribeWorkflowInput is the input of OutboundInterceptor.DescribeWorkflow.
type DescribeWorkflowInput struct {
	WorkflowID string
	RunID      string
}

// DescribeWorkflowOutput is the output of OutboundInterceptor.DescribeWorkflow.
type DescribeWorkflowOutput struct {
	Response *WorkflowExecutionDescription
}

// CreateScheduleInput is the input of OutboundInterceptor.CreateSchedule.
type CreateScheduleInput struct{ Options *ScheduleOptions }

// intercept puts interceptors in front of the client's calls, the first one at the front.
func (c *workflowClient) intercept(interceptors []Interceptor) {
	if len(interceptors) == 0 {
		return
	}
	c.interceptor = &outbound{client: c}
	for i := len(interceptors) - 1; i >= 0; i-- {
		c.interceptor = interceptors[i].InterceptClient(c.interceptor)
	}
}

// outgoing is a context for interceptors, with a header to write to.
func outgoing(ctx context.Context) context.Context {
	return workflow.ContextWithHeader(ctx, workflow.HeaderFields{})
}

// header is what goes along with a call: what interceptors have written, and what the propagators write.
func (c *workflowClient) header(ctx context.Context) (*common.Header, error) {
	if c.interceptor == nil && len(c.options.ContextPropagators) == 0 {
		return nil, nil
	}
	fields := workflow.HeaderFields{}
	if c.interceptor != nil {
		maps.Copy(fields, workflow.Header(ctx))
	}
	for _, p := range c.options.ContextPropagators {
		if err := p.Inject(ctx, fields); err != nil {
			return nil, fmt.Errorf("propagate context: %w", err)
		}
	}
	return fields.Encoded(), nil
}

// converter is the data converter for what is called with ctx and belongs to whose.
func (c *workflowClient) converter(ctx context.Context, whose converter.SerializationContext) converter.DataConverter {
	if c.aware == nil {
		return c.converterOf(whose)
	}
	return converter.WithDataConverterSerializationContext(c.aware.WithContext(ctx), whose)
}
