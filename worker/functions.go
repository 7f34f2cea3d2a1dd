package worker

import (
	"context"
	"reflect"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/workflow"
)

// Functions are registered workflow and activity functions, named and called as a worker does. Package testsuite needs
// it; programs have no use for it. It is safe for concurrent use.
type Functions struct {
	registry     *registry
	surroundings surroundings
}

// NewFunctions returns Functions without any, which all's interceptors see, the first one first.
func NewFunctions(definition workflow.DefinitionOptions, all []interceptor.WorkerInterceptor) *Functions {
	definition.Intercept = interceptWorkflow(all)
	return &Functions{
		registry:     newRegistry(definition),
		surroundings: surroundings{definition.ContextPropagators, interceptActivity(all), definition.DataConverter, nil},
	}
}

// AddWorkflow does what Worker.RegisterWorkflowWithOptions does.
func (f *Functions) AddWorkflow(fn any, o workflow.RegisterOptions) { f.registry.addWorkflow(fn, o) }

// AddActivity does what Worker.RegisterActivityWithOptions does.
func (f *Functions) AddActivity(a any, o activity.RegisterOptions) { f.registry.addActivity(a, o) }

// AddDynamicWorkflow does what Worker.RegisterDynamicWorkflow does.
func (f *Functions) AddDynamicWorkflow(fn any, o workflow.DynamicRegisterOptions) {
	f.registry.addDynamicWorkflow(fn, o)
}

// AddDynamicActivity does what Worker.RegisterDynamicActivity does.
func (f *Functions) AddDynamicActivity(a any, o activity.DynamicRegisterOptions) {
	f.registry.addDynamicActivity(a, o)
}

// Workflow is the code of a workflow type.
func (f *Functions) Workflow(name string) (replay.Body, bool) { return f.registry.workflow(name) }

// Stand is the code of a workflow type for which another function stands in.
func (f *Functions) Stand(name string, fn any) (replay.Body, error) {
	d, err := workflow.NewDefinition(name, fn, f.registry.definition)
	if err != nil {
		return nil, err
	}
	return d.Body(), nil
}

// WorkflowName is the type that a workflow function of the given name is registered as, empty for its own.
func (f *Functions) WorkflowName(function string) string {
	return f.registry.lookUp(f.registry.workflowNames, function)
}

// ActivityName is the type that an activity function of the given name is registered as, empty for its own.
func (f *Functions) ActivityName(function string) string {
	return f.registry.lookUp(f.registry.activityNames, function)
}

// Types lists the registered types, sorted.
func (f *Functions) Types() (workflows, activities []string) { return f.registry.types() }

// Activity is the function of an activity type.
func (f *Functions) Activity(name string) (*ActivityFunction, bool) {
	fn, ok := f.registry.activity(name)
	if !ok {
		return nil, false
	}
	return &ActivityFunction{fn, f.surroundings}, true
}

// ActivityFunction is a registered activity function.
type ActivityFunction struct {
	function     *function
	surroundings surroundings
}

// Stand is another function that stands in for f. It must have the shape of an activity.
func (f *ActivityFunction) Stand(fn reflect.Value) (*ActivityFunction, error) {
	stand, err := newFunction(f.function.name, fn)
	if err != nil {
		return nil, err
	}
	stand.dynamic = f.function.dynamic
	return &ActivityFunction{stand, f.surroundings}, nil
}

// Dynamic says whether the function runs the activities whose types are not registered.
func (f *ActivityFunction) Dynamic() bool { return f.function.dynamic }

// Name is the type that the function is registered as.
func (f *ActivityFunction) Name() string { return f.function.name }

// Type is the function's type in Go.
func (f *ActivityFunction) Type() reflect.Type { return f.function.value.Type() }

// Call calls the function on encoded arguments and what came beside them, as a worker does. A panic of the function is
// a *millrace.PanicError.
func (f *ActivityFunction) Call(ctx context.Context, header *common.Header, input *common.Payloads) (*common.Payloads, error) {
	return f.function.callWithin(ctx, f.surroundings, header, input)
}

// DisableAliasing makes functions known by their types only, not by their own names where these differ. It must be
// called before anything is added.
func (f *Functions) DisableAliasing() {
	f.registry.definition.ActivityName, f.registry.definition.WorkflowName = nil, nil
}
