package workflow

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/internal/retry"
)

// LocalActivityOptions say how the local activities of a context run. StartToCloseTimeout or ScheduleToCloseTimeout must
// be set.
type LocalActivityOptions struct {
	// ScheduleToCloseTimeout bounds all attempts together, from the call on. 0 means StartToCloseTimeout.
	ScheduleToCloseTimeout time.Duration

	// StartToCloseTimeout bounds one attempt. 0 means ScheduleToCloseTimeout.
	StartToCloseTimeout time.Duration

	// RetryPolicy says when a failed attempt is followed by another. Nil means the policy of all defaults.
	RetryPolicy *millrace.RetryPolicy

	// Summary says for people what the call is for; it shows where the run's history does.
	Summary string
}

type (
	localActivityKey struct{}
	// localFunctionKey is for the function that is called, which interceptors know by its name only.
	localFunctionKey struct{}
)

// WithLocalActivityOptions returns a context whose local activities have the given options in place of earlier ones.
func WithLocalActivityOptions(ctx Context, options LocalActivityOptions) Context {
	options.RetryPolicy = cloneRetryPolicy(options.RetryPolicy)
	return WithValue(ctx, localActivityKey{}, &options)
}

func localActivityOptions(ctx Context) *LocalActivityOptions {
	o, _ := ctx.Value(localActivityKey{}).(*LocalActivityOptions)
	return o
}

// GetLocalActivityOptions returns the options of the context's local activities.
func GetLocalActivityOptions(ctx Context) LocalActivityOptions {
	o := localActivityOptions(ctx)
	if o == nil {
		return LocalActivityOptions{}
	}
	c := *o
	c.RetryPolicy = cloneRetryPolicy(o.RetryPolicy)
	return c
}

func (o *LocalActivityOptions) validate() error {
	const what = "local activity options"
	if o == nil {
		return ErrMissingLocalActivityOptions
	}
	if err := notNegative(what, []duration{
		{"ScheduleToCloseTimeout", o.ScheduleToCloseTimeout},
		{"StartToCloseTimeout", o.StartToCloseTimeout},
	}); err != nil {
		return err
	}
	if o.ScheduleToCloseTimeout == 0 && o.StartToCloseTimeout == 0 {
		return ErrMissingLocalActivityTimeout
	}
	if err := retry.Validate(o.RetryPolicy); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// ExecuteLocalActivity calls an activity function in the process that runs the workflow, without a task, with the options
// of ctx (WithLocalActivityOptions). It is for functions that take well under a second: while they run the run does
// nothing else, and messages for it wait. The function needs no registration; a name stands for what is registered. A
// method is called on the struct that is registered, if it is. The arguments are passed as they are, without encoding.
//
// Only the outcome is recorded, together with what the code decides next: when the process dies before, everything since
// the last record is done again. Failed attempts are repeated in place, but one that would have to wait longer than about
// 8 s is left to a timer of the run.
//
// The Future has the function's result. Its error is a *millrace.ActivityError that wraps the reason, a
// *millrace.CanceledError when ctx was canceled meanwhile: the Future does not wait for the function then, whose own
// context ends. Any other error means that the function could not be called, because of wrong options or arguments, or
// that ctx was canceled before.
func ExecuteLocalActivity(ctx Context, activity interface{}, args ...interface{}) Future {
	r := runOf(ctx)
	r.guard("ExecuteLocalActivity")
	name, err := calledName(activity, r.def.options.ActivityName)
	if err != nil {
		return failed(r, "ExecuteLocalActivity", fmt.Errorf("execute local activity: %w", err))
	}
	if err := checkArguments(activity, reflect.TypeFor[context.Context](), args); err != nil {
		return failed(r, name, fmt.Errorf("execute local activity %s: %w", name, err))
	}
	if reflect.TypeOf(activity).Kind() == reflect.Func {
		ctx = WithValue(ctx, localFunctionKey{}, activity)
	}
	if r.outbound != nil {
		return r.outbound.ExecuteLocalActivity(withHeader(ctx, HeaderFields{}), name, args...)
	}
	return r.executeLocalActivity(ctx, name, args)
}

func (r *run) executeLocalActivity(ctx Context, name string, args []interface{}) Future {
	f := newFuture(r, "local activity "+name)
	if err := r.runLocal(ctx, f, name, args); err != nil {
		f.resolve(nil, err)
	}
	return f
}

func (r *run) runLocal(ctx Context, f *future, name string, args []interface{}) error {
	o := localActivityOptions(ctx)
	if err := o.validate(); err != nil {
		return fmt.Errorf("execute local activity %s: %w", name, err)
	}
	header, err := r.sent(ctx)
	if err != nil {
		return fmt.Errorf("execute local activity %s: %w", name, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	l := &localCall{run: r, ctx: ctx, future: f, activity: &replay.LocalActivity{
		Type:            name,
		Function:        ctx.Value(localFunctionKey{}),
		Args:            args,
		Header:          header,
		Summary:         o.Summary,
		ScheduleToClose: cmp.Or(o.ScheduleToCloseTimeout, o.StartToCloseTimeout),
		StartToClose:    cmp.Or(o.StartToCloseTimeout, o.ScheduleToCloseTimeout),
		RetryPolicy:     retry.WithDefaults(o.RetryPolicy),
	}}
	return l.begin()
}

// localCall is a local activity with all its attempts.
type localCall struct {
	run      *run
	ctx      Context
	future   *future
	activity *replay.LocalActivity
	// canceling is what cancellation of the context calls.
	canceling *hook
}

// begin asks for the next attempts.
func (l *localCall) begin() error {
	if err := l.run.env.RunLocal(l.activity, l.ended); err != nil {
		return refused(err)
	}
	l.canceling = onCancel(l.ctx, func() {
		if l.run.env.CancelLocal(l.activity) {
			l.canceled()
		}
	})
	return nil
}

func (l *localCall) ended(out replay.LocalOutcome) {
	l.canceling.forget()
	switch {
	case out.Failure == nil:
		l.future.resolve(encoded{payloads: out.Result, usual: true, whose: l.whose()}, nil)
	case out.Backoff > 0:
		l.wait(out)
	default:
		info := l.info()
		info.RetryState = out.Retry
		l.future.resolve(nil, millrace.NewActivityError(info, l.run.reason(out.Failure, l.whose())))
	}
}

func (l *localCall) whose() converter.SerializationContext {
	return l.run.activity(l.activity.Type, "", true)
}

// wait lets a timer pass before the next attempt.
func (l *localCall) wait(out replay.LocalOutcome) {
	next := *l.activity
	next.Attempt = out.Attempt + 1
	l.activity = &next
	timer := l.run.env.StartTimer(out.Backoff, l.activity.Summary, func() {
		l.canceling.forget()
		if err := l.begin(); err != nil {
			l.future.resolve(nil, err)
		}
	})
	l.canceling = onCancel(l.ctx, func() {
		l.run.env.CancelTimer(timer)
		l.canceled()
	})
}

func (l *localCall) canceled() {
	l.future.resolve(nil, millrace.NewActivityError(l.info(), millrace.NewCanceledError()))
}

func (l *localCall) info() failure.ActivityFailureInfo {
	return failure.ActivityFailureInfo{
		ActivityType: &common.ActivityType{Name: l.activity.Type},
		ActivityId:   l.activity.ID,
	}
}
