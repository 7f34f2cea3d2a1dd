package testsuite

import (
	"fmt"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

// activityEnvironment is what an activity function sees of its attempt.
type activityEnvironment struct {
	*engine
	info   activity.Info
	before *common.Payloads
	record func(details *common.Payloads)
}

var _ activity.Environment = (*activityEnvironment)(nil)

// Info is documented at activity.Environment, as are the other methods.
func (e *activityEnvironment) Info() activity.Info { return e.info }

// Heartbeat takes the details at once: nothing is held back, as a worker does.
func (e *activityEnvironment) Heartbeat(details []interface{}) {
	payloads, err := e.dataConverter.ToPayloads(details...)
	if err != nil {
		panic(fmt.Sprintf("testsuite: heartbeat details of activity %s have no encoding: %v", e.info.ActivityType.Name, err))
	}
	e.record(payloads)
}

// HeartbeatDetails are those of the attempt before.
func (e *activityEnvironment) HeartbeatDetails() converter.EncodedValues {
	return converter.NewEncodedValues(e.before, e.dataConverter)
}

// Logger names the activity.
func (e *activityEnvironment) Logger() log.Logger {
	return log.With(e.logger, "ActivityID", e.info.ActivityID, "ActivityType", e.info.ActivityType.Name,
		"Attempt", e.info.Attempt, "WorkflowID", e.info.WorkflowExecution.ID, "RunID", e.info.WorkflowExecution.RunID)
}

// WorkerStopping is the channel that the test has set, else one that is never closed.
func (e *activityEnvironment) WorkerStopping() <-chan struct{} { return e.workerStop }

// Client is nil: there is no broker.
func (e *activityEnvironment) Client() client.Client { return nil }

// Metrics is the suite's handler.
func (e *activityEnvironment) Metrics() client.MetricsHandler {
	if e.metrics == nil {
		return client.MetricsNopHandler
	}
	return e.metrics
}

// info describes an attempt.
func (a *attempt) info() activity.Info {
	token, err := history.Encode(&history.TaskToken{
		Namespace: a.env.namespace, Run: a.Run, Event: a.Event, Attempt: a.number,
		Queue: a.Queue, ActivityID: a.ActivityID, Type: a.Type, Build: a.Build, Class: a.Priority.Class(), Bucket: a.Priority.Bucket(),
	})
	if err != nil {
		panic(fmt.Sprintf("testsuite: token of activity %s: %v", a.Type, err)) // its fields came out of the same codec
	}
	info := activity.Info{
		TaskToken:              token,
		Priority:               a.Priority.Priority(),
		WorkflowType:           &workflow.Type{Name: a.WorkflowType},
		WorkflowNamespace:      a.env.namespace,
		WorkflowExecution:      workflow.Execution{ID: a.Run.WorkflowID, RunID: a.Run.RunID},
		ActivityID:             a.ActivityID,
		ActivityType:           activity.Type{Name: a.Type},
		TaskQueue:              a.Queue,
		Namespace:              a.env.namespace,
		HeartbeatTimeout:       a.task.Heartbeat.Duration(),
		ScheduleToCloseTimeout: a.ScheduleToClose.Duration(),
		StartToCloseTimeout:    a.StartToClose.Duration(),
		ScheduledTime:          a.Scheduled,
		StartedTime:            a.started,
		Attempt:                a.number,
		RetryPolicy:            a.RetryPolicy.Policy(),
	}
	if a.StartToClose > 0 {
		info.Deadline = a.started.Add(a.StartToClose.Duration())
	}
	return info
}
