package activity

import (
	"context"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/log"
)

// Environment is what runs an activity: a worker, or a test. Its methods are called by the activity's code, from any
// goroutine and at any time, also after the function has returned, and do not block.
type Environment interface {
	// Info describes the attempt.
	Info() Info
	// Heartbeat takes the progress that the activity reports. It does not keep details or change them.
	Heartbeat(details []interface{})
	// HeartbeatDetails are those of the last heartbeat before this attempt; they have no values when there was none.
	HeartbeatDetails() converter.EncodedValues
	// Logger names the activity in every message.
	Logger() log.Logger
	// WorkerStopping is closed when the worker begins to stop.
	WorkerStopping() <-chan struct{}
	// Client is the one that the worker was made with, nil for none.
	Client() client.Client
	// Metrics carries tags that name the activity.
	Metrics() client.MetricsHandler
}

type environmentKey struct{}

// NewContext returns a context in which code finds itself in an activity that env runs. Workers and test environments
// need it, activities do not.
func NewContext(ctx context.Context, env Environment) context.Context {
	return context.WithValue(ctx, environmentKey{}, env)
}

func environment(ctx context.Context) (Environment, bool) {
	env, ok := ctx.Value(environmentKey{}).(Environment)
	return env, ok
}

// mustBeIn is for functions that have no way to say that they were called with the wrong context.
func mustBeIn(ctx context.Context, function string) Environment {
	env, ok := environment(ctx)
	if !ok {
		panic("activity." + function + " was called with a context that is not an activity's")
	}
	return env
}
