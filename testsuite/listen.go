package testsuite

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/workflow"
)

// SetOnActivityStartedListener sets what is called before each attempt of an activity, in the attempt's goroutine.
func (e *TestWorkflowEnvironment) SetOnActivityStartedListener(
	listener func(activityInfo *activity.Info, ctx context.Context, args converter.EncodedValues)) *TestWorkflowEnvironment {
	e.engine.listeners.onActivityStarted = listener
	return e
}

// SetOnActivityCompletedListener sets what is called when an activity has ended for good, but by cancellation. The
// result is nil beside an error.
func (e *TestWorkflowEnvironment) SetOnActivityCompletedListener(
	listener func(activityInfo *activity.Info, result converter.EncodedValue, err error)) *TestWorkflowEnvironment {
	e.engine.listeners.onActivityCompleted = listener
	return e
}

// SetOnActivityCanceledListener sets what is called when an activity has ended by cancellation.
func (e *TestWorkflowEnvironment) SetOnActivityCanceledListener(
	listener func(activityInfo *activity.Info)) *TestWorkflowEnvironment {
	e.engine.listeners.onActivityCanceled = listener
	return e
}

// SetOnActivityHeartbeatListener sets what is called for each heartbeat, in the goroutine of the attempt: concurrently
// where several run.
func (e *TestWorkflowEnvironment) SetOnActivityHeartbeatListener(
	listener func(activityInfo *activity.Info, details converter.EncodedValues)) *TestWorkflowEnvironment {
	e.engine.listeners.onHeartbeat = listener
	return e
}

// SetOnLocalActivityStartedListener sets what is called before each attempt of a local activity, in the attempt's
// goroutine.
func (e *TestWorkflowEnvironment) SetOnLocalActivityStartedListener(
	listener func(activityInfo *activity.Info, ctx context.Context, args []interface{})) *TestWorkflowEnvironment {
	e.engine.listeners.onLocalStarted = listener
	return e
}

// SetOnLocalActivityCompletedListener sets what is called when a local activity has ended, but by cancellation. The result
// is nil beside an error.
func (e *TestWorkflowEnvironment) SetOnLocalActivityCompletedListener(
	listener func(activityInfo *activity.Info, result converter.EncodedValue, err error)) *TestWorkflowEnvironment {
	e.engine.listeners.onLocalCompleted = listener
	return e
}

// SetOnLocalActivityCanceledListener sets what is called when a local activity has been canceled.
func (e *TestWorkflowEnvironment) SetOnLocalActivityCanceledListener(
	listener func(activityInfo *activity.Info)) *TestWorkflowEnvironment {
	e.engine.listeners.onLocalCanceled = listener
	return e
}

// SetOnChildWorkflowStartedListener sets what is called before the code of a child runs. It is called as workflow code.
func (e *TestWorkflowEnvironment) SetOnChildWorkflowStartedListener(
	listener func(workflowInfo *workflow.Info, ctx workflow.Context, args converter.EncodedValues)) *TestWorkflowEnvironment {
	e.engine.listeners.onChildStarted = listener
	return e
}

// SetOnChildWorkflowCompletedListener sets what is called when a child has closed, but by cancellation. The result is
// nil beside an error.
func (e *TestWorkflowEnvironment) SetOnChildWorkflowCompletedListener(
	listener func(workflowInfo *workflow.Info, result converter.EncodedValue, err error)) *TestWorkflowEnvironment {
	e.engine.listeners.onChildCompleted = listener
	return e
}

// SetOnChildWorkflowCanceledListener sets what is called when a child has closed by cancellation.
func (e *TestWorkflowEnvironment) SetOnChildWorkflowCanceledListener(
	listener func(workflowInfo *workflow.Info)) *TestWorkflowEnvironment {
	e.engine.listeners.onChildCanceled = listener
	return e
}

// SetOnTimerScheduledListener sets what is called when a timer was started.
func (e *TestWorkflowEnvironment) SetOnTimerScheduledListener(
	listener func(timerID string, duration time.Duration)) *TestWorkflowEnvironment {
	e.engine.listeners.onTimerScheduled = listener
	return e
}

// SetOnTimerFiredListener sets what is called when a timer has fired.
func (e *TestWorkflowEnvironment) SetOnTimerFiredListener(listener func(timerID string)) *TestWorkflowEnvironment {
	e.engine.listeners.onTimerFired = listener
	return e
}

// SetOnTimerCanceledListener sets what is called when a timer was canceled.
func (e *TestWorkflowEnvironment) SetOnTimerCanceledListener(listener func(timerID string)) *TestWorkflowEnvironment {
	e.engine.listeners.onTimerCanceled = listener
	return e
}
