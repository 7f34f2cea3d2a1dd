package interceptor

import (
	"context"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/workflow"
)

// Interceptor is all interceptors in one.
type Interceptor interface {
	ClientInterceptor
	WorkerInterceptor
}

// InterceptorBase is an Interceptor that changes nothing, to be embedded.
type InterceptorBase struct {
	ClientInterceptorBase
	WorkerInterceptorBase
}

var _ Interceptor = (*InterceptorBase)(nil)

// WorkerInterceptor sees what a worker runs. Implementations embed WorkerInterceptorBase and are safe for concurrent use.
type WorkerInterceptor interface {
	// InterceptActivity returns what is called instead of next, which passes the calls on. It is called for each attempt.
	InterceptActivity(ctx context.Context, next ActivityInboundInterceptor) ActivityInboundInterceptor
	// InterceptWorkflow is the same for a run. It is called for each replay of the run.
	InterceptWorkflow(ctx workflow.Context, next WorkflowInboundInterceptor) WorkflowInboundInterceptor

	mustEmbedWorkerInterceptorBase()
}

// WorkerInterceptorBase is a WorkerInterceptor that leaves activities and workflows as they are.
type WorkerInterceptorBase struct{}

var _ WorkerInterceptor = (*WorkerInterceptorBase)(nil)

// InterceptActivity returns next.
func (*WorkerInterceptorBase) InterceptActivity(_ context.Context, next ActivityInboundInterceptor) ActivityInboundInterceptor {
	return next
}

// InterceptWorkflow returns next.
func (*WorkerInterceptorBase) InterceptWorkflow(_ workflow.Context, next WorkflowInboundInterceptor) WorkflowInboundInterceptor {
	return next
}

func (*WorkerInterceptorBase) mustEmbedWorkerInterceptorBase() {}

// Header returns what goes along with a call that an interceptor of a client sees, to write to, or what came along with
// the call of an activity, to read; nil elsewhere. The fields must not be used after the interceptor has returned.
func Header(ctx context.Context) map[string]*common.Payload { return workflow.Header(ctx) }

// WorkflowHeader is Header for the interceptors of a workflow: what came along with its start, a signal or a query, or
// what goes along with an activity, a child, a signal or a successor.
func WorkflowHeader(ctx workflow.Context) map[string]*common.Payload { return workflow.Header(ctx) }
