package testsuite

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/stretchr/testify/mock"

	"github.com/millrace-dev/millrace/workflow"
)

// MockCallWrapper says what a mocked activity, workflow or request does: it is a mock.Call whose waiting is done in
// virtual time.
type MockCallWrapper struct {
	env  *engine
	call *mock.Call
	run  func(args mock.Arguments)
	wait func() time.Duration
}

func newMockCall(e *engine, call *mock.Call) *MockCallWrapper {
	c := &MockCallWrapper{env: e, call: call}
	call.Run(c.before)
	return c
}

// before is what happens before the mock returns.
func (c *MockCallWrapper) before(args mock.Arguments) {
	if c.run != nil {
		c.run(args)
	}
	if c.wait == nil {
		return
	}
	d := c.wait()
	var first any
	if len(args) > 0 {
		first = args[0]
	}
	switch ctx := first.(type) {
	case workflow.Context:
		// A canceled child has the mock's results all the same.
		_ = workflow.Sleep(ctx, d)
	case context.Context:
		c.env.sleepBeside(d, ctx.Done())
	default:
		c.env.sleepBeside(d, c.env.ended)
	}
}

// Return sets what the mock returns: one function of the signature of what it stands for, which is called, or values of
// its results' types.
func (c *MockCallWrapper) Return(returnArguments ...interface{}) *MockCallWrapper {
	c.call.Return(returnArguments...)
	return c
}

// Panic makes the mock panic.
func (c *MockCallWrapper) Panic(msg string) *MockCallWrapper {
	c.call.Panic(msg)
	return c
}

// Once makes the mock answer one call.
func (c *MockCallWrapper) Once() *MockCallWrapper { return c.Times(1) }

// Twice makes the mock answer two calls.
func (c *MockCallWrapper) Twice() *MockCallWrapper { return c.Times(2) }

// Times makes the mock answer i calls.
func (c *MockCallWrapper) Times(i int) *MockCallWrapper {
	c.call.Times(i)
	return c
}

// Never makes a call of the mock panic.
func (c *MockCallWrapper) Never() *MockCallWrapper {
	c.call.Maybe()
	c.call.Panic(fmt.Sprintf("unexpected call of %s: the mock says Never", c.call.Method))
	return c
}

// Maybe lets AssertExpectations pass although the mock was not called.
func (c *MockCallWrapper) Maybe() *MockCallWrapper {
	c.call.Maybe()
	return c
}

// Run has fn called with the arguments of each call, before the mock returns.
func (c *MockCallWrapper) Run(fn func(args mock.Arguments)) *MockCallWrapper {
	c.run = fn
	return c
}

// After lets d pass, in virtual time, before the mock returns.
func (c *MockCallWrapper) After(d time.Duration) *MockCallWrapper {
	return c.AfterFn(func() time.Duration { return d })
}

// AfterFn is After with a time that each call asks for.
func (c *MockCallWrapper) AfterFn(fn func() time.Duration) *MockCallWrapper {
	c.wait = fn
	return c
}

// NotBefore makes the mock panic when it is called before the given ones were.
func (c *MockCallWrapper) NotBefore(calls ...*MockCallWrapper) *MockCallWrapper {
	others := make([]*mock.Call, len(calls))
	for i, other := range calls {
		others[i] = other.call
	}
	c.call.NotBefore(others...)
	return c
}

// answer calls a mock for a function of type t with its arguments, and returns what the function would.
func answer(m *mock.Mock, name string, t reflect.Type, in []reflect.Value) []reflect.Value {
	args := make([]any, len(in))
	for i, v := range in {
		args[i] = v.Interface()
	}
	out := m.MethodCalled(name, args...)
	if len(out) == 0 {
		panic(fmt.Sprintf("the mock of %s has no Return", name))
	}
	if f := reflect.ValueOf(out[0]); f.Kind() == reflect.Func {
		if len(out) != 1 || f.Type() != t {
			panic(fmt.Sprintf("the mock of %s returns a %v: it must be the only value, and a %v", name, f.Type(), t))
		}
		if t.IsVariadic() {
			return f.CallSlice(in)
		}
		return f.Call(in)
	}
	if len(out) != t.NumOut() {
		panic(fmt.Sprintf("the mock of %s returns %d values, %v returns %d", name, len(out), t, t.NumOut()))
	}
	results := make([]reflect.Value, len(out))
	for i, value := range out {
		results[i] = resultOf(name, i, t.Out(i), value)
	}
	return results
}

func resultOf(name string, i int, want reflect.Type, value any) reflect.Value {
	if value == nil {
		return reflect.Zero(want)
	}
	v := reflect.ValueOf(value)
	if !v.Type().AssignableTo(want) {
		panic(fmt.Sprintf("the mock of %s returns a %v as value %d, it must be a %v", name, v.Type(), i+1, want))
	}
	converted := reflect.New(want).Elem()
	converted.Set(v)
	return converted
}
