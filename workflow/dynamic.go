package workflow

import (
	"fmt"
	"reflect"

	"github.com/millrace-dev/millrace/converter"
)

type (
	// DynamicRegisterOptions are the options of a worker's RegisterDynamicWorkflow.
	DynamicRegisterOptions struct {
		// LoadDynamicRuntimeOptions returns the options of a workflow type that is met for the first time. An error keeps
		// the workflow type from being run. Nil means no options.
		LoadDynamicRuntimeOptions func(details LoadDynamicRuntimeOptionsDetails) (DynamicRuntimeOptions, error)
	}

	// LoadDynamicRuntimeOptionsDetails say what options are asked for.
	LoadDynamicRuntimeOptionsDetails struct {
		WorkflowType Type
	}

	// DynamicRuntimeOptions are the options of a workflow type that a dynamic workflow runs, as RegisterOptions are of
	// others.
	DynamicRuntimeOptions struct {
		// VersioningBehavior is that of RegisterOptions.
		VersioningBehavior VersioningBehavior
	}
)

// NewDynamicDefinition returns the definition of a function that runs workflows of any type. Its parameters must be a
// Context and a converter.EncodedValues, which has the arguments.
func NewDynamicDefinition(fn interface{}, options DefinitionOptions) (*Definition, error) {
	d, err := NewDefinition("dynamic", fn, options)
	if err != nil {
		return nil, err
	}
	if t := d.fn.Type(); t.NumIn() != 2 || t.In(1) != reflect.TypeFor[converter.EncodedValues]() {
		return nil, fmt.Errorf("dynamic workflow: %v: the parameters must be a workflow.Context and a converter.EncodedValues", t)
	}
	d.dynamic = true
	return d, nil
}

// Load returns the options of a workflow type.
func (o DynamicRegisterOptions) Load(workflowType string) (DynamicRuntimeOptions, error) {
	if o.LoadDynamicRuntimeOptions == nil {
		return DynamicRuntimeOptions{}, nil
	}
	loaded, err := o.LoadDynamicRuntimeOptions(LoadDynamicRuntimeOptionsDetails{WorkflowType: Type{Name: workflowType}})
	if err != nil {
		return DynamicRuntimeOptions{}, fmt.Errorf("options of workflow type %q: %w", workflowType, err)
	}
	return loaded, nil
}
