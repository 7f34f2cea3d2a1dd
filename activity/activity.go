package activity

import (
	"context"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/log"
)

// IsActivity says whether ctx is the context of an activity, or made from it.
func IsActivity(ctx context.Context) bool {
	_, ok := environment(ctx)
	return ok
}

// GetInfo describes the attempt that ctx belongs to. It panics when ctx is not an activity's.
func GetInfo(ctx context.Context) Info { return mustBeIn(ctx, "GetInfo").Info() }

// GetLogger returns a logger that names the activity in every message. It panics when ctx is not an activity's.
func GetLogger(ctx context.Context) log.Logger { return mustBeIn(ctx, "GetLogger").Logger() }

// RecordHeartbeat reports that the attempt is alive and how far it has come. An activity with a HeartbeatTimeout must
// call it more often than that. The details of the last call reach the next attempt; of many calls in a short time only
// some are sent on, see worker.Options. A requested cancellation shows in ctx soon after the call. It returns at once.
// It panics when ctx is not an activity's.
func RecordHeartbeat(ctx context.Context, details ...interface{}) {
	mustBeIn(ctx, "RecordHeartbeat").Heartbeat(details)
}

// HasHeartbeatDetails says whether an earlier attempt left details. It panics when ctx is not an activity's.
func HasHeartbeatDetails(ctx context.Context) bool {
	return mustBeIn(ctx, "HasHeartbeatDetails").HeartbeatDetails().HasValues()
}

// GetHeartbeatDetails decodes the details of the last heartbeat before this attempt into what d point to, in order. It
// returns millrace.ErrNoData when there are none. It panics when ctx is not an activity's.
func GetHeartbeatDetails(ctx context.Context, d ...interface{}) error {
	details := mustBeIn(ctx, "GetHeartbeatDetails").HeartbeatDetails()
	if !details.HasValues() {
		return millrace.ErrNoData
	}
	return details.Get(d...)
}

// GetWorkerStopChannel returns a channel that is closed when the worker begins to stop, worker.Options.WorkerStopTimeout
// before it ends ctx. It panics when ctx is not an activity's.
func GetWorkerStopChannel(ctx context.Context) <-chan struct{} {
	return mustBeIn(ctx, "GetWorkerStopChannel").WorkerStopping()
}
