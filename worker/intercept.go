package worker

import (
	"context"
	"fmt"
	"reflect"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/workflow"
)

// interceptors are those of the client that are meant for workers, too, and then the worker's own.
func interceptors(ofClient []client.Interceptor, own []interceptor.WorkerInterceptor) []interceptor.WorkerInterceptor {
	var all []interceptor.WorkerInterceptor
	for _, i := range ofClient {
		if w, ok := i.(interceptor.WorkerInterceptor); ok {
			all = append(all, w)
		}
	}
	return append(all, own...)
}

// interceptWorkflow puts all in front of a run, the first one at the front. It is nil without any.
func interceptWorkflow(all []interceptor.WorkerInterceptor) func(workflow.Context, workflow.InboundInterceptor) workflow.InboundInterceptor {
	if len(all) == 0 {
		return nil
	}
	return func(ctx workflow.Context, next workflow.InboundInterceptor) workflow.InboundInterceptor {
		for i := len(all) - 1; i >= 0; i-- {
			next = all[i].InterceptWorkflow(ctx, next)
		}
		return next
	}
}

// interceptActivity is interceptWorkflow for the attempts of activities.
func interceptActivity(all []interceptor.WorkerInterceptor) func(context.Context, activity.InboundInterceptor) activity.InboundInterceptor {
	if len(all) == 0 {
		return nil
	}
	return func(ctx context.Context, next activity.InboundInterceptor) activity.InboundInterceptor {
		for i := len(all) - 1; i >= 0; i-- {
			next = all[i].InterceptActivity(ctx, next)
		}
		return next
	}
}

// surroundings are what stands around the functions of activities.
type surroundings struct {
	propagators   []workflow.ContextPropagator
	intercept     func(ctx context.Context, next activity.InboundInterceptor) activity.InboundInterceptor
	dataConverter converter.DataConverter
	// whose says whose payloads are converted, nil where no converter asks.
	whose converter.SerializationContext
}

// callIntercepted calls the function where there are propagators or interceptors.
func (x *execution) callIntercepted(f *function) (*common.Payloads, error) {
	return f.callWithin(&x.function, surroundings{x.w.propagators, x.w.intercept, x.w.dataConverter, x.whose()}, x.task.Header, x.task.Input)
}

// callWithin calls the function with what came beside its arguments.
func (f *function) callWithin(ctx context.Context, s surroundings, header *common.Header, input *common.Payloads) (*common.Payloads, error) {
	return f.within(ctx, s, "activity", header, func(ctx context.Context, dc converter.DataConverter) (*common.Payloads, error) {
		if s.intercept == nil {
			return f.callUnguarded(ctx, input, dc)
		}
		return f.callThrough(ctx, s.intercept, input, dc)
	})
}

// within makes a call with the context and the data converter that follow from what came beside the arguments, and
// recovers its panic. An interceptor finds the header in the context.
func (f *function) within(ctx context.Context, s surroundings, what string, header *common.Header,
	call func(context.Context, converter.DataConverter) (*common.Payloads, error)) (result *common.Payloads, err error) {
	defer func() {
		if p := recover(); p != nil {
			result, err = nil, millrace.NewPanicError(p, stack())
		}
	}()
	fields := workflow.FieldsOf(header)
	for _, p := range s.propagators {
		if ctx, err = p.Extract(ctx, fields); err != nil {
			return nil, fmt.Errorf("propagate context to %s %s: %w", what, f.name, err)
		}
	}
	dc := converter.WithDataConverterSerializationContext(converterIn(ctx, s.dataConverter), s.whose)
	if s.intercept != nil {
		ctx = workflow.ContextWithHeader(ctx, fields)
	}
	return call(ctx, dc)
}

// converterIn is the data converter for what is called with ctx.
func converterIn(ctx context.Context, dc converter.DataConverter) converter.DataConverter {
	if aware, ok := dc.(workflow.ContextAware); ok {
		return aware.WithContext(ctx)
	}
	return dc
}

// callThrough calls the function through interceptors.
func (f *function) callThrough(ctx context.Context, intercept func(context.Context, activity.InboundInterceptor) activity.InboundInterceptor,
	input *common.Payloads, dc converter.DataConverter) (*common.Payloads, error) {
	ctx, chain, err := activity.Intercepted(ctx, intercept, f.callDecoded)
	if err != nil {
		return nil, fmt.Errorf("initialize interceptors of activity %s: %w", f.name, err)
	}
	in, err := f.decode(nil, input, dc)
	if err != nil {
		return nil, err
	}
	value, err := chain.ExecuteActivity(ctx, &activity.ExecuteActivityInput{Args: f.arguments(in)})
	if err != nil || f.value.Type().NumOut() == 1 {
		return nil, err
	}
	return f.encode(value, dc)
}

// callDecoded calls the function behind all interceptors.
func (f *function) callDecoded(ctx context.Context, call *activity.ExecuteActivityInput) (interface{}, error) {
	in, err := f.parameters(call.Args)
	if err != nil {
		return nil, err
	}
	out := f.invoke(ctx, in)
	err, _ = out[len(out)-1].Interface().(error)
	if len(out) == 1 || err != nil {
		return nil, err
	}
	return out[0].Interface(), nil
}

// arguments are the values of what decode has returned, without the context.
func (f *function) arguments(in []reflect.Value) []interface{} {
	if f.hasContext {
		in = in[1:]
	}
	args := make([]interface{}, len(in))
	for i := range in {
		args[i] = in[i].Interface()
	}
	return args
}

// parameters is the opposite of arguments, for what interceptors pass.
func (f *function) parameters(args []interface{}) ([]reflect.Value, error) {
	if len(args) != len(f.params) {
		return nil, fmt.Errorf("interceptor passes %d arguments, activity %s takes %d", len(args), f.name, len(f.params))
	}
	in := make([]reflect.Value, 0, 1+len(args))
	if f.hasContext {
		in = append(in, reflect.Value{})
	}
	for i, arg := range args {
		v := reflect.ValueOf(arg)
		if arg == nil {
			v = reflect.Zero(f.params[i])
		}
		if !v.Type().AssignableTo(f.params[i]) {
			return nil, fmt.Errorf("interceptor passes a %T as argument %d, activity %s takes a %v", arg, i+1, f.name, f.params[i])
		}
		in = append(in, v)
	}
	return in, nil
}
