package workflow

import (
	"fmt"
	"slices"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/retry"
)

// ActivityOptions say how the activities of a context run. StartToCloseTimeout or ScheduleToCloseTimeout must be set.
// Time-outs are rounded up to whole milliseconds.
type ActivityOptions struct {
	// TaskQueue is the queue whose workers run the activity. Empty means that of the context, by default the
	// workflow's own.
	TaskQueue string

	// ScheduleToCloseTimeout bounds all attempts together, from the call on. 0 means no limit.
	ScheduleToCloseTimeout time.Duration

	// ScheduleToStartTimeout bounds the wait for a worker; when it expires there is no further attempt. 0 means no
	// limit.
	ScheduleToStartTimeout time.Duration

	// StartToCloseTimeout bounds one attempt. 0 means ScheduleToCloseTimeout.
	StartToCloseTimeout time.Duration

	// HeartbeatTimeout bounds the time between two heartbeats of an attempt. 0 means that none are expected.
	HeartbeatTimeout time.Duration

	// WaitForCancellation lets the future of a canceled activity wait until the activity has ended, however it does.
	// By default the future gets ErrCanceled at once.
	WaitForCancellation bool

	// ActivityID names the activity within its run, for people and for completion by ID; two activities with the same
	// one cannot be under way at once. Empty means the number of its event.
	ActivityID string

	// RetryPolicy says when a failed attempt is followed by another. Nil means the policy of all defaults.
	RetryPolicy *millrace.RetryPolicy

	// DisableEagerExecution sends the activity through its task queue even where the workflow's own process could run
	// it at once.
	DisableEagerExecution bool

	// Summary says for people what the call is for; it shows where the run's history does.
	Summary string

	// Priority orders the activity among those that wait in its queue. What is zero in it is the workflow's.
	Priority millrace.Priority
}

type activityKey struct{}

// activityOptions are the options that ctx carries, nil for none.
func activityOptions(ctx Context) *ActivityOptions {
	o, _ := ctx.Value(activityKey{}).(*ActivityOptions)
	return o
}

// changeActivity returns a context with a changed copy of its activity options.
func changeActivity(ctx Context, change func(o *ActivityOptions)) Context {
	o := copyActivityOptions(ctx)
	change(&o)
	return WithValue(ctx, activityKey{}, &o)
}

func copyActivityOptions(ctx Context) ActivityOptions {
	o := activityOptions(ctx)
	if o == nil {
		return ActivityOptions{}
	}
	c := *o
	c.RetryPolicy = cloneRetryPolicy(o.RetryPolicy)
	return c
}

func cloneRetryPolicy(p *millrace.RetryPolicy) *millrace.RetryPolicy {
	if p == nil {
		return nil
	}
	c := *p
	c.NonRetryableErrorTypes = slices.Clone(p.NonRetryableErrorTypes)
	return &c
}

// WithActivityOptions returns a context whose activities have the given options in place of earlier ones; but an empty
// TaskQueue keeps the earlier queue.
func WithActivityOptions(ctx Context, options ActivityOptions) Context {
	return changeActivity(ctx, func(o *ActivityOptions) {
		queue := o.TaskQueue
		*o = options
		if o.TaskQueue == "" {
			o.TaskQueue = queue
		}
		o.RetryPolicy = cloneRetryPolicy(o.RetryPolicy)
	})
}

// GetActivityOptions returns the options of the context's activities. Their TaskQueue is the workflow's own unless another
// was set.
func GetActivityOptions(ctx Context) ActivityOptions {
	o := copyActivityOptions(ctx)
	if o.TaskQueue == "" {
		o.TaskQueue = runOf(ctx).start().Run.Queue
	}
	return o
}

// WithPriority sets ActivityOptions.Priority.
func WithPriority(ctx Context, priority millrace.Priority) Context {
	return changeActivity(ctx, func(o *ActivityOptions) { o.Priority = priority })
}

// WithTaskQueue sets ActivityOptions.TaskQueue.
func WithTaskQueue(ctx Context, name string) Context {
	return changeActivity(ctx, func(o *ActivityOptions) { o.TaskQueue = name })
}

// WithScheduleToCloseTimeout sets ActivityOptions.ScheduleToCloseTimeout.
func WithScheduleToCloseTimeout(ctx Context, d time.Duration) Context {
	return changeActivity(ctx, func(o *ActivityOptions) { o.ScheduleToCloseTimeout = d })
}

// WithScheduleToStartTimeout sets ActivityOptions.ScheduleToStartTimeout.
func WithScheduleToStartTimeout(ctx Context, d time.Duration) Context {
	return changeActivity(ctx, func(o *ActivityOptions) { o.ScheduleToStartTimeout = d })
}

// WithStartToCloseTimeout sets ActivityOptions.StartToCloseTimeout.
func WithStartToCloseTimeout(ctx Context, d time.Duration) Context {
	return changeActivity(ctx, func(o *ActivityOptions) { o.StartToCloseTimeout = d })
}

// WithHeartbeatTimeout sets ActivityOptions.HeartbeatTimeout.
func WithHeartbeatTimeout(ctx Context, d time.Duration) Context {
	return changeActivity(ctx, func(o *ActivityOptions) { o.HeartbeatTimeout = d })
}

// WithWaitForCancellation sets ActivityOptions.WaitForCancellation.
func WithWaitForCancellation(ctx Context, wait bool) Context {
	return changeActivity(ctx, func(o *ActivityOptions) { o.WaitForCancellation = wait })
}

// WithRetryPolicy sets ActivityOptions.RetryPolicy.
func WithRetryPolicy(ctx Context, retryPolicy millrace.RetryPolicy) Context {
	return changeActivity(ctx, func(o *ActivityOptions) { o.RetryPolicy = cloneRetryPolicy(&retryPolicy) })
}

func (o *ActivityOptions) validate() error {
	const what = "activity options"
	if o == nil {
		return ErrMissingActivityOptions
	}
	if err := history.CheckPriority(o.Priority); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := notNegative(what, []duration{
		{"ScheduleToCloseTimeout", o.ScheduleToCloseTimeout},
		{"ScheduleToStartTimeout", o.ScheduleToStartTimeout},
		{"StartToCloseTimeout", o.StartToCloseTimeout},
		{"HeartbeatTimeout", o.HeartbeatTimeout},
	}); err != nil {
		return err
	}
	if o.ScheduleToCloseTimeout == 0 && o.StartToCloseTimeout == 0 {
		return ErrMissingActivityTimeout
	}
	if err := retry.Validate(o.RetryPolicy); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// duration is an option with its name.
type duration struct {
	field string
	value time.Duration
}

func notNegative(what string, durations []duration) error {
	for _, d := range durations {
		if d.value < 0 {
			return fmt.Errorf("%s: %s is %v, must not be below 0", what, d.field, d.value)
		}
	}
	return nil
}
