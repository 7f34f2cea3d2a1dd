package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

// Plugin sets a worker or a replayer up and surrounds its life: a library brings its options, registrations and resources
// as one. Implementations embed PluginBase. Package plugin has one that is made of functions.
type Plugin interface {
	// Name is unique among the plugins of a worker.
	Name() string
	// ConfigureWorker may change the worker's options before anything else looks at them. An error keeps the worker from
	// starting.
	ConfigureWorker(context.Context, PluginConfigureWorkerOptions) error
	// StartWorker surrounds the start: next starts the worker.
	StartWorker(ctx context.Context, options PluginStartWorkerOptions, next func(context.Context, PluginStartWorkerOptions) error) error
	// StopWorker surrounds the stop: next stops the worker and waits until that is done.
	StopWorker(ctx context.Context, options PluginStopWorkerOptions, next func(context.Context, PluginStopWorkerOptions))
	// ConfigureWorkflowReplayer may change a replayer's options before anything else looks at them. An error is that of
	// NewWorkflowReplayerWithOptions.
	ConfigureWorkflowReplayer(context.Context, PluginConfigureWorkflowReplayerOptions) error
	// ReplayWorkflow surrounds the replay of one history: next replays it.
	ReplayWorkflow(ctx context.Context, options PluginReplayWorkflowOptions, next func(context.Context, PluginReplayWorkflowOptions) error) error

	mustEmbedWorkerPluginBase()
}

type (
	// PluginConfigureWorkerOptions are the options of Plugin.ConfigureWorker.
	PluginConfigureWorkerOptions struct {
		// WorkerInstanceKey tells this worker from all others.
		WorkerInstanceKey string
		TaskQueue         string
		// WorkerOptions are to be changed, but for Plugins.
		WorkerOptions *Options
		// WorkerRegistryOptions are to be set by who wants to know of registrations.
		WorkerRegistryOptions *PluginConfigureWorkerRegistryOptions
	}

	// PluginConfigureWorkerRegistryOptions are called after each registration; nil for not at all.
	PluginConfigureWorkerRegistryOptions struct {
		OnRegisterWorkflow        func(any, workflow.RegisterOptions)
		OnRegisterDynamicWorkflow func(any, workflow.DynamicRegisterOptions)
		OnRegisterActivity        func(any, activity.RegisterOptions)
		OnRegisterDynamicActivity func(any, activity.DynamicRegisterOptions)
	}

	// PluginStartWorkerOptions are the options of Plugin.StartWorker.
	PluginStartWorkerOptions struct {
		WorkerInstanceKey string
		// WorkerRegistry takes what the plugin brings.
		WorkerRegistry interface {
			RegisterWorkflowWithOptions(any, workflow.RegisterOptions)
			RegisterDynamicWorkflow(any, workflow.DynamicRegisterOptions)
			RegisterActivityWithOptions(any, activity.RegisterOptions)
			RegisterDynamicActivity(any, activity.DynamicRegisterOptions)
		}
	}

	// PluginStopWorkerOptions are the options of Plugin.StopWorker.
	PluginStopWorkerOptions struct {
		WorkerInstanceKey string
	}
)

// PluginBase is all of a Plugin but its name, and does nothing.
type PluginBase struct{}

// ConfigureWorker is documented at Plugin, as are the other methods.
func (PluginBase) ConfigureWorker(context.Context, PluginConfigureWorkerOptions) error { return nil }

// StartWorker is documented at Plugin.
func (PluginBase) StartWorker(ctx context.Context, options PluginStartWorkerOptions, next func(context.Context, PluginStartWorkerOptions) error) error {
	return next(ctx, options)
}

// StopWorker is documented at Plugin.
func (PluginBase) StopWorker(ctx context.Context, options PluginStopWorkerOptions, next func(context.Context, PluginStopWorkerOptions)) {
	next(ctx, options)
}

// ConfigureWorkflowReplayer is documented at Plugin.
func (PluginBase) ConfigureWorkflowReplayer(context.Context, PluginConfigureWorkflowReplayerOptions) error {
	return nil
}

// ReplayWorkflow is documented at Plugin.
func (PluginBase) ReplayWorkflow(ctx context.Context, options PluginReplayWorkflowOptions, next func(context.Context, PluginReplayWorkflowOptions) error) error {
	return next(ctx, options)
}

func (PluginBase) mustEmbedWorkerPluginBase() {}

// pluggedWorker is a worker with plugins around it.
type pluggedWorker struct {
	*worker
	plugins []Plugin
	key     string
	hooks   []PluginConfigureWorkerRegistryOptions
}

// plugins are those of the client that are meant for workers, too, and then the worker's own.
func plugins(ofClient []client.Plugin, own []Plugin) []Plugin {
	var all []Plugin
	for _, p := range ofClient {
		if w, ok := p.(Plugin); ok {
			all = append(all, w)
		}
	}
	return append(all, own...)
}

// checkNames refuses two plugins of the same name.
func checkNames(plugins []Plugin) error {
	names := map[string]bool{}
	for _, p := range plugins {
		if names[p.Name()] {
			return fmt.Errorf("%w: two plugins are named %q (those of the client are among the worker's)", ErrInvalidOptions, p.Name())
		}
		names[p.Name()] = true
	}
	return nil
}

// plug lets the plugins configure the options and returns what surrounds the worker, nil without any. Changed are the
// options that the worker is to have.
func plug(queue string, plugins []Plugin, options Options) (around *pluggedWorker, changed Options, err error) {
	if len(plugins) == 0 {
		return nil, options, nil
	}
	around = &pluggedWorker{plugins: plugins, key: uuid.NewString(), hooks: make([]PluginConfigureWorkerRegistryOptions, len(plugins))}
	err = checkNames(plugins)
	for i, p := range plugins {
		if e := p.ConfigureWorker(context.Background(), PluginConfigureWorkerOptions{WorkerInstanceKey: around.key, TaskQueue: queue,
			WorkerOptions: &options, WorkerRegistryOptions: &around.hooks[i]}); e != nil {
			err = errors.Join(err, fmt.Errorf("plugin %q: configure worker: %w", p.Name(), e))
		}
	}
	return around, options, err
}

func (w *pluggedWorker) Start() error {
	if w.refusal != nil {
		return w.worker.Start() // which says why not
	}
	next := func(context.Context, PluginStartWorkerOptions) error { return w.worker.Start() }
	for i := len(w.plugins) - 1; i >= 0; i-- {
		inner, p := next, w.plugins[i]
		next = func(ctx context.Context, o PluginStartWorkerOptions) error { return p.StartWorker(ctx, o, inner) }
	}
	return next(context.Background(), PluginStartWorkerOptions{WorkerInstanceKey: w.key, WorkerRegistry: w})
}

func (w *pluggedWorker) Stop() {
	next := func(context.Context, PluginStopWorkerOptions) { w.worker.Stop() }
	for i := len(w.plugins) - 1; i >= 0; i-- {
		inner, p := next, w.plugins[i]
		next = func(ctx context.Context, o PluginStopWorkerOptions) { p.StopWorker(ctx, o, inner) }
	}
	next(context.Background(), PluginStopWorkerOptions{WorkerInstanceKey: w.key})
}

func (w *pluggedWorker) Run(interruptCh <-chan interface{}) error {
	return w.worker.runUntil(interruptCh, w.Start, w.Stop)
}

func (w *pluggedWorker) RegisterWorkflow(f interface{}) {
	w.RegisterWorkflowWithOptions(f, workflow.RegisterOptions{})
}

func (w *pluggedWorker) RegisterWorkflowWithOptions(f interface{}, options workflow.RegisterOptions) {
	w.worker.RegisterWorkflowWithOptions(f, options)
	for _, h := range w.hooks {
		if h.OnRegisterWorkflow != nil {
			h.OnRegisterWorkflow(f, options)
		}
	}
}

func (w *pluggedWorker) RegisterActivity(a interface{}) {
	w.RegisterActivityWithOptions(a, activity.RegisterOptions{})
}

func (w *pluggedWorker) RegisterActivityWithOptions(a interface{}, options activity.RegisterOptions) {
	w.worker.RegisterActivityWithOptions(a, options)
	for _, h := range w.hooks {
		if h.OnRegisterActivity != nil {
			h.OnRegisterActivity(a, options)
		}
	}
}

func (w *pluggedWorker) RegisterDynamicWorkflow(f interface{}, options workflow.DynamicRegisterOptions) {
	w.worker.RegisterDynamicWorkflow(f, options)
	for _, h := range w.hooks {
		if h.OnRegisterDynamicWorkflow != nil {
			h.OnRegisterDynamicWorkflow(f, options)
		}
	}
}

func (w *pluggedWorker) RegisterDynamicActivity(a interface{}, options activity.DynamicRegisterOptions) {
	w.worker.RegisterDynamicActivity(a, options)
	for _, h := range w.hooks {
		if h.OnRegisterDynamicActivity != nil {
			h.OnRegisterDynamicActivity(a, options)
		}
	}
}
