package client

import (
	"context"
	"fmt"

	"github.com/millrace-dev/millrace/api/serviceerror"
)

// Plugin sets a client up and surrounds its making: a library brings its converters, interceptors and resources as one.
// Implementations embed PluginBase. One that is a worker.Plugin as well is also one of the workers that are made with the
// client. Package plugin has one that is made of functions.
type Plugin interface {
	// Name is unique among the plugins of a client.
	Name() string
	// ConfigureClient may change the client's options before anything else looks at them. An error is that of Dial.
	ConfigureClient(context.Context, PluginConfigureClientOptions) error
	// NewClient surrounds the making of the client: next connects, unless the client is a lazy one. It must call next or
	// return an error.
	NewClient(ctx context.Context, options PluginNewClientOptions, next func(context.Context, PluginNewClientOptions) error) error

	mustEmbedClientPluginBase()
}

type (
	// PluginConfigureClientOptions are the options of Plugin.ConfigureClient.
	PluginConfigureClientOptions struct {
		// ClientOptions are to be changed, but for Plugins.
		ClientOptions *Options
	}

	// PluginNewClientOptions are the options of Plugin.NewClient.
	PluginNewClientOptions struct {
		// ClientOptions are to be read only: what is changed here has no effect.
		ClientOptions Options
		// Lazy says that the client will connect when it is first used.
		Lazy bool
		// FromExisting is the client on whose connection this one is made, nil for one with its own.
		FromExisting Client
	}
)

// PluginBase is all of a Plugin but its name, and does nothing.
type PluginBase struct{}

// ConfigureClient is documented at Plugin.
func (PluginBase) ConfigureClient(context.Context, PluginConfigureClientOptions) error { return nil }

// NewClient is documented at Plugin.
func (PluginBase) NewClient(ctx context.Context, options PluginNewClientOptions, next func(context.Context, PluginNewClientOptions) error) error {
	return next(ctx, options)
}

func (PluginBase) mustEmbedClientPluginBase() {}

// makeClient makes a client of the options that the plugins have left, with the plugins around it, the first one
// outermost. About says how it is made; its ClientOptions are filled in.
func makeClient(ctx context.Context, options Options, about PluginNewClientOptions, create func(context.Context, Options) (Client, error)) (Client, error) {
	plugins := options.Plugins
	names := make(map[string]bool, len(plugins))
	for _, p := range plugins {
		if names[p.Name()] {
			return nil, serviceerror.NewInvalidArgument(fmt.Sprintf("Options.Plugins has two named %q", p.Name()))
		}
		names[p.Name()] = true
		if err := p.ConfigureClient(ctx, PluginConfigureClientOptions{ClientOptions: &options}); err != nil {
			return nil, fmt.Errorf("plugin %q: configure client: %w", p.Name(), err)
		}
	}
	options.Plugins = plugins
	if err := options.validate(); err != nil {
		return nil, err
	}
	var made Client
	next := func(ctx context.Context, _ PluginNewClientOptions) (err error) {
		if made == nil { // a plugin that calls twice gets one client
			made, err = create(ctx, options)
		}
		return err
	}
	for i := len(plugins) - 1; i >= 0; i-- {
		inner, p := next, plugins[i]
		next = func(ctx context.Context, o PluginNewClientOptions) error { return p.NewClient(ctx, o, inner) }
	}
	about.ClientOptions = options
	if err := next(ctx, about); err != nil {
		if made != nil {
			made.Close()
		}
		return nil, err
	}
	if made == nil {
		return nil, fmt.Errorf("make client: one of the plugins neither called next nor returned an error")
	}
	return made, nil
}
