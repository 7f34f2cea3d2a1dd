// Package interceptors changes what activities get and counts workflows, without their knowing.
package interceptors

import (
	"context"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Counter intercepts a worker.
type Counter struct {
	interceptor.WorkerInterceptorBase
	Workflows, Activities atomic.Int32
}

// InterceptWorkflow is part of interceptor.WorkerInterceptor.
func (c *Counter) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	i := &workflowCounter{counter: c}
	i.Next = next
	return i
}

// InterceptActivity is part of interceptor.WorkerInterceptor.
func (c *Counter) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	i := &activityCounter{counter: c}
	i.Next = next
	return i
}

type workflowCounter struct {
	interceptor.WorkflowInboundInterceptorBase
	counter *Counter
}

func (i *workflowCounter) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (interface{}, error) {
	if !workflow.IsReplaying(ctx) {
		i.counter.Workflows.Add(1)
	}
	result, err := i.Next.ExecuteWorkflow(ctx, in)
	if text, ok := result.(string); ok {
		result = "[" + text + "]"
	}
	return result, err
}

type activityCounter struct {
	interceptor.ActivityInboundInterceptorBase
	counter *Counter
}

func (i *activityCounter) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (interface{}, error) {
	i.counter.Activities.Add(1)
	in.Args[0] = in.Args[0].(string) + "!"
	return i.Next.ExecuteActivity(ctx, in)
}

// Workflow returns what the activity makes of the text.
func Workflow(ctx workflow.Context, text string) (result string, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	err = workflow.ExecuteActivity(ctx, Echo, text).Get(ctx, &result)
	return result, err
}

// Echo is an activity.
func Echo(_ context.Context, text string) (string, error) { return text, nil }

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	c := new(Counter)
	w := worker.Options{Interceptors: []interceptor.WorkerInterceptor{c}}
	s, err := scene.OpenWith(options, "interceptors", w, func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Echo)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := scene.Expect(ctx, s, "[hi!]", Workflow, "hi"); err != nil {
		return err
	}
	return scene.Equal([2]int32{c.Workflows.Load(), c.Activities.Load()}, [2]int32{1, 1})
}
