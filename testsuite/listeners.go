package testsuite

import (
	"context"
	"strconv"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

// listeners are what the test wants to be told. All may be nil.
type listeners struct {
	onActivityStarted   func(*activity.Info, context.Context, converter.EncodedValues)
	onActivityCompleted func(*activity.Info, converter.EncodedValue, error)
	onActivityCanceled  func(*activity.Info)
	onHeartbeat         func(*activity.Info, converter.EncodedValues)
	onLocalStarted      func(*activity.Info, context.Context, []interface{})
	onLocalCompleted    func(*activity.Info, converter.EncodedValue, error)
	onLocalCanceled     func(*activity.Info)
	onChildStarted      func(*workflow.Info, workflow.Context, converter.EncodedValues)
	onChildCompleted    func(*workflow.Info, converter.EncodedValue, error)
	onChildCanceled     func(*workflow.Info)
	onTimerScheduled    func(string, time.Duration)
	onTimerFired        func(string)
	onTimerCanceled     func(string)
}

func (l *listeners) activityStarted(e *engine, ctx context.Context, info activity.Info, input *common.Payloads) {
	if l.onActivityStarted != nil {
		l.onActivityStarted(&info, ctx, converter.NewEncodedValues(input, e.dataConverter))
	}
}

func (l *listeners) heartbeat(e *engine, info activity.Info, details *common.Payloads) {
	if l.onHeartbeat != nil {
		l.onHeartbeat(&info, converter.NewEncodedValues(details, e.dataConverter))
	}
}

func (l *listeners) activityEnded(e *engine, info activity.Info, result *common.Payloads, f *failure.Failure) {
	if f != nil && f.CanceledFailureInfo != nil {
		if l.onActivityCanceled != nil {
			l.onActivityCanceled(&info)
		}
		return
	}
	if l.onActivityCompleted == nil {
		return
	}
	if f != nil {
		l.onActivityCompleted(&info, nil, e.failureConverter.FailureToError(f))
		return
	}
	l.onActivityCompleted(&info, converter.NewEncodedValue(result, e.dataConverter), nil)
}

func (l *listeners) localStarted(ctx context.Context, info activity.Info, args []any) {
	if l.onLocalStarted != nil {
		l.onLocalStarted(&info, ctx, args)
	}
}

func (l *listeners) localEnded(e *engine, info activity.Info, result *common.Payloads, f *failure.Failure) {
	if l.onLocalCompleted == nil {
		return
	}
	if f != nil {
		l.onLocalCompleted(&info, nil, e.failureConverter.FailureToError(f))
		return
	}
	l.onLocalCompleted(&info, converter.NewEncodedValue(result, e.dataConverter), nil)
}

func (l *listeners) localCanceled(info activity.Info) {
	if l.onLocalCanceled != nil {
		l.onLocalCanceled(&info)
	}
}

func (l *listeners) childStarted(e *engine, info *workflow.Info, ctx workflow.Context, input *common.Payloads) {
	if l.onChildStarted != nil {
		l.onChildStarted(info, ctx, converter.NewEncodedValues(input, e.dataConverter))
	}
}

// childEnded tells of a child that has closed.
func (l *listeners) childEnded(e *engine, r *run) {
	if r.state().Status == enums.WORKFLOW_EXECUTION_STATUS_CANCELED {
		if l.onChildCanceled != nil {
			l.onChildCanceled(r.describe())
		}
		return
	}
	if l.onChildCompleted == nil {
		return
	}
	if err := e.outcome(r); err != nil {
		l.onChildCompleted(r.describe(), nil, err)
		return
	}
	result, _, _ := r.state().Result()
	l.onChildCompleted(r.describe(), converter.NewEncodedValue(result, e.dataConverter), nil)
}

// describe is what a child's code sees of itself; what the listeners need of it for one that was closed before it ran.
func (r *run) describe() *workflow.Info {
	if r.info != nil {
		return r.info
	}
	return &workflow.Info{
		WorkflowExecution: workflow.Execution{ID: r.id().WorkflowID, RunID: r.id().RunID},
		WorkflowType:      workflow.Type{Name: r.start.Type},
		TaskQueueName:     r.start.Run.Queue,
		Namespace:         r.env.namespace,
	}
}

// transition tells of the timers in a transition.
func (l *listeners) transition(events []history.Event) {
	timerID := func(id int64) string { return strconv.FormatInt(id, 10) }
	for _, event := range events {
		switch a := event.Attributes.(type) {
		case *history.TimerStarted:
			if l.onTimerScheduled != nil {
				l.onTimerScheduled(timerID(event.ID), a.Timeout.Duration())
			}
		case *history.TimerFired:
			if l.onTimerFired != nil {
				l.onTimerFired(timerID(a.Started))
			}
		case *history.TimerCanceled:
			if l.onTimerCanceled != nil {
				l.onTimerCanceled(timerID(a.Started))
			}
		}
	}
}
