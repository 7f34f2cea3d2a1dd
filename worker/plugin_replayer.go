package worker

import (
	"context"
	"fmt"

	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

type (
	// PluginConfigureWorkflowReplayerOptions are the options of Plugin.ConfigureWorkflowReplayer.
	PluginConfigureWorkflowReplayerOptions struct {
		// WorkflowReplayerInstanceKey tells this replayer from all others.
		WorkflowReplayerInstanceKey string
		// WorkflowReplayerOptions are to be changed, but for Plugins.
		WorkflowReplayerOptions *WorkflowReplayerOptions
		// WorkflowReplayerRegistryOptions are to be set by who wants to know of registrations.
		WorkflowReplayerRegistryOptions *PluginConfigureWorkflowReplayerRegistryOptions
	}

	// PluginConfigureWorkflowReplayerRegistryOptions are called after each registration; nil for not at all.
	PluginConfigureWorkflowReplayerRegistryOptions struct {
		OnRegisterWorkflow        func(any, workflow.RegisterOptions)
		OnRegisterDynamicWorkflow func(any, workflow.DynamicRegisterOptions)
	}

	// PluginReplayWorkflowOptions are the options of Plugin.ReplayWorkflow.
	PluginReplayWorkflowOptions struct {
		WorkflowReplayerInstanceKey string
		// WorkflowReplayRegistry takes what the plugin brings.
		WorkflowReplayRegistry interface {
			RegisterWorkflowWithOptions(any, workflow.RegisterOptions)
			RegisterDynamicWorkflow(any, workflow.DynamicRegisterOptions)
		}
		// History is what is replayed. Next takes it from here.
		History *apihistory.History
		// Logger is nil for none.
		Logger log.Logger
		// Namespace is that of a run that was read from a namespace, else empty.
		Namespace string
		// OriginalExecution is what the caller has given, empty for that of History.
		OriginalExecution workflow.Execution
	}
)

// configureReplayer lets the plugins configure the options and returns them, with what is to be called for
// registrations.
func configureReplayer(key string, options WorkflowReplayerOptions) (WorkflowReplayerOptions, []PluginConfigureWorkflowReplayerRegistryOptions, error) {
	plugins := options.Plugins
	if err := checkNames(plugins); err != nil {
		return options, nil, err
	}
	hooks := make([]PluginConfigureWorkflowReplayerRegistryOptions, len(plugins))
	for i, p := range plugins {
		if err := p.ConfigureWorkflowReplayer(context.Background(), PluginConfigureWorkflowReplayerOptions{WorkflowReplayerInstanceKey: key,
			WorkflowReplayerOptions: &options, WorkflowReplayerRegistryOptions: &hooks[i]}); err != nil {
			return options, nil, fmt.Errorf("plugin %q: configure workflow replayer: %w", p.Name(), err)
		}
	}
	options.Plugins = plugins
	return options, hooks, nil
}

// surrounded calls replay with the plugins around it, the first one outermost.
func (r *replayer) surrounded(ctx context.Context, o PluginReplayWorkflowOptions,
	replay func(context.Context, PluginReplayWorkflowOptions) error) error {
	o.WorkflowReplayerInstanceKey, o.WorkflowReplayRegistry = r.key, r
	next := replay
	for i := len(r.options.Plugins) - 1; i >= 0; i-- {
		inner, p := next, r.options.Plugins[i]
		next = func(ctx context.Context, o PluginReplayWorkflowOptions) error { return p.ReplayWorkflow(ctx, o, inner) }
	}
	return next(ctx, o)
}
