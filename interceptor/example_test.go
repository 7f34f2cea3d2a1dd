package interceptor_test

import (
	"time"

	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// slowness logs activities that take long, as the workflow sees it.
type slowness struct {
	interceptor.WorkerInterceptorBase
}

func (*slowness) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &slowWorkflow{interceptor.WorkflowInboundInterceptorBase{Next: next}}
}

type slowWorkflow struct {
	interceptor.WorkflowInboundInterceptorBase
}

func (w *slowWorkflow) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	return w.Next.Init(&slowCalls{interceptor.WorkflowOutboundInterceptorBase{Next: outbound}})
}

type slowCalls struct {
	interceptor.WorkflowOutboundInterceptorBase
}

func (c *slowCalls) ExecuteActivity(ctx workflow.Context, activityType string, args ...interface{}) workflow.Future {
	begun := workflow.Now(ctx)
	future := c.Next.ExecuteActivity(ctx, activityType, args...)
	workflow.Go(ctx, func(ctx workflow.Context) {
		err := future.Get(ctx, nil)
		if took := workflow.Now(ctx).Sub(begun); took > time.Minute {
			log.With(workflow.GetLogger(ctx), "took", took).Warn("activity was slow", "type", activityType, "error", err)
		}
	})
	return future
}

// An interceptor embeds the bases of what it does not want to see.
func ExampleWorkerInterceptor() {
	_ = worker.Options{Interceptors: []interceptor.WorkerInterceptor{&slowness{}}}
}
