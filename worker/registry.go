package worker

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/workflow"
)

// registry holds what a worker can run. Registering panics on what can never work, as Temporal's does: it happens while
// a program starts, and returns nothing.
type registry struct {
	definition workflow.DefinitionOptions
	// unaliased keeps functions from being found by their own names where they have others.
	unaliased bool

	mu         sync.RWMutex // guards the rest
	activities map[string]*function
	workflows  map[string]*workflow.Definition
	// activityNames and workflowNames are the types that functions are registered as, by the functions' own names,
	// where the two differ.
	activityNames map[string]string
	workflowNames map[string]string
	// dynamicWorkflow and dynamicActivity run the types that are not registered, nil for none; dynamicOptions are those of
	// the former.
	dynamicWorkflow *workflow.Definition
	dynamicOptions  workflow.DynamicRegisterOptions
	dynamicActivity *function
	// behaviors are the versioning behaviors of workflow types that have one of their own.
	behaviors map[string]workflow.VersioningBehavior
}

func newRegistry(definition workflow.DefinitionOptions) *registry {
	r := &registry{
		activities:    map[string]*function{},
		workflows:     map[string]*workflow.Definition{},
		activityNames: map[string]string{},
		workflowNames: map[string]string{},
		behaviors:     map[string]workflow.VersioningBehavior{},
	}
	definition.ActivityName = func(function string) string { return r.lookUp(r.activityNames, function) }
	definition.WorkflowName = func(function string) string { return r.lookUp(r.workflowNames, function) }
	r.definition = definition
	return r
}

func (r *registry) lookUp(names map[string]string, function string) string {
	if r.unaliased {
		return ""
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return names[function]
}

func (r *registry) addWorkflow(fn any, o workflow.RegisterOptions) {
	d, err := workflow.NewDefinition(o.Name, fn, r.definition)
	if err != nil {
		panic(fmt.Sprintf("worker.RegisterWorkflow: %v", err))
	}
	own, err := workflow.FunctionName(fn)
	if err != nil {
		panic(fmt.Sprintf("worker.RegisterWorkflow: %v", err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.workflows[d.Name()]; taken && !o.DisableAlreadyRegisteredCheck {
		panic(fmt.Sprintf("worker.RegisterWorkflow: workflow type %q is already registered", d.Name()))
	}
	r.workflows[d.Name()] = d
	r.behaviors[d.Name()] = o.VersioningBehavior
	if own != d.Name() {
		r.workflowNames[own] = d.Name()
	}
}

// addActivity registers a function, or the methods of a struct.
func (r *registry) addActivity(a any, o activity.RegisterOptions) {
	v := reflect.ValueOf(a)
	if v.Kind() == reflect.Func {
		own, err := workflow.FunctionName(a)
		if err == nil {
			err = r.addFunction(own, orDefault(o.Name, own), v, o)
		}
		if err != nil {
			panic(fmt.Sprintf("worker.RegisterActivity: %v", err))
		}
		return
	}
	if err := r.addMethods(v, o); err != nil {
		panic(fmt.Sprintf("worker.RegisterActivity: %v", err))
	}
}

func (r *registry) addMethods(v reflect.Value, o activity.RegisterOptions) error {
	// A nil pointer will do: its methods may not need it.
	if !v.IsValid() || !isStruct(v.Type()) {
		return fmt.Errorf("%w: a function, a struct or a pointer to a struct is needed", ErrInvalidFunction)
	}
	count := 0
	for i := range v.NumMethod() {
		own := v.Type().Method(i).Name
		_, err := newFunction(own, v.Method(i))
		if err != nil && o.SkipInvalidStructFunctions {
			continue
		}
		if err == nil {
			err = r.addFunction(own, o.Name+own, v.Method(i), o)
		}
		if err != nil {
			return fmt.Errorf("method %v.%s: %w", v.Type(), own, err)
		}
		count++
	}
	if count == 0 {
		return fmt.Errorf("%w: %v has no exported method that is an activity", ErrInvalidFunction, v.Type())
	}
	return nil
}

func isStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct
}

func (r *registry) addFunction(own, name string, fn reflect.Value, o activity.RegisterOptions) error {
	f, err := newFunction(name, fn)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.activities[name]; taken && !o.DisableAlreadyRegisteredCheck {
		return fmt.Errorf("activity type %q is already registered", name)
	}
	r.activities[name] = f
	if own != name {
		r.activityNames[own] = name
	}
	return nil
}

func orDefault(name, fallback string) string {
	if name == "" {
		return fallback
	}
	return name
}

// activity finds the function of an activity type. A workflow in a process that does not know the registered name asks
// for the function's own.
func (r *registry) activity(name string) (*function, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	f, ok := r.activities[name]
	if !ok && !r.unaliased {
		f, ok = r.activities[r.activityNames[name]]
	}
	if !ok && r.dynamicActivity != nil {
		f, ok = r.dynamicActivity, true
	}
	return f, ok
}

// workflow finds the code of a workflow type, under the registered name or the function's own.
func (r *registry) workflow(name string) (replay.Body, bool) {
	d, ok := r.workflowDefinition(name)
	if !ok {
		return nil, false
	}
	return d.Body(), true
}

func (r *registry) workflowDefinition(name string) (*workflow.Definition, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	d, ok := r.workflows[name]
	if !ok && !r.unaliased {
		d, ok = r.workflows[r.workflowNames[name]]
	}
	if !ok && r.dynamicWorkflow != nil {
		d, ok = r.dynamicWorkflow, true
	}
	if !ok {
		return nil, false
	}
	return d, true
}

// addDynamicWorkflow registers what runs the workflow types that are not registered.
func (r *registry) addDynamicWorkflow(fn any, o workflow.DynamicRegisterOptions) {
	d, err := workflow.NewDynamicDefinition(fn, r.definition)
	if err != nil {
		panic(fmt.Sprintf("worker.RegisterDynamicWorkflow: %v", err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dynamicWorkflow != nil {
		panic("worker.RegisterDynamicWorkflow: a dynamic workflow is already registered")
	}
	r.dynamicWorkflow, r.dynamicOptions = d, o
}

// addDynamicActivity registers what runs the activity types that are not registered.
func (r *registry) addDynamicActivity(fn any, _ activity.DynamicRegisterOptions) {
	f, err := newFunction("dynamic", reflect.ValueOf(fn))
	if err == nil && (!f.hasContext || len(f.params) != 1 || f.params[0] != reflect.TypeFor[converter.EncodedValues]()) {
		err = fmt.Errorf("%w: %T: the parameters must be a context.Context and a converter.EncodedValues", ErrInvalidFunction, fn)
	}
	if err != nil {
		panic(fmt.Sprintf("worker.RegisterDynamicActivity: %v", err))
	}
	f.dynamic = true
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dynamicActivity != nil {
		panic("worker.RegisterDynamicActivity: a dynamic activity is already registered")
	}
	r.dynamicActivity = f
}

// serves says whether anything can be run.
func (r *registry) serves() (workflows, activities bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.workflows) > 0 || r.dynamicWorkflow != nil, len(r.activities) > 0 || r.dynamicActivity != nil
}

// activityTypes are the activity types that are known here, under all their names, nil when every type is.
func (r *registry) activityTypes() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.dynamicActivity != nil {
		return nil
	}
	types := slices.Collect(maps.Keys(r.activities))
	if !r.unaliased {
		types = slices.AppendSeq(types, maps.Keys(r.activityNames))
	}
	return types
}

// types lists the registered types, sorted.
func (r *registry) types() (workflows, activities []string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Sorted(maps.Keys(r.workflows)), slices.Sorted(maps.Keys(r.activities))
}
