// Package plugin makes plugins for clients, workers and replayers of functions.
//
// Temporal has these names in its package temporal. Here the root of the module is below clients and workers, so that they
// have a package of their own.
package plugin

import (
	"context"
	"errors"
	"slices"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// SimplePluginOptions are the options of NewSimplePlugin. All but Name may be left empty.
type SimplePluginOptions struct {
	// Name is unique among the plugins of a client or worker.
	Name string

	// DataConverter and FailureConverter take the place of those of clients and replayers, where they are not nil.
	DataConverter    converter.DataConverter
	FailureConverter converter.FailureConverter
	// ContextPropagators come after those of clients and replayers.
	ContextPropagators []workflow.ContextPropagator
	// ClientInterceptors come after those of clients. One that is a worker's, too, reaches the client's workers.
	ClientInterceptors []interceptor.ClientInterceptor
	// WorkerInterceptors come after those of workers and replayers.
	WorkerInterceptors []interceptor.WorkerInterceptor

	// ConfigureClient, ConfigureWorker and ConfigureWorkflowReplayer change options further, after the fields above.
	ConfigureClient           func(context.Context, client.PluginConfigureClientOptions) error
	ConfigureWorker           func(context.Context, worker.PluginConfigureWorkerOptions) error
	ConfigureWorkflowReplayer func(context.Context, worker.PluginConfigureWorkflowReplayerOptions) error

	// RunContextBefore is called before a worker starts and before each replay. An error keeps either from happening.
	RunContextBefore func(context.Context, SimplePluginRunContextBeforeOptions) error
	// RunContextAfter is called after a worker has stopped, or could not be started, and after each replay. It is not
	// called for a worker that stopped by itself, unless Run was waiting for it.
	RunContextAfter func(context.Context, SimplePluginRunContextAfterOptions)
}

// SimplePluginRunContextBeforeOptions are the options of SimplePluginOptions.RunContextBefore.
type SimplePluginRunContextBeforeOptions struct {
	// InstanceKey tells the worker or replayer from all others.
	InstanceKey string
	// WorkflowReplayer says that it is a replayer.
	WorkflowReplayer bool
	// Registry takes what the plugin brings. Activities are ignored by replayers.
	Registry interface {
		RegisterWorkflowWithOptions(any, workflow.RegisterOptions)
		RegisterDynamicWorkflow(any, workflow.DynamicRegisterOptions)
		RegisterActivityWithOptions(any, activity.RegisterOptions)
		RegisterDynamicActivity(any, activity.DynamicRegisterOptions)
	}
}

// SimplePluginRunContextAfterOptions are the options of SimplePluginOptions.RunContextAfter.
type SimplePluginRunContextAfterOptions struct {
	// InstanceKey tells the worker or replayer from all others.
	InstanceKey string
}

// SimplePlugin is a plugin for clients, workers and replayers. It is safe for concurrent use if its functions are.
type SimplePlugin struct {
	clientBase
	workerBase
	options SimplePluginOptions
}

// The two bases have the same name where they are defined.
type (
	clientBase = client.PluginBase
	workerBase = worker.PluginBase
)

var (
	_ client.Plugin = (*SimplePlugin)(nil)
	_ worker.Plugin = (*SimplePlugin)(nil)
)

// NewSimplePlugin returns a plugin that does what the options say. It fails when they have no name.
func NewSimplePlugin(options SimplePluginOptions) (*SimplePlugin, error) {
	if options.Name == "" {
		return nil, errors.New("make plugin: SimplePluginOptions.Name is empty")
	}
	return &SimplePlugin{options: options}, nil
}

// Name is that of the options.
func (p *SimplePlugin) Name() string { return p.options.Name }

// ConfigureClient is documented at client.Plugin.
func (p *SimplePlugin) ConfigureClient(ctx context.Context, o client.PluginConfigureClientOptions) error {
	to := o.ClientOptions
	override(&to.DataConverter, p.options.DataConverter)
	override(&to.FailureConverter, p.options.FailureConverter)
	to.ContextPropagators = slices.Concat(to.ContextPropagators, p.options.ContextPropagators)
	to.Interceptors = slices.Concat(to.Interceptors, p.options.ClientInterceptors)
	if p.options.ConfigureClient != nil {
		return p.options.ConfigureClient(ctx, o)
	}
	return nil
}

// ConfigureWorker is documented at worker.Plugin.
func (p *SimplePlugin) ConfigureWorker(ctx context.Context, o worker.PluginConfigureWorkerOptions) error {
	to := o.WorkerOptions
	to.Interceptors = slices.Concat(to.Interceptors, p.options.WorkerInterceptors)
	if p.options.ConfigureWorker != nil {
		return p.options.ConfigureWorker(ctx, o)
	}
	return nil
}

// ConfigureWorkflowReplayer is documented at worker.Plugin.
func (p *SimplePlugin) ConfigureWorkflowReplayer(ctx context.Context, o worker.PluginConfigureWorkflowReplayerOptions) error {
	to := o.WorkflowReplayerOptions
	override(&to.DataConverter, p.options.DataConverter)
	override(&to.FailureConverter, p.options.FailureConverter)
	to.ContextPropagators = slices.Concat(to.ContextPropagators, p.options.ContextPropagators)
	to.Interceptors = slices.Concat(to.Interceptors, p.options.WorkerInterceptors)
	if p.options.ConfigureWorkflowReplayer != nil {
		return p.options.ConfigureWorkflowReplayer(ctx, o)
	}
	return nil
}

// StartWorker is documented at worker.Plugin.
func (p *SimplePlugin) StartWorker(ctx context.Context, o worker.PluginStartWorkerOptions, next func(context.Context, worker.PluginStartWorkerOptions) error) error {
	if p.options.RunContextBefore != nil {
		before := SimplePluginRunContextBeforeOptions{InstanceKey: o.WorkerInstanceKey, Registry: o.WorkerRegistry}
		if err := p.options.RunContextBefore(ctx, before); err != nil {
			return err
		}
	}
	err := next(ctx, o)
	if err != nil {
		p.after(ctx, o.WorkerInstanceKey)
	}
	return err
}

// StopWorker is documented at worker.Plugin.
func (p *SimplePlugin) StopWorker(ctx context.Context, o worker.PluginStopWorkerOptions, next func(context.Context, worker.PluginStopWorkerOptions)) {
	defer p.after(ctx, o.WorkerInstanceKey)
	next(ctx, o)
}

// ReplayWorkflow is documented at worker.Plugin.
func (p *SimplePlugin) ReplayWorkflow(ctx context.Context, o worker.PluginReplayWorkflowOptions, next func(context.Context, worker.PluginReplayWorkflowOptions) error) error {
	if p.options.RunContextBefore != nil {
		before := SimplePluginRunContextBeforeOptions{InstanceKey: o.WorkflowReplayerInstanceKey, WorkflowReplayer: true,
			Registry: withoutActivities{o.WorkflowReplayRegistry}}
		if err := p.options.RunContextBefore(ctx, before); err != nil {
			return err
		}
	}
	defer p.after(ctx, o.WorkflowReplayerInstanceKey)
	return next(ctx, o)
}

func (p *SimplePlugin) after(ctx context.Context, key string) {
	if p.options.RunContextAfter != nil {
		p.options.RunContextAfter(ctx, SimplePluginRunContextAfterOptions{InstanceKey: key})
	}
}

// override sets what is given.
func override[T any](field *T, value T) {
	if any(value) != nil {
		*field = value
	}
}

// withoutActivities is the registry of a replayer, which needs no activities.
type withoutActivities struct {
	workflows interface {
		RegisterWorkflowWithOptions(any, workflow.RegisterOptions)
		RegisterDynamicWorkflow(any, workflow.DynamicRegisterOptions)
	}
}

func (w withoutActivities) RegisterWorkflowWithOptions(f any, o workflow.RegisterOptions) {
	w.workflows.RegisterWorkflowWithOptions(f, o)
}

func (w withoutActivities) RegisterDynamicWorkflow(f any, o workflow.DynamicRegisterOptions) {
	w.workflows.RegisterDynamicWorkflow(f, o)
}

func (withoutActivities) RegisterActivityWithOptions(any, activity.RegisterOptions) {}

func (withoutActivities) RegisterDynamicActivity(any, activity.DynamicRegisterOptions) {}
