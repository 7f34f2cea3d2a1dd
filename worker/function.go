package worker

import (
	"context"
	"fmt"
	"reflect"
	"runtime"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// function is a registered activity function.
type function struct {
	name       string
	value      reflect.Value
	hasContext bool
	variadic   bool
	// dynamic says that the function takes the arguments undecoded.
	dynamic bool
	// params are the types of the parameters without the context.
	params []reflect.Type
	// remote, when not nil, runs the activity in place of value: the function is then good for one attempt.
	remote RemoteWorker
}

// release says that there will be no call.
func (f *function) release() {
	if f.remote != nil {
		f.remote.Release()
	}
}

// newFunction checks that fn has the shape of an activity.
func newFunction(name string, fn reflect.Value) (*function, error) {
	refuse := func(why string) (*function, error) {
		return nil, fmt.Errorf("%w: %s of type %v %s", ErrInvalidFunction, name, fn.Type(), why)
	}
	t := fn.Type()
	switch {
	case t.Kind() != reflect.Func:
		return refuse("is not a function")
	case fn.IsNil():
		return refuse("is nil")
	case t.NumOut() < 1 || t.NumOut() > 2:
		return refuse(fmt.Sprintf("returns %d values: must return an error, or a value and an error", t.NumOut()))
	case t.Out(t.NumOut()-1) != errorType:
		return refuse(fmt.Sprintf("returns %v last: must be error", t.Out(t.NumOut()-1)))
	}
	f := &function{name: name, value: fn, variadic: t.IsVariadic()}
	for p := range t.Ins() {
		f.params = append(f.params, p)
	}
	if len(f.params) > 0 && f.params[0] == contextType {
		f.hasContext, f.params = true, f.params[1:]
	}
	return f, nil
}

// call runs the function on encoded arguments and encodes what it returns. It is the one place where a panic of an
// activity is recovered.
func (f *function) call(ctx context.Context, input *common.Payloads, dc converter.DataConverter) (result *common.Payloads, err error) {
	defer func() {
		if p := recover(); p != nil {
			result, err = nil, millrace.NewPanicError(p, stack())
		}
	}()
	return f.callUnguarded(ctx, input, dc)
}

// errExited is what is returned for a function that ends its goroutine, as testing's FailNow does.
var errExited = millrace.NewPanicError("the activity ended its goroutine by runtime.Goexit", "")

func (f *function) callUnguarded(ctx context.Context, input *common.Payloads, dc converter.DataConverter) (*common.Payloads, error) {
	// Made here, where it does not escape, for as many as most functions take.
	args, err := f.decode(make([]reflect.Value, 0, 4), input, dc)
	if err != nil {
		return nil, err
	}
	out := f.invoke(ctx, args)
	if err, _ := out[len(out)-1].Interface().(error); err != nil || len(out) == 1 {
		return nil, err
	}
	return f.encode(out[0].Interface(), dc)
}

// decode appends the arguments to in, behind a place for the context if there is one.
func (f *function) decode(in []reflect.Value, input *common.Payloads, dc converter.DataConverter) ([]reflect.Value, error) {
	if f.hasContext {
		in = append(in, reflect.Value{})
	}
	if f.dynamic {
		return append(in, reflect.ValueOf(converter.NewEncodedValues(input, dc))), nil
	}
	targets := make([]any, len(f.params))
	for i, t := range f.params {
		p := reflect.New(t)
		targets[i] = p.Interface()
		in = append(in, p.Elem())
	}
	if err := dc.FromPayloads(input, targets...); err != nil {
		return nil, millrace.NewNonRetryableApplicationError(
			fmt.Sprintf("decode the arguments of activity %s", f.name), "DecodeArguments", err)
	}
	return in, nil
}

// invoke calls the function with what decode has returned.
func (f *function) invoke(ctx context.Context, in []reflect.Value) []reflect.Value {
	if f.hasContext {
		in[0] = reflect.ValueOf(ctx)
	}
	if f.variadic {
		return f.value.CallSlice(in)
	}
	return f.value.Call(in)
}

func (f *function) encode(value any, dc converter.DataConverter) (*common.Payloads, error) {
	result, err := dc.ToPayloads(value)
	if err != nil {
		return nil, millrace.NewNonRetryableApplicationError(
			fmt.Sprintf("encode the result of activity %s", f.name), "EncodeResult", err)
	}
	return result, nil
}

// stack is the stack of the goroutine that panicked.
func stack() string {
	buf := make([]byte, 16<<10)
	return string(buf[:runtime.Stack(buf, false)])
}
