package activity

import (
	"context"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/log"
)

// IsActivity says whether ctx is the context of an activity, or made from it.
func IsActivity(ctx context.Context) bool {
	_, ok := environment(ctx)
	return ok
}

// GetInfo describes the attempt that ctx belongs to. It panics when ctx is not an activity's.
func GetInfo(ctx context.Context) Info {
	env := mustBeIn(ctx, "GetInfo")
	if i, ok := env.(*intercepted); ok {
		return i.outbound.GetInfo(ctx)
	}
	return env.Info()
}

// GetLogger returns a logger that names the activity in every message. It panics when ctx is not an activity's.
func GetLogger(ctx context.Context) log.Logger {
	env := mustBeIn(ctx, "GetLogger")
	if i, ok := env.(*intercepted); ok {
		return i.outbound.GetLogger(ctx)
	}
	return env.Logger()
}

// GetMetricsHandler returns the handler for the activity's own metrics. It carries the tags namespace, task_queue,
// activity_type and workflow_type. It panics when ctx is not an activity's.
func GetMetricsHandler(ctx context.Context) client.MetricsHandler {
	env := mustBeIn(ctx, "GetMetricsHandler")
	if i, ok := env.(*intercepted); ok {
		return i.outbound.GetMetricsHandler(ctx)
	}
	return env.Metrics()
}

// GetClient returns the client that the activity's worker was made with: for activities that start or signal workflows.
// Do not close it. In the test environment it is nil. It panics when ctx is not an activity's.
func GetClient(ctx context.Context) client.Client {
	env := mustBeIn(ctx, "GetClient")
	if i, ok := env.(*intercepted); ok {
		return i.outbound.GetClient(ctx)
	}
	return env.Client()
}

// RecordHeartbeat reports that the attempt is alive and how far it has come. An activity with a HeartbeatTimeout must
// call it more often than that. The details of the last call reach the next attempt; of many calls in a short time only
// some are sent on, see worker.Options. A requested cancellation shows in ctx soon after the call, and ctx ends when a newer
// attempt turns out to have begun elsewhere. It returns at once. It panics when ctx is not an activity's.
func RecordHeartbeat(ctx context.Context, details ...interface{}) {
	env := mustBeIn(ctx, "RecordHeartbeat")
	if i, ok := env.(*intercepted); ok {
		i.outbound.RecordHeartbeat(ctx, details...)
		return
	}
	env.Heartbeat(details)
}

// HasHeartbeatDetails says whether an earlier attempt left details. It panics when ctx is not an activity's.
func HasHeartbeatDetails(ctx context.Context) bool {
	env := mustBeIn(ctx, "HasHeartbeatDetails")
	if i, ok := env.(*intercepted); ok {
		return i.outbound.HasHeartbeatDetails(ctx)
	}
	return env.HeartbeatDetails().HasValues()
}

// GetHeartbeatDetails decodes the details of the last heartbeat before this attempt into what d point to, in order. It
// returns millrace.ErrNoData when there are none. It panics when ctx is not an activity's.
func GetHeartbeatDetails(ctx context.Context, d ...interface{}) error {
	env := mustBeIn(ctx, "GetHeartbeatDetails")
	if i, ok := env.(*intercepted); ok {
		return i.outbound.GetHeartbeatDetails(ctx, d...)
	}
	return heartbeatDetails(env, d)
}

func heartbeatDetails(env Environment, d []interface{}) error {
	details := env.HeartbeatDetails()
	if !details.HasValues() {
		return millrace.ErrNoData
	}
	return details.Get(d...)
}

// GetWorkerStopChannel returns a channel that is closed when the worker begins to stop, worker.Options.WorkerStopTimeout
// before it ends ctx. It panics when ctx is not an activity's.
func GetWorkerStopChannel(ctx context.Context) <-chan struct{} {
	env := mustBeIn(ctx, "GetWorkerStopChannel")
	if i, ok := env.(*intercepted); ok {
		return i.outbound.GetWorkerStopChannel(ctx)
	}
	return env.WorkerStopping()
}
