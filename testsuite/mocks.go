package testsuite

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/stretchr/testify/mock"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// The names by which requests to other workflows are mocked. No function can have them.
const (
	mockSignalExternal = "workflow.SignalExternalWorkflow"
	mockCancelExternal = "workflow.RequestCancelExternalWorkflow"
)

var errNotFound = errors.New("there is no such run")

// mocks are what stands in for the functions of an environment.
type mocks struct {
	activities mock.Mock
	workflows  mock.Mock

	mu sync.Mutex // guards the rest
	// names are what is mocked.
	names map[*mock.Mock]map[string]bool
	// upserts are the answers of mocked upserts, by run.
	upserts map[string][]error
}

func newMocks() *mocks {
	return &mocks{names: map[*mock.Mock]map[string]bool{}, upserts: map[string][]error{}}
}

func (m *mocks) on(which *mock.Mock, name string, args []any) *mock.Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[which] == nil {
		m.names[which] = map[string]bool{}
	}
	m.names[which][name] = true
	return which.On(name, args...)
}

func (m *mocks) has(which *mock.Mock, name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.names[which][name]
}

// onActivity mocks an activity. One that is given by its function is registered by that.
func (e *engine) onActivity(a any, args []any) *mock.Call {
	name := e.activityName(a)
	fn, ok := e.functions.Activity(name)
	if !ok {
		if reflect.TypeOf(a).Kind() != reflect.Func {
			panic(fmt.Sprintf("testsuite: OnActivity: activity type %q is not registered with the test environment: "+
				"use RegisterActivity, or give its function", name))
		}
		e.functions.AddActivity(a, activity.RegisterOptions{})
		fn, _ = e.functions.Activity(name)
	}
	checkMockArguments("OnActivity", name, fn.Type(), args)
	if !fn.Dynamic() {
		name = fn.Name()
	}
	return e.mocks.on(&e.mocks.activities, name, args)
}

// onWorkflow mocks a workflow. One that is given by its function is registered by that.
func (e *engine) onWorkflow(w any, args []any) *mock.Call {
	name := e.workflowName(w)
	fn, ok := e.workflows[name]
	if !ok {
		if reflect.TypeOf(w).Kind() != reflect.Func {
			panic(fmt.Sprintf("testsuite: OnWorkflow: workflow type %q is not registered with the test environment: "+
				"use RegisterWorkflow, or give its function", name))
		}
		e.registerWorkflow(w, workflow.RegisterOptions{})
		fn = reflect.ValueOf(w)
	}
	checkMockArguments("OnWorkflow", name, fn.Type(), args)
	return e.mocks.on(&e.mocks.workflows, name, args)
}

func checkMockArguments(call, name string, t reflect.Type, args []any) {
	if len(args) != t.NumIn() {
		panic(fmt.Sprintf("testsuite: %s: %d arguments given for %s, %v takes %d (use mock.Anything for those that do not matter)",
			call, len(args), name, t, t.NumIn()))
	}
}

// mockedActivity is what stands in for an activity, nil for nothing. A dynamic activity has mocks by the types that it is
// called for.
func (e *engine) mockedActivity(name string, fn *worker.ActivityFunction) *worker.ActivityFunction {
	if !fn.Dynamic() {
		name = fn.Name()
	}
	if !e.mocks.has(&e.mocks.activities, name) {
		return nil
	}
	t := fn.Type()
	stand, err := fn.Stand(reflect.MakeFunc(t, func(in []reflect.Value) []reflect.Value {
		return answer(&e.mocks.activities, name, t, in)
	}))
	if err != nil {
		panic(fmt.Sprintf("testsuite: mock of activity %s: %v", name, err)) // it has the registered function's type
	}
	return stand
}

// childCode is what a child runs: its function or its mock, and the listeners around it.
func (e *engine) childCode(r *run) replay.Body {
	name := r.start.Type
	fn, ok := e.workflows[name]
	if !ok {
		return nil
	}
	r.mocked = e.mocks.has(&e.mocks.workflows, name)
	t := fn.Type()
	body, err := e.functions.Stand(name, reflect.MakeFunc(t, func(in []reflect.Value) []reflect.Value {
		ctx := in[0].Interface().(workflow.Context)
		if !workflow.IsReplaying(ctx) {
			r.info = workflow.GetInfo(ctx)
			e.listeners.childStarted(e, r.info, ctx, r.start.Input)
		}
		if !r.mocked {
			return fn.Call(in)
		}
		out := answer(&e.mocks.workflows, name, t, in)
		if err, _ := out[len(out)-1].Interface().(error); errors.Is(err, ErrMockStartChildWorkflowFailed) {
			r.refused = true
		}
		return out
	}).Interface())
	if err != nil {
		panic(fmt.Sprintf("testsuite: child workflow %s: %v", name, err)) // it has the registered function's type
	}
	return body
}

// mockedRequest asks a mock whether a request reaches a workflow that the environment does not know.
func (e *engine) mockedRequest(x *history.SendRequest) error {
	name, args := mockCancelExternal, []any{e.namespace, x.Target.WorkflowID, x.Target.RunID}
	t := reflect.TypeFor[func(namespace, workflowID, runID string) error]()
	switch {
	case x.Message.Signal != nil:
		name = mockSignalExternal
		args = append(args, x.Message.Signal.Name, e.decodeAny(x.Message.Signal.Input))
		t = reflect.TypeFor[func(namespace, workflowID, runID, signalName string, arg interface{}) error]()
	case x.Message.Cancel == nil:
		return errNotFound
	}
	if !e.mocks.has(&e.mocks.workflows, name) {
		return errNotFound
	}
	in := make([]reflect.Value, len(args))
	for i, arg := range args {
		in[i] = resultOf(name, i, t.In(i), arg)
	}
	err, _ := answer(&e.mocks.workflows, name, t, in)[0].Interface().(error)
	return err
}

// decodeAny is the value of payloads whose type nobody knows.
func (e *engine) decodeAny(p *common.Payloads) any {
	if p == nil {
		return nil
	}
	var value any
	if err := e.dataConverter.FromPayloads(p, &value); err != nil {
		return p
	}
	return value
}

// asReceived matches an argument by what becomes of it on its way to another workflow.
func (e *engine) asReceived(arg any) any {
	switch arg.(type) {
	case nil, mock.AnythingOfTypeArgument:
		return arg
	}
	if arg == mock.Anything || reflect.TypeOf(arg).PkgPath() == reflect.TypeFor[mock.Mock]().PkgPath() {
		return arg
	}
	p, err := e.dataConverter.ToPayloads(arg)
	if err != nil {
		panic(fmt.Sprintf("testsuite: argument of the mocked signal has no encoding: %v", err))
	}
	want := e.decodeAny(p)
	return mock.MatchedBy(func(got any) bool { return reflect.DeepEqual(got, want) })
}
