package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// ActivityTaskScheduled is the decision to run an activity. The number of its event names the activity everywhere.
type ActivityTaskScheduled struct {
	ActivityID string           `msgpack:"id"`
	Type       string           `msgpack:"t"`
	Queue      string           `msgpack:"q"`
	Input      *common.Payloads `msgpack:"in,omitempty"`
	Header     *common.Header   `msgpack:"h,omitempty"`

	ScheduleToClose Millis       `msgpack:"sc,omitempty"`
	ScheduleToStart Millis       `msgpack:"ss,omitempty"`
	StartToClose    Millis       `msgpack:"stc,omitempty"`
	Heartbeat       Millis       `msgpack:"hb,omitempty"`
	RetryPolicy     *RetryPolicy `msgpack:"rp,omitempty"`
	Summary         string       `msgpack:"su,omitempty"`

	// NoEager keeps the first attempt from being made eagerly, in the process that scheduled the activity. Eager says
	// that it is: no task is in the queue before an ActivityTaskQueued event puts it there.
	NoEager bool `msgpack:"ne,omitempty"`
	Eager   bool `msgpack:"eg,omitempty"`

	// Build is the build whose workers alone run the activity, that of its run; empty for all workers of the queue.
	Build string `msgpack:"b,omitempty"`
	// Priority is that of the task; nil, like a field of it that is zero, means the run's.
	Priority *Priority `msgpack:"pr,omitempty"`
}

// ActivityTaskQueued puts an activity into its task queue whose first attempt was made eagerly, or was to be and is
// lost with its process; or one that was parked.
type ActivityTaskQueued struct {
	Scheduled int64 `msgpack:"s"`
	// Attempt is the number of the attempt that the task's first delivery makes.
	Attempt int32 `msgpack:"at"`
	// NotBefore is when that attempt may begin, zero for at once.
	NotBefore time.Time `msgpack:"nb,omitempty"`
	// Forget hides the details of earlier attempts' heartbeats.
	Forget bool `msgpack:"fg,omitempty"`
}

// ActivityEnd is what every end of an activity tells: which one, on which attempt, by whom and since when.
type ActivityEnd struct {
	Scheduled int64     `msgpack:"s"`
	Attempt   int32     `msgpack:"at,omitempty"`
	Identity  string    `msgpack:"i,omitempty"`
	Started   time.Time `msgpack:"st,omitempty"`
}

// End returns e itself: it lets the four kinds of end be read alike.
func (e *ActivityEnd) End() *ActivityEnd { return e }

// ActivityTaskCompleted reports an activity's result.
type ActivityTaskCompleted struct {
	ActivityEnd `msgpack:",inline"`
	Result      *common.Payloads `msgpack:"r,omitempty"`
}

// ActivityTaskFailed reports an activity that failed for good.
type ActivityTaskFailed struct {
	ActivityEnd `msgpack:",inline"`
	Failure     *failure.Failure `msgpack:"f"`
	Retry       enums.RetryState `msgpack:"rs,omitempty"`
}

// ActivityTaskTimedOut reports an activity whose time-out expired for good; Failure says which and what came before.
type ActivityTaskTimedOut struct {
	ActivityEnd `msgpack:",inline"`
	Failure     *failure.Failure `msgpack:"f"`
	Retry       enums.RetryState `msgpack:"rs,omitempty"`
}

// ActivityTaskCancelRequested is the decision to cancel the activity that event Scheduled scheduled.
type ActivityTaskCancelRequested struct {
	Scheduled int64 `msgpack:"s"`
}

// ActivityTaskCanceled reports an activity that ended by cancellation.
type ActivityTaskCanceled struct {
	ActivityEnd `msgpack:",inline"`
	Details     *common.Payloads `msgpack:"d,omitempty"`
}

// EventType is ACTIVITY_TASK_SCHEDULED.
func (*ActivityTaskScheduled) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
}

// EventType is ACTIVITY_TASK_QUEUED.
func (*ActivityTaskQueued) EventType() enums.EventType { return enums.EVENT_TYPE_ACTIVITY_TASK_QUEUED }

// EventType is ACTIVITY_TASK_COMPLETED.
func (*ActivityTaskCompleted) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
}

// EventType is ACTIVITY_TASK_FAILED.
func (*ActivityTaskFailed) EventType() enums.EventType { return enums.EVENT_TYPE_ACTIVITY_TASK_FAILED }

// EventType is ACTIVITY_TASK_TIMED_OUT.
func (*ActivityTaskTimedOut) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT
}

// EventType is ACTIVITY_TASK_CANCEL_REQUESTED.
func (*ActivityTaskCancelRequested) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED
}

// EventType is ACTIVITY_TASK_CANCELED.
func (*ActivityTaskCanceled) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED
}

func activityAttributes() []Attributes {
	return []Attributes{
		&ActivityTaskScheduled{},
		&ActivityTaskQueued{},
		&ActivityTaskCompleted{},
		&ActivityTaskFailed{},
		&ActivityTaskTimedOut{},
		&ActivityTaskCancelRequested{},
		&ActivityTaskCanceled{},
	}
}
