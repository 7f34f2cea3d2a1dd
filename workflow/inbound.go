package workflow

import (
	"fmt"
	"reflect"

	"github.com/millrace-dev/millrace/internal/history"
)

// intercept takes over what the start brought for propagators, and sets the interceptors up. What they refuse lets the run
// wait, visibly, like a panic of its code: it is about the process and not about the run.
func (r *run) intercept() {
	ctx, err := r.received(r.root, r.start().Header)
	if err != nil {
		panic(fmt.Sprintf("workflow %s: %v", r.def.name, err))
	}
	r.base = ctx
	if r.def.options.Intercept == nil {
		return
	}
	first := r.def.options.Intercept(r.base, &inbound{run: r})
	if err := first.Init(&outbound{run: r}); err != nil {
		panic(fmt.Sprintf("workflow %s: initialize interceptors: %v", r.def.name, err))
	}
	r.inbound = first
}

// values are the arguments behind the given number of parameters.
func values(in []reflect.Value, from int) []interface{} {
	args := make([]interface{}, len(in)-from)
	for i := range args {
		args[i] = in[from+i].Interface()
	}
	return args
}

// parameters are the values to call fn with; the caller sets those before from.
func parameters(fn reflect.Type, from int, args []interface{}) ([]reflect.Value, error) {
	if len(args) != fn.NumIn()-from {
		return nil, fmt.Errorf("interceptor passes %d arguments, %v takes %d", len(args), fn, fn.NumIn()-from)
	}
	in := make([]reflect.Value, fn.NumIn())
	for i, arg := range args {
		t := fn.In(from + i)
		if arg == nil {
			in[from+i] = reflect.Zero(t)
			continue
		}
		in[from+i] = reflect.ValueOf(arg)
		if !in[from+i].Type().AssignableTo(t) {
			return nil, fmt.Errorf("interceptor passes a %T as argument %d, %v takes a %v", arg, i+1, fn, t)
		}
	}
	return in, nil
}

func (r *run) callInbound() (interface{}, error) {
	in, err := r.decodeInput()
	if err != nil {
		return nil, err
	}
	return r.inbound.ExecuteWorkflow(r.base, &ExecuteWorkflowInput{Args: values(in, 1)})
}

func (r *run) signalInbound(s *history.WorkflowExecutionSignaled) {
	ctx, err := r.received(r.root, s.Header)
	if err == nil {
		err = r.inbound.HandleSignal(ctx, &HandleSignalInput{SignalName: s.Name, Arg: s.Input})
	}
	if err != nil {
		panic(fmt.Sprintf("workflow %s: handle signal %q: %v", r.def.name, s.Name, err))
	}
}

func (r *run) queryInbound(name string, in []reflect.Value) (interface{}, error) {
	ctx, err := r.received(r.root, r.env.QueryHeader())
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", name, err)
	}
	return r.inbound.HandleQuery(ctx, &HandleQueryInput{QueryType: name, Args: values(in, 0)})
}

// inbound is behind all inbound interceptors: it calls the author's code.
type inbound struct {
	InboundInterceptorBase // for its mark; every method is overridden
	run                    *run
}

// Init takes over the outbound interceptors that the inbound ones have put in front.
func (i *inbound) Init(outbound OutboundInterceptor) error {
	i.run.outbound = outbound
	return nil
}

// ExecuteWorkflow calls the workflow function.
func (i *inbound) ExecuteWorkflow(ctx Context, in *ExecuteWorkflowInput) (interface{}, error) {
	def := i.run.def
	args, err := parameters(def.fn.Type(), 1, in.Args)
	if err != nil {
		return nil, fmt.Errorf("workflow %s: %w", def.name, err)
	}
	return def.call(ctx, args)
}

// HandleSignal puts the signal into its channel.
func (i *inbound) HandleSignal(_ Context, in *HandleSignalInput) error {
	i.run.signalChannel(in.SignalName).offer(encoded{payloads: in.Arg})
	return nil
}

// HandleQuery calls the query handler.
func (i *inbound) HandleQuery(_ Context, in *HandleQueryInput) (interface{}, error) {
	h, ok := i.run.queries[in.QueryType]
	if !ok {
		return nil, i.run.unknownQuery(in.QueryType)
	}
	args, err := parameters(h.fn.Type(), 0, in.Args)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", in.QueryType, err)
	}
	return h.call(args)
}

// ValidateUpdate calls the update's validator.
func (i *inbound) ValidateUpdate(ctx Context, in *UpdateInput) error {
	h, err := i.updateHandler(in)
	if err != nil {
		return err
	}
	return h.validate(ctx, in.Args)
}

// ExecuteUpdate calls the update's handler.
func (i *inbound) ExecuteUpdate(ctx Context, in *UpdateInput) (interface{}, error) {
	h, err := i.updateHandler(in)
	if err != nil {
		return nil, err
	}
	return h.call(ctx, in.Args)
}

func (i *inbound) updateHandler(in *UpdateInput) (*updateHandler, error) {
	h, ok := i.run.updates.handlers[in.Name]
	if !ok {
		return nil, fmt.Errorf("interceptor passes update %q, which has no handler", in.Name)
	}
	return h, nil
}
