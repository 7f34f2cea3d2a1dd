package workflow

import (
	"errors"
	"fmt"
	"reflect"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/log"
)

// RegisterOptions are the options of a worker's RegisterWorkflowWithOptions.
type RegisterOptions struct {
	// Name is the workflow's type. Empty means FunctionName of the function.
	Name string
	// DisableAlreadyRegisteredCheck lets a later registration of the same name replace the earlier one. By default it
	// panics.
	DisableAlreadyRegisteredCheck bool
	// VersioningBehavior says which builds of the code may decide for a run. Unspecified means the worker's
	// DeploymentOptions.DefaultVersioningBehavior.
	VersioningBehavior VersioningBehavior
}

// DefinitionOptions are what workflow code needs from the process that runs it.
type DefinitionOptions struct {
	// DataConverter encodes arguments and results. Nil means converter.GetDefaultDataConverter.
	DataConverter converter.DataConverter
	// FailureConverter encodes errors. Nil means one that encodes their details with DataConverter.
	FailureConverter converter.FailureConverter
	// Logger is where GetLogger writes. Nil discards.
	Logger log.Logger
	// Namespace is the one that the runs are in.
	Namespace string
	// EnableLoggingInReplay lets GetLogger write also what was written before.
	EnableLoggingInReplay bool
	// ContextPropagators carry values into and out of the run. Their order is that of the calls.
	ContextPropagators []ContextPropagator
	// Intercept puts interceptors in front of the one that it is given and returns the first. It is called once for each
	// replay of a run. Nil means none.
	Intercept func(ctx Context, next InboundInterceptor) InboundInterceptor
	// MetricsHandler is what GetMetricsHandler returns. Nil discards.
	MetricsHandler metrics.Handler
	// FailOnPanic fails a run whose code panics, instead of letting it wait for better code.
	FailOnPanic bool
	// PreferredVersion chooses the version that GetVersion records. Nil means the newest.
	PreferredVersion func(info *Info, changeID string, minSupported, maxSupported Version) Version
	// ActivityName and WorkflowName return the name that a function of the given name is registered under, empty for
	// its own. Nil means that all are registered under their own.
	ActivityName func(function string) string
	WorkflowName func(function string) string
}

func (o DefinitionOptions) withDefaults() DefinitionOptions {
	if o.DataConverter == nil {
		o.DataConverter = converter.GetDefaultDataConverter()
	}
	if o.FailureConverter == nil {
		o.FailureConverter = millrace.NewDefaultFailureConverter(millrace.DefaultFailureConverterOptions{
			DataConverter: o.DataConverter,
		})
	}
	if o.Logger == nil {
		o.Logger = log.Discard{}
	}
	if o.MetricsHandler == nil {
		o.MetricsHandler = metrics.Nop{}
	}
	return o
}

// Definition is a workflow function made ready to run. Workers and replayers use it; authors register the function
// itself. It is safe for concurrent use.
type Definition struct {
	name string
	fn   reflect.Value
	// dynamic says that the function takes the arguments undecoded.
	dynamic bool
	options DefinitionOptions
	// contextual says that a converter asks whose payloads it converts.
	contextual bool
}

// NewDefinition returns the definition of a workflow function under the given name, by default FunctionName. The error
// says what is wrong with the function: its first parameter must be a Context, and its results an error, or a value
// and an error.
func NewDefinition(name string, fn interface{}, options DefinitionOptions) (*Definition, error) {
	if name == "" {
		var err error
		if name, err = FunctionName(fn); err != nil {
			return nil, fmt.Errorf("workflow: %w", err)
		}
	}
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return nil, fmt.Errorf("workflow %s: a function is needed, not a %T", name, fn)
	}
	if err := checkShape(v.Type()); err != nil {
		return nil, fmt.Errorf("workflow %s: %w", name, err)
	}
	return newDefinition(name, v, options), nil
}

func newDefinition(name string, fn reflect.Value, options DefinitionOptions) *Definition {
	o := options.withDefaults()
	contextual := converter.DependsOnSerializationContext(o.DataConverter) || converter.DependsOnSerializationContext(o.FailureConverter)
	return &Definition{name: name, fn: fn, options: o, contextual: contextual}
}

func checkShape(t reflect.Type) error {
	switch {
	case t.NumIn() == 0 || t.In(0) != reflect.TypeFor[Context]():
		return fmt.Errorf("%v: the first parameter must be a workflow.Context", t)
	case t.IsVariadic():
		return fmt.Errorf("%v: variadic functions are not supported", t)
	case t.NumOut() < 1 || t.NumOut() > 2 || t.Out(t.NumOut()-1) != reflect.TypeFor[error]():
		return fmt.Errorf("%v: the results must be an error, or a value and an error", t)
	}
	if t.NumOut() == 2 {
		switch t.Out(0).Kind() {
		case reflect.Func, reflect.Chan, reflect.UnsafePointer:
			return fmt.Errorf("%v: a result of type %v cannot be stored", t, t.Out(0))
		}
	}
	return nil
}

// Name is the workflow's type.
func (d *Definition) Name() string { return d.name }

// In is the definition for runs of another namespace, as replayers use it.
func (d *Definition) In(namespace string) *Definition {
	there := *d
	there.options.Namespace = namespace
	return &there
}

// Body runs the workflow function in a replay machine: it decodes the input, and closes the run with what the function
// returns. A *ContinueAsNewError continues as new, an error that is or wraps a *millrace.CanceledError closes the run
// as canceled, and any other error fails it.
func (d *Definition) Body() replay.Body {
	return func(env *replay.Env) { newRun(env, d).execute() }
}

// callFunction calls the workflow function with the run's input; result is nil for one without a value.
func (r *run) callFunction() (result interface{}, err error) {
	if r.inbound != nil {
		return r.callInbound()
	}
	in, err := r.decodeInput()
	if err != nil {
		return nil, err
	}
	return r.def.call(r.base, in)
}

func (r *run) decodeInput() ([]reflect.Value, error) {
	if r.def.dynamic {
		values := converter.NewEncodedValues(r.start().Input, r.converter(r.base, nil))
		return []reflect.Value{{}, reflect.ValueOf(values)}, nil
	}
	in, err := decodeParameters(r, r.def.fn.Type(), 1, r.start().Input)
	if err != nil {
		return nil, fmt.Errorf("workflow %s: %w", r.def.name, err)
	}
	return in, nil
}

// call calls the function; in is complete but for the context.
func (d *Definition) call(ctx Context, in []reflect.Value) (result interface{}, err error) {
	in[0] = reflect.ValueOf(ctx)
	out := d.fn.Call(in)
	if len(out) == 2 {
		result = out[0].Interface()
	}
	err, _ = out[len(out)-1].Interface().(error)
	return result, err
}

// close closes the run with what the workflow function returned.
func (r *run) close(result interface{}, err error) {
	r.warnUnfinished()
	var canceled *millrace.CanceledError
	var next *ContinueAsNewError
	switch {
	case err == nil:
		r.complete(result)
	case errors.As(err, &canceled):
		f := r.failures.ErrorToFailure(canceled)
		var details *common.Payloads
		if f != nil && f.CanceledFailureInfo != nil {
			details = f.CanceledFailureInfo.Details
		}
		r.env.Cancel(details)
	case errors.As(err, &next):
		r.continueAsNew(next)
	default:
		r.fail(err)
	}
}

func (r *run) complete(result interface{}) {
	var payloads *common.Payloads
	if r.def.fn.Type().NumOut() == 2 {
		var err error
		if payloads, err = r.encode(result); err != nil {
			r.fail(fmt.Errorf("workflow %s: encode result: %w", r.def.name, err))
			return
		}
	}
	r.env.Complete(payloads)
}

func (r *run) continueAsNew(e *ContinueAsNewError) {
	next, err := e.successor(r.start())
	if err != nil {
		r.fail(err)
		return
	}
	r.env.ContinueAsNew(next)
}

func (r *run) fail(err error) {
	r.env.Fail(r.failures.ErrorToFailure(err))
}
