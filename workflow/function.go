package workflow

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

// FunctionName returns the name that a function or method is registered under by default: its own, without package
// and receiver.
func FunctionName(fn interface{}) (string, error) {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func {
		return "", fmt.Errorf("%T is not a function", fn)
	}
	if v.IsNil() {
		return "", fmt.Errorf("the %T is nil", fn)
	}
	name := strings.TrimSuffix(runtime.FuncForPC(v.Pointer()).Name(), "-fm")
	name = strings.TrimSuffix(name, "[...]")
	return name[strings.LastIndexByte(name, '.')+1:], nil
}

// calledName is the registered name of what a workflow calls by function or by name. Registered, if not nil, knows
// the functions that are registered under another name than their own.
func calledName(callee interface{}, registered func(function string) string) (string, error) {
	if v := reflect.ValueOf(callee); v.Kind() == reflect.String {
		if v.Len() == 0 {
			return "", fmt.Errorf("the name is empty")
		}
		return v.String(), nil
	}
	name, err := FunctionName(callee)
	if err != nil {
		return "", fmt.Errorf("a function or a name is needed: %w", err)
	}
	if registered != nil {
		if other := registered(name); other != "" {
			return other, nil
		}
	}
	return name, nil
}

// checkArguments compares the arguments of a call with the parameters of the function called, of which the first is
// left out when it is a context. A callee given by name is not checked.
func checkArguments(callee interface{}, contextType reflect.Type, args []interface{}) error {
	t := reflect.TypeOf(callee)
	if t.Kind() != reflect.Func {
		return nil
	}
	if t.IsVariadic() {
		return fmt.Errorf("%v: variadic functions are not supported", t)
	}
	first := 0
	if t.NumIn() > 0 && t.In(0) == contextType {
		first = 1
	}
	if n := t.NumIn() - first; len(args) != n {
		return fmt.Errorf("%d arguments given, %v takes %d", len(args), t, n)
	}
	for i, arg := range args {
		param := t.In(first + i)
		if arg == nil {
			if !nilable(param) {
				return fmt.Errorf("argument %d is nil, %v takes a %v", i+1, t, param)
			}
			continue
		}
		if given := reflect.TypeOf(arg); !given.AssignableTo(param) {
			return fmt.Errorf("argument %d is a %v, %v takes a %v", i+1, given, t, param)
		}
	}
	return nil
}

func nilable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice, reflect.UnsafePointer:
		return true
	}
	return false
}
