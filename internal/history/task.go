package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
)

// Task is the body of an activity task: everything that a worker needs to run the activity, retry it and report.
type Task struct {
	Version      int     `msgpack:"v"`
	Run          Address `msgpack:"r"`
	WorkflowType string  `msgpack:"wt,omitempty"`

	// Event is the number of the ActivityTaskScheduled event; it names the activity in subjects, keys and results.
	Event      int64            `msgpack:"e"`
	ActivityID string           `msgpack:"id"`
	Type       string           `msgpack:"t"`
	Queue      string           `msgpack:"q"`
	Input      *common.Payloads `msgpack:"in,omitempty"`
	Header     *common.Header   `msgpack:"h,omitempty"`

	// Scheduled is the time of the record that scheduled the activity; the schedule time-outs count from it.
	Scheduled       time.Time    `msgpack:"s"`
	ScheduleToClose Millis       `msgpack:"sc,omitempty"`
	ScheduleToStart Millis       `msgpack:"ss,omitempty"`
	StartToClose    Millis       `msgpack:"stc,omitempty"`
	Heartbeat       Millis       `msgpack:"hb,omitempty"`
	RetryPolicy     *RetryPolicy `msgpack:"rp,omitempty"`

	// FirstAttempt is the number of the attempt that the first delivery makes, at least 1.
	FirstAttempt int32 `msgpack:"fa"`
	// NotBefore is when that attempt may begin, zero for at once: the task of an activity whose eager attempt failed
	// waits for its retry there.
	NotBefore time.Time `msgpack:"nb,omitempty"`

	// Build and Priority are where the task waits in its queue: among those for a build, empty for any, and with which
	// priority, nil for the default one.
	Build    string    `msgpack:"b,omitempty"`
	Priority *Priority `msgpack:"pr,omitempty"`

	// Generation is the number of the event that put the task into the queue in place of another one, 0 for the
	// activity's first. What attempts of an earlier generation have left says nothing of the number of the next; with
	// Forget set, nothing at all.
	Generation int64 `msgpack:"g,omitempty"`
	Forget     bool  `msgpack:"fg,omitempty"`
	// Asked is set when something was asked of the activity: whoever gets the task looks what, however new it is.
	Asked bool `msgpack:"k,omitempty"`
	// Since is when the ScheduleToStart time-out counts from, zero for Scheduled.
	Since time.Time `msgpack:"si,omitempty"`
}

// TaskToken names one attempt of an activity to whoever completes it from outside the worker.
type TaskToken struct {
	Version   int     `msgpack:"v"`
	Namespace string  `msgpack:"n"`
	Run       Address `msgpack:"r"`
	Event     int64   `msgpack:"e"`
	Attempt   int32   `msgpack:"a"`
	// Queue is the activity's task queue.
	Queue      string `msgpack:"q"`
	ActivityID string `msgpack:"id,omitempty"`
	Type       string `msgpack:"t,omitempty"`
	// Build, Class and Bucket are where the task waits in that queue: Task.Build, and the class and the bucket of Task.Priority.
	Build  string `msgpack:"b,omitempty"`
	Class  int    `msgpack:"cl,omitempty"`
	Bucket int    `msgpack:"fb,omitempty"`
	// Generation is the task's.
	Generation int64 `msgpack:"g,omitempty"`
}
