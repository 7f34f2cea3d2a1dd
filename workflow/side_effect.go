package workflow

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

// SideEffectOptions are the options of SideEffectWithOptions.
type SideEffectOptions struct {
	// Summary says for people what the value is for; it shows where the run's history does.
	Summary string
}

// MutableSideEffectOptions are the options of MutableSideEffectWithOptions.
type MutableSideEffectOptions struct {
	// Summary says for people what the value is for; it shows where the run's history does.
	Summary string
}

// SideEffect returns what f returns, and records it: when the code runs again, the recorded value is returned and f is not
// called. It is for what is short and cannot fail, a random number for example. f must use nothing of the workflow, nor
// change variables: only its result is the same each time. It may be called more than once, if the process dies before
// its value is recorded.
//
// A panic of f, or a value that has no encoding or is too large, holds the run up until fixed code is deployed.
func SideEffect(ctx Context, f func(ctx Context) interface{}) converter.EncodedValue {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.SideEffect(ctx, f)
	}
	return r.sideEffect(ctx, SideEffectOptions{}, f)
}

// SideEffectWithOptions is SideEffect with options.
func SideEffectWithOptions(ctx Context, options SideEffectOptions, f func(ctx Context) interface{}) converter.EncodedValue {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.SideEffectWithOptions(ctx, options, f)
	}
	return r.sideEffect(ctx, options, f)
}

func (r *run) sideEffect(ctx Context, options SideEffectOptions, f func(ctx Context) interface{}) converter.EncodedValue {
	r.guard("SideEffect")
	result, err := r.env.SideEffect(options.Summary, func() *common.Payloads {
		_, encoded := r.find(ctx, "SideEffect", f)
		return encoded
	})
	if err != nil {
		panic(err)
	}
	return converter.NewEncodedValue(result, &r.values)
}

// MutableSideEffect is SideEffect for a value that is looked at again and again, a configuration for example: it calls f
// each time, but records its value only if it differs from the last one with the same ID. Equals says whether two values,
// of which the second is the recorded one, do not differ. When the code runs again neither function is called, and each
// call returns what it returned then.
func MutableSideEffect(ctx Context, id string, f func(ctx Context) interface{}, equals func(a, b interface{}) bool) converter.EncodedValue {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.MutableSideEffect(ctx, id, f, equals)
	}
	return r.mutableSideEffect(ctx, id, MutableSideEffectOptions{}, f, equals)
}

// MutableSideEffectWithOptions is MutableSideEffect with options.
func MutableSideEffectWithOptions(ctx Context, id string, options MutableSideEffectOptions,
	f func(ctx Context) interface{}, equals func(a, b interface{}) bool) converter.EncodedValue {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.MutableSideEffectWithOptions(ctx, id, options, f, equals)
	}
	return r.mutableSideEffect(ctx, id, options, f, equals)
}

func (r *run) mutableSideEffect(ctx Context, id string, options MutableSideEffectOptions,
	f func(ctx Context) interface{}, equals func(a, b interface{}) bool) converter.EncodedValue {
	r.guard("MutableSideEffect")
	result, err := r.env.MutableSideEffect(id, options.Summary, func(last *common.Payloads, known bool) (*common.Payloads, bool) {
		value, encoded := r.find(ctx, "MutableSideEffect", f)
		return encoded, !known || !r.equal(value, encoded, last, equals)
	})
	if err != nil {
		panic(err)
	}
	return converter.NewEncodedValue(result, &r.values)
}

// find calls the function of a side effect.
func (r *run) find(ctx Context, call string, f func(ctx Context) interface{}) (value interface{}, encoded *common.Payloads) {
	r.readOnly("a side effect", func() { value = f(ctx) })
	encoded, err := r.encode(value)
	if err != nil {
		panic(fmt.Errorf("workflow: %s: encode value: %w", call, err))
	}
	return value, encoded
}

// equal compares the new value of a mutable side effect with the recorded one. One that cannot be decoded as the new one's
// type differs.
func (r *run) equal(value interface{}, encoded, last *common.Payloads, equals func(a, b interface{}) bool) (same bool) {
	if value == nil {
		return equalPayloads(encoded, last)
	}
	old := reflect.New(reflect.TypeOf(value))
	if r.values.FromPayloads(last, old.Interface()) != nil {
		return false
	}
	r.readOnly("a side effect", func() { same = equals(value, old.Elem().Interface()) })
	return same
}

func equalPayloads(a, b *common.Payloads) bool {
	x, y := a.GetPayloads(), b.GetPayloads()
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if !bytes.Equal(x[i].GetData(), y[i].GetData()) || !bytes.Equal(x[i].GetMetadata()["encoding"], y[i].GetMetadata()["encoding"]) {
			return false
		}
	}
	return true
}
