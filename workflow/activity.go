package workflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

// ExecuteActivity schedules an activity, named by its function or by the name that it is registered under, with the
// options of ctx (WithActivityOptions). The arguments are encoded before it returns.
//
// The Future has the activity's result. Its error is a *millrace.ActivityError that wraps the reason; ErrCanceled when
// ctx was canceled (see ActivityOptions.WaitForCancellation); or any other error when the activity could not be
// scheduled, because of wrong options or arguments, or of arguments that are too large.
func ExecuteActivity(ctx Context, activity interface{}, args ...interface{}) Future {
	r := runOf(ctx)
	r.guard("ExecuteActivity")
	name, err := calledName(activity, r.def.options.ActivityName)
	if err != nil {
		return failed(r, "ExecuteActivity", fmt.Errorf("execute activity: %w", err))
	}
	if err := checkArguments(activity, reflect.TypeFor[context.Context](), args); err != nil {
		return failed(r, name, fmt.Errorf("execute activity %s: %w", name, err))
	}
	if r.outbound != nil {
		return r.outbound.ExecuteActivity(withHeader(ctx, HeaderFields{}), name, args...)
	}
	return r.executeActivity(ctx, name, args)
}

func (r *run) executeActivity(ctx Context, name string, args []interface{}) Future {
	c := &activityCall{future: future{run: r, get: "activity " + name + ".Get"}, ctx: ctx}
	if err := c.schedule(name, args); err != nil {
		c.resolve(nil, err)
	}
	return &c.future
}

// activityCall is an activity that was asked for, in one piece of memory with the future of its outcome.
type activityCall struct {
	future
	ctx       Context
	options   *ActivityOptions
	scheduled *history.ActivityTaskScheduled
	event     int64
	canceling hook
}

func (c *activityCall) schedule(name string, args []interface{}) error {
	r, ctx := c.run, c.ctx
	o := activityOptions(ctx)
	if r.sessions > 0 {
		if s := GetSessionInfo(ctx); s != nil {
			var err error
			if o, err = s.inSession(o); err != nil {
				return err
			}
		}
	}
	if err := o.validate(); err != nil {
		return fmt.Errorf("execute activity %s: %w", name, err)
	}
	input, err := r.encodeIn(ctx, r.activity(name, o.TaskQueue, false), args...)
	if err != nil {
		return fmt.Errorf("execute activity %s: encode arguments: %w", name, err)
	}
	header, err := r.sent(ctx)
	if err != nil {
		return fmt.Errorf("execute activity %s: %w", name, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, used := r.activityIDs[o.ActivityID]; used {
		return fmt.Errorf("execute activity %s: ActivityID %q is that of another activity that has not ended", name, o.ActivityID)
	}
	a := &history.ActivityTaskScheduled{
		ActivityID:      o.ActivityID,
		Type:            name,
		Queue:           o.TaskQueue,
		Input:           input,
		Header:          header,
		ScheduleToClose: history.MillisOf(o.ScheduleToCloseTimeout),
		ScheduleToStart: history.MillisOf(o.ScheduleToStartTimeout),
		StartToClose:    history.MillisOf(cmp.Or(o.StartToCloseTimeout, o.ScheduleToCloseTimeout)),
		Heartbeat:       history.MillisOf(o.HeartbeatTimeout),
		RetryPolicy:     history.RetryPolicyOf(o.RetryPolicy),
		Summary:         o.Summary,
		NoEager:         o.DisableEagerExecution,
		Priority:        history.PriorityOf(o.Priority),
	}
	if c.event, err = r.env.ScheduleActivity(a, c.ended); err != nil {
		return refused(err)
	}
	c.options, c.scheduled = o, a
	if o.ActivityID != "" {
		r.activityIDs[o.ActivityID] = struct{}{}
	}
	if above := cancelContextOf(ctx); above != nil {
		above.hooks.register(&c.canceling, c.cancel)
	}
	return nil
}

// ended is called with the outcome.
func (c *activityCall) ended(out replay.Outcome) {
	c.canceling.forget()
	if c.options.ActivityID != "" {
		delete(c.run.activityIDs, c.options.ActivityID)
	}
	c.resolve(c.run.activityOutcome(c.scheduled, out))
}

// cancel is called when the context is canceled.
func (c *activityCall) cancel() {
	c.run.env.RequestCancelActivity(c.event)
	if !c.options.WaitForCancellation {
		c.resolve(nil, c.ctx.Err())
	}
}

// activityOutcome is what the future of an activity is set to.
func (r *run) activityOutcome(a *history.ActivityTaskScheduled, out replay.Outcome) (interface{}, error) {
	whose := r.activity(a.Type, a.Queue, false)
	if out.Failure == nil {
		return encoded{payloads: out.Result, whose: whose}, nil
	}
	info := failure.ActivityFailureInfo{
		ActivityType: &common.ActivityType{Name: a.Type},
		ActivityId:   a.ActivityID,
	}
	if e, ok := out.Event.Attributes.(interface{ End() *history.ActivityEnd }); ok {
		info.ScheduledEventId, info.Identity = e.End().Scheduled, e.End().Identity
	}
	switch e := out.Event.Attributes.(type) {
	case *history.ActivityTaskFailed:
		info.RetryState = e.Retry
	case *history.ActivityTaskTimedOut:
		info.RetryState = e.Retry
	case *history.ActivityTaskCanceled:
		info.RetryState = enums.RETRY_STATE_NON_RETRYABLE_FAILURE
	}
	return nil, millrace.NewActivityError(info, r.reason(out.Failure, whose))
}

// reason is the error that a failure of whose, nil for the run itself, describes.
func (r *run) reason(f *failure.Failure, whose converter.SerializationContext) error {
	if err := r.failuresOf(whose).FailureToError(f); err != nil {
		return err
	}
	return errors.New("failure converter returned no error for a failure")
}
