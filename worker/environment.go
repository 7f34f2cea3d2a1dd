package worker

import (
	"sync"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/standalone"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

// environment is what an activity function sees of its attempt. Most functions ask for little of it, so it is made when
// they ask.
type environment struct {
	x *execution

	describing sync.Once
	info       *activity.Info
	logging    sync.Once
	logger     log.Logger
}

var _ activity.Environment = (*environment)(nil)

func (e *environment) Info() activity.Info {
	e.describing.Do(func() { e.info = e.makeInfo() })
	return *e.info
}

func (e *environment) Logger() log.Logger {
	e.logging.Do(func() { e.logger = log.With(e.x.log(), "attempt", e.x.number) })
	return e.logger
}

func (e *environment) makeInfo() *activity.Info {
	t, w := e.x.task, e.x.w
	info := &activity.Info{
		TaskToken:              e.x.taskToken(),
		Priority:               t.Priority.Priority(),
		WorkflowType:           &workflow.Type{Name: t.WorkflowType},
		WorkflowNamespace:      w.namespace,
		WorkflowExecution:      workflow.Execution{ID: t.Run.WorkflowID, RunID: t.Run.RunID},
		ActivityID:             t.ActivityID,
		ActivityType:           activity.Type{Name: t.Type},
		TaskQueue:              t.Queue,
		Namespace:              w.namespace,
		HeartbeatTimeout:       t.Heartbeat.Duration(),
		ScheduleToCloseTimeout: t.ScheduleToClose.Duration(),
		StartToCloseTimeout:    t.StartToClose.Duration(),
		ScheduledTime:          t.Scheduled,
		StartedTime:            e.x.beat.Started,
		Deadline:               e.x.deadline,
		Attempt:                e.x.number,
		RetryPolicy:            t.RetryPolicy.Policy(),
	}
	if t.WorkflowType == standalone.WorkflowType { // no workflow of the user's has called it
		info.ActivityRunID = t.Run.RunID
		info.WorkflowType, info.WorkflowNamespace, info.WorkflowExecution = nil, "", workflow.Execution{}
	}
	return info
}

// taskToken names the attempt to whoever completes it from outside.
func (a *attempt) taskToken() []byte {
	if a.token != nil {
		return a.token
	}
	t := a.task
	token, err := history.Encode(&history.TaskToken{
		Namespace:  a.w.namespace,
		Run:        t.Run,
		Event:      t.Event,
		Attempt:    a.number,
		Queue:      t.Queue,
		ActivityID: t.ActivityID,
		Type:       t.Type,
		Build:      t.Build,
		Class:      t.Priority.Class(),
		Bucket:     t.Priority.Bucket(),
		Generation: t.Generation,
	})
	if err != nil {
		a.log().Error("task token has no encoding: the activity cannot be completed from outside", "error", err)
	}
	return token
}

func (e *environment) Heartbeat(details []interface{}) {
	w := e.x.w
	payloads, err := converter.WithDataConverterSerializationContext(w.dataConverter, e.x.whose()).ToPayloads(details...)
	if err != nil {
		e.Logger().Error("heartbeat details have no encoding: the heartbeat counts without them", "error", err)
	}
	if n := payloads.Size(); n > w.maxPayload {
		e.Logger().Error("heartbeat details are too large: the heartbeat counts without them", "size", n, "limit", w.maxPayload)
		payloads = nil
	}
	e.x.pulse.record(payloads)
}

func (e *environment) HeartbeatDetails() converter.EncodedValues {
	return converter.NewEncodedValues(e.x.beat.Details, converter.WithDataConverterSerializationContext(e.x.w.dataConverter, e.x.whose()))
}

func (e *environment) Client() client.Client { return e.x.w.client }

func (e *environment) Metrics() client.MetricsHandler {
	t, w := e.x.task, e.x.w
	return w.metrics.WithTags(map[string]string{
		"namespace":     w.namespace,
		"task_queue":    t.Queue,
		"activity_type": t.Type,
		"workflow_type": t.WorkflowType,
	})
}

func (e *environment) WorkerStopping() <-chan struct{} { return e.x.w.stopping }

// throttle is the shortest time between two heartbeats that are sent on.
func (a *attempt) throttle() time.Duration {
	interval := a.w.options.DefaultHeartbeatThrottleInterval
	if a.task.Heartbeat > 0 {
		// So that whoever reads the record does not take the activity for silent.
		interval = a.task.Heartbeat.Duration() * 8 / 10
	}
	return min(interval, a.w.options.MaxHeartbeatThrottleInterval)
}
