package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/interceptor"
)

// Options configure a worker. The zero value is usable.
type Options struct {
	// Tuner says how much the worker does at a time, in place of MaxConcurrentActivityExecutionSize,
	// MaxConcurrentWorkflowTaskExecutionSize and MaxConcurrentLocalActivityExecutionSize, which must be 0 with it. Nil means
	// these.
	Tuner WorkerTuner
	// SysInfoProvider is accepted and not used: a resource-based Tuner brings its own.
	SysInfoProvider SysInfoProvider

	// MaxConcurrentActivityExecutionSize is how many activities run at a time. 0 means 1,000.
	MaxConcurrentActivityExecutionSize int
	// MaxConcurrentEagerActivityExecutionSize is how many of these may be activities that the worker's own workflows
	// have just scheduled and that did not go through the task queue. 0 means 1,000.
	MaxConcurrentEagerActivityExecutionSize int
	// MaxEagerActivityReservationsPerWorkflowTask is how many activities that one step of a workflow schedules may run so.
	// It must be at least 1. Nil means as many as there are slots.
	MaxEagerActivityReservationsPerWorkflowTask *int
	// MaxConcurrentLocalActivityExecutionSize is how many local activities run at a time. 0 means 1,000.
	MaxConcurrentLocalActivityExecutionSize int
	// WorkerLocalActivitiesPerSecond bounds how many local activities begin per second. 0 means no bound.
	WorkerLocalActivitiesPerSecond float64
	// TaskQueueActivitiesPerSecond bounds how many activities of the task queue begin per second on all workers that set it,
	// which should agree; less than 1 is possible. The rate is right on average; after a pause as many may begin at once as
	// there are workers, and workers whose clocks differ divide it unevenly. Each attempt counts. It takes a write to the
	// broker for each activity, for rates above 4 per second one for each quarter of a second and worker, and it excludes
	// eager activities. 0 means no bound. It is refused through a gateway.
	TaskQueueActivitiesPerSecond float64
	// WorkerActivitiesPerSecond bounds how many activities this worker begins per second; less than 1 is possible. 0
	// means no bound.
	WorkerActivitiesPerSecond float64
	// MaxConcurrentWorkflowTaskExecutionSize is how many messages for workflows are held at a time, on each of the two
	// lanes for starts and for everything else. 0 means 1,000.
	MaxConcurrentWorkflowTaskExecutionSize int
	// WorkflowCacheSize is how many runs are kept live in memory. Beside them are kept, for each of so many, up to 32 KiB of
	// the records of open runs that are live no more. 0 means 2,000.
	WorkflowCacheSize int

	// WorkflowPanicPolicy says what becomes of a run whose code panics or does not fit its history. Default BlockWorkflow.
	WorkflowPanicPolicy WorkflowPanicPolicy
	// PreferredVersionProvider chooses the version that GetVersion records for a run that comes to a change for the first
	// time. Nil means the newest one.
	PreferredVersionProvider PreferredVersionProvider
	// DeploymentOptions say which version of the code the worker has.
	DeploymentOptions DeploymentOptions

	// EnableSessionWorker lets the worker take sessions (workflow.CreateSession): besides its task queue it serves one on
	// which sessions are asked for and one of its own for their activities. It cannot be used with UseVersioning.
	EnableSessionWorker bool
	// MaxConcurrentSessionExecutionSize is how many sessions the worker holds at a time. 0 means 1,000.
	MaxConcurrentSessionExecutionSize int

	// MaxConcurrentActivityTaskPollers, MaxConcurrentWorkflowTaskPollers, ActivityTaskPollerBehavior and
	// WorkflowTaskPollerBehavior are accepted and change nothing: see PollerBehavior.
	MaxConcurrentActivityTaskPollers int
	MaxConcurrentWorkflowTaskPollers int
	ActivityTaskPollerBehavior       PollerBehavior
	WorkflowTaskPollerBehavior       PollerBehavior
	// StickyScheduleToStartTimeout is accepted and changes nothing: a run that is in one worker's memory is served by
	// whichever worker is free, and what a worker has in memory is a prefix that it completes (WorkflowCacheSize).
	StickyScheduleToStartTimeout time.Duration
	// MaxConcurrentWorkflowTaskExternalStorageVisits is accepted and changes nothing.
	MaxConcurrentWorkflowTaskExternalStorageVisits int
	// DisablePayloadErrorLimit is accepted and changes nothing: the limit is that of the object store.
	DisablePayloadErrorLimit bool

	// WorkerStopTimeout is how long Stop waits for activities before it ends their contexts and hands their tasks to
	// other workers. 0 means 10 s; a negative value means not to wait.
	WorkerStopTimeout time.Duration
	// WorkerLossTimeout is how soon a worker that died or cannot reach the broker is given up, and its tasks go to
	// others, whatever their own time-outs are. All workers of a task queue must agree on it. 0 means 30 s; at least
	// 300 ms.
	WorkerLossTimeout time.Duration

	// Identity names this worker in histories and logs. Empty means the client's identity.
	Identity string
	// DisableWorkflowWorker leaves workflows to other processes, although some may be registered.
	DisableWorkflowWorker bool
	// LocalActivityWorkerOnly leaves activities to other processes but for local ones, although some may be registered.
	LocalActivityWorkerOnly bool
	// DisableRegistrationAliasing keeps functions that are registered under other names than their own from being found by
	// the function: workflow code has to call them by name.
	DisableRegistrationAliasing bool
	// DisableEagerActivities sends every activity through its task queue. Otherwise this worker may run the first
	// attempt of an activity that its own workflows have just scheduled at once, where it serves the activity's queue
	// and has a slot free.
	DisableEagerActivities bool
	// OnFatalError is called, once and before the worker stops by itself, with what made it stop. It must not call
	// Stop. Nil means nothing: Run returns the error, too.
	OnFatalError func(error)
	// EnableLoggingInReplay lets workflow code log again when it is replayed.
	EnableLoggingInReplay bool
	// DeadlockDetectionTimeout is how long workflow code may run without a call of package workflow. 0 means 1 s.
	DeadlockDetectionTimeout time.Duration

	// Interceptors see what the worker runs; the first one sees it first. The client's, where they are meant for workers,
	// come before them.
	Interceptors []interceptor.WorkerInterceptor

	// Plugins set the worker up and surround its start and stop; the first one is the outermost. The client's, where they
	// are meant for workers, come before them and must not be among them.
	Plugins []Plugin

	// MaxHeartbeatThrottleInterval bounds the time between two heartbeats of an activity that are sent on. 0 means
	// 60 s.
	MaxHeartbeatThrottleInterval time.Duration
	// DefaultHeartbeatThrottleInterval is that time for activities without a HeartbeatTimeout; for the others it is
	// 80% of theirs. 0 means 30 s.
	DefaultHeartbeatThrottleInterval time.Duration

	// BackgroundActivityContext is what the contexts of activities are made from: its values reach them all, and its
	// end ends them all. Nil means context.Background().
	BackgroundActivityContext context.Context

	// tuning is what is wrong with the Tuner, activitySupply what it has for activities beyond their number.
	tuning         error
	activitySupply *supply
}

const (
	defaultSlots         = 1000
	defaultEagerSlots    = 1000
	defaultWorkflowSlots = 1000
	defaultCacheSize     = 2000
	defaultStopTimeout   = 10 * time.Second
	defaultLossTimeout   = 30 * time.Second
	minLossTimeout       = 300 * time.Millisecond
	defaultDeadlock      = time.Second
	defaultMaxThrottle   = 60 * time.Second
	defaultThrottle      = 30 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Tuner != nil {
		o = o.tuned()
	}
	setDefault(&o.MaxConcurrentLocalActivityExecutionSize, defaultSlots)
	setDefault(&o.MaxConcurrentActivityExecutionSize, defaultSlots)
	setDefault(&o.MaxConcurrentEagerActivityExecutionSize, defaultEagerSlots)
	setDefault(&o.MaxConcurrentWorkflowTaskExecutionSize, defaultWorkflowSlots)
	setDefault(&o.WorkflowCacheSize, defaultCacheSize)
	setDefault(&o.WorkerStopTimeout, defaultStopTimeout)
	setDefault(&o.WorkerLossTimeout, defaultLossTimeout)
	setDefault(&o.DeadlockDetectionTimeout, defaultDeadlock)
	setDefault(&o.MaxHeartbeatThrottleInterval, defaultMaxThrottle)
	setDefault(&o.DefaultHeartbeatThrottleInterval, defaultThrottle)
	if o.BackgroundActivityContext == nil {
		o.BackgroundActivityContext = context.Background()
	}
	return o
}

// maxEager is MaxEagerActivityReservationsPerWorkflowTask, 0 for no bound.
func (o Options) maxEager() int {
	if o.MaxEagerActivityReservationsPerWorkflowTask == nil {
		return 0
	}
	return *o.MaxEagerActivityReservationsPerWorkflowTask
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

func (o Options) validate() error {
	refuse := func(field string, value any, limit string) error {
		return fmt.Errorf("%w: Options.%s is %v, must be %s", ErrInvalidOptions, field, value, limit)
	}
	if err := o.DeploymentOptions.validate(); err != nil {
		return err
	}
	switch {
	case o.tuning != nil:
		return o.tuning
	case o.MaxConcurrentSessionExecutionSize < 0:
		return refuse("MaxConcurrentSessionExecutionSize", o.MaxConcurrentSessionExecutionSize, "at least 0")
	case o.EnableSessionWorker && o.DeploymentOptions.UseVersioning:
		return refuse("EnableSessionWorker", true, "false where DeploymentOptions.UseVersioning is set")
	case !(o.TaskQueueActivitiesPerSecond >= 0):
		return refuse("TaskQueueActivitiesPerSecond", o.TaskQueueActivitiesPerSecond, "at least 0")
	case o.MaxEagerActivityReservationsPerWorkflowTask != nil && *o.MaxEagerActivityReservationsPerWorkflowTask < 1:
		return refuse("MaxEagerActivityReservationsPerWorkflowTask", *o.MaxEagerActivityReservationsPerWorkflowTask, "nil or at least 1")
	case o.WorkflowPanicPolicy != BlockWorkflow && o.WorkflowPanicPolicy != FailWorkflow:
		return refuse("WorkflowPanicPolicy", o.WorkflowPanicPolicy, "BlockWorkflow or FailWorkflow")
	case o.MaxConcurrentLocalActivityExecutionSize < 0:
		return refuse("MaxConcurrentLocalActivityExecutionSize", o.MaxConcurrentLocalActivityExecutionSize, "at least 0")
	case !(o.WorkerLocalActivitiesPerSecond >= 0):
		return refuse("WorkerLocalActivitiesPerSecond", o.WorkerLocalActivitiesPerSecond, "at least 0")
	case o.MaxConcurrentActivityExecutionSize < 0:
		return refuse("MaxConcurrentActivityExecutionSize", o.MaxConcurrentActivityExecutionSize, "at least 0")
	case o.MaxConcurrentEagerActivityExecutionSize < 0:
		return refuse("MaxConcurrentEagerActivityExecutionSize", o.MaxConcurrentEagerActivityExecutionSize, "at least 0")
	case !(o.WorkerActivitiesPerSecond >= 0):
		return refuse("WorkerActivitiesPerSecond", o.WorkerActivitiesPerSecond, "at least 0")
	case o.MaxConcurrentWorkflowTaskExecutionSize < 0:
		return refuse("MaxConcurrentWorkflowTaskExecutionSize", o.MaxConcurrentWorkflowTaskExecutionSize, "at least 0")
	case o.WorkflowCacheSize < 0:
		return refuse("WorkflowCacheSize", o.WorkflowCacheSize, "at least 0")
	case o.WorkerLossTimeout < minLossTimeout:
		return refuse("WorkerLossTimeout", o.WorkerLossTimeout, fmt.Sprintf("0 or at least %v", minLossTimeout))
	case o.DeadlockDetectionTimeout < 0:
		return refuse("DeadlockDetectionTimeout", o.DeadlockDetectionTimeout, "at least 0")
	case o.MaxHeartbeatThrottleInterval < 0:
		return refuse("MaxHeartbeatThrottleInterval", o.MaxHeartbeatThrottleInterval, "at least 0")
	case o.DefaultHeartbeatThrottleInterval < 0:
		return refuse("DefaultHeartbeatThrottleInterval", o.DefaultHeartbeatThrottleInterval, "at least 0")
	}
	return nil
}
