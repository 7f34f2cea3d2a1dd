package worker

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"time"

	"golang.org/x/time/rate"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/alone"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/internal/retry"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

var _ coordinator.LocalRunner = (*localActivities)(nil)

// localActivities run the local activities of the workflows that this process runs.
type localActivities struct {
	namespace string
	queue     string
	find      func(activityType string) (*function, bool)

	surroundings     surroundings
	failureConverter converter.FailureConverter
	// contextual says that a converter asks whose payloads it converts.
	contextual bool
	logger     log.Logger
	client     client.Client
	metrics    client.MetricsHandler
	// gate is passed by every function.
	gate *alone.Gate

	// base is what the functions' contexts are made from.
	base context.Context
	// stopping is closed when the worker begins to stop.
	stopping <-chan struct{}
	// slots holds a token for each function that runs.
	slots chan struct{}
	// limit is what WorkerLocalActivitiesPerSecond asks for, nil for no bound.
	limit *rate.Limiter
}

func (w *worker) newLocalActivities(logger log.Logger) *localActivities {
	return &localActivities{
		namespace:        w.core.Namespace,
		queue:            w.queue,
		find:             w.registry.activity,
		surroundings:     surroundings{w.core.ContextPropagators, interceptActivity(w.interceptors), w.core.DataConverter, nil},
		failureConverter: w.core.FailureConverter,
		contextual:       contextual(w.core),
		logger:           logger,
		client:           w.client,
		metrics:          w.core.MetricsHandler,
		gate:             w.core.Gate,
		base:             w.options.BackgroundActivityContext,
		stopping:         w.ended,
		slots:            make(chan struct{}, w.options.MaxConcurrentLocalActivityExecutionSize),
		limit:            limiter(w.options.WorkerLocalActivitiesPerSecond),
	}
}

// localAttempt is one call of a local activity's function.
type localAttempt struct {
	*localActivities
	start    *history.Start
	task     *replay.LocalActivity
	number   int32
	started  time.Time
	deadline time.Time
}

// RunLocal is documented at coordinator.LocalRunner.
func (l *localActivities) RunLocal(ctx context.Context, start *history.Start, a *replay.LocalActivity, until time.Time) replay.LocalOutcome {
	out := replay.LocalOutcome{Attempt: a.Attempt}
	f, err := localFunction(a, l.find)
	if err != nil {
		out.Failure, out.Retry = (&localAttempt{localActivities: l, start: start, task: a}).failures().ErrorToFailure(err), enums.RETRY_STATE_NON_RETRYABLE_FAILURE
		out.Time = time.Now()
		return out
	}
	for ; ; out.Attempt++ {
		at := &localAttempt{localActivities: l, start: start, task: a, number: out.Attempt}
		out.Result, out.Failure = at.run(ctx, f)
		out.Time = time.Now()
		at.measure(out.Failure)
		if out.Failure == nil || ctx.Err() != nil {
			out.Retry = enums.RETRY_STATE_UNSPECIFIED // that of the attempt before says nothing
			return out
		}
		var delay time.Duration
		delay, out.Retry = retry.Next(a.RetryPolicy, int(out.Attempt), out.Time.Sub(a.Scheduled), a.ScheduleToClose, out.Failure)
		if out.Retry != enums.RETRY_STATE_IN_PROGRESS {
			return out
		}
		if out.Time.Add(delay).After(until) {
			out.Backoff = max(delay, time.Millisecond) // 0 would say that there is no other attempt
			return out
		}
		if !rest(ctx, delay) {
			return out
		}
	}
}

// rest waits, and says whether ctx did not end meanwhile.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// localFunction is what to call: a registered function by its name, or the one given. A method that is given, usually of a
// nil struct, stands for that of the struct that is registered, if its type tells that it is the same.
func localFunction(a *replay.LocalActivity, find func(activityType string) (*function, bool)) (*function, error) {
	registered, known := find(a.Type)
	if a.Function == nil {
		if !known {
			return nil, millrace.NewNonRetryableApplicationError(fmt.Sprintf(
				"local activity %s is not registered here: register it where its workflow is, or pass its function", a.Type), "ActivityNotRegistered", nil)
		}
		return registered, nil
	}
	given := reflect.ValueOf(a.Function)
	if known && registered.value.Type() == given.Type() && isMethod(given) {
		return registered, nil
	}
	f, err := newFunction(a.Type, given)
	if err != nil {
		return nil, millrace.NewNonRetryableApplicationError(err.Error(), "InvalidFunction", nil)
	}
	return f, nil
}

// Local is the function of a local activity: one that is registered, or the one that the code has given.
func (f *Functions) Local(a *replay.LocalActivity) (*ActivityFunction, error) {
	fn, err := localFunction(a, f.registry.activity)
	if err != nil {
		return nil, err
	}
	return &ActivityFunction{fn, f.surroundings}, nil
}

// CallLocal is Call for the arguments of a local activity, which have not been encoded.
func (f *ActivityFunction) CallLocal(ctx context.Context, header *common.Header, args []any) (*common.Payloads, error) {
	return f.function.callLocal(ctx, f.surroundings, header, args)
}

// isMethod says whether fn is a method value.
func isMethod(fn reflect.Value) bool {
	return strings.HasSuffix(runtime.FuncForPC(fn.Pointer()).Name(), "-fm")
}

// run makes the attempt. The function may outlive it, when it ignores the end of its context, and then keeps its slot.
func (at *localAttempt) run(ctx context.Context, f *function) (*common.Payloads, *failure.Failure) {
	select {
	case at.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, canceledFailure(nil)
	}
	if at.limit != nil && at.limit.Wait(ctx) != nil {
		<-at.slots
		return nil, canceledFailure(nil)
	}
	at.gate.Enter(ctx)
	kind := at.begin()
	fctx, end := context.WithCancelCause(at.base)
	defer end(nil)
	defer context.AfterFunc(ctx, func() { end(activity.ErrCanceled) })()
	fctx, stopClock := context.WithDeadlineCause(fctx, at.deadline, activity.ErrTimedOut)
	defer stopClock()
	done := make(chan returned, 1)
	go at.call(fctx, f, done)
	select {
	case r := <-done:
		return at.ended(r, kind)
	case <-fctx.Done():
	}
	if ctx.Err() != nil {
		return nil, canceledFailure(nil)
	}
	select {
	case r := <-done: // both at a time
		return at.ended(r, kind)
	default:
	}
	if passed(at.deadline, time.Now()) {
		return nil, timeoutFailure(kind, nil)
	}
	return nil, canceledFailure(nil) // the base context has ended
}

// begin sets the attempt's times and returns the time-out that its deadline stands for.
func (at *localAttempt) begin() enums.TimeoutType {
	at.started = time.Now()
	at.deadline = at.started.Add(at.task.StartToClose)
	if last := at.task.Scheduled.Add(at.task.ScheduleToClose); !last.After(at.deadline) {
		at.deadline = last
		return enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE
	}
	return enums.TIMEOUT_TYPE_START_TO_CLOSE
}

// call calls the function and passes on what it returns, also when it ends its goroutine.
func (at *localAttempt) call(ctx context.Context, f *function, done chan<- returned) {
	r := returned{err: errExited}
	defer func() {
		at.gate.Leave()
		<-at.slots
		done <- r
	}()
	ctx = activity.NewContext(ctx, &localEnvironment{at})
	s := at.surroundings
	s.whose = at.whose()
	r.result, r.err = f.callLocal(ctx, s, at.task.Header, at.task.Args)
}

// callLocal is callWithin for arguments that have not been encoded.
func (f *function) callLocal(ctx context.Context, s surroundings, header *common.Header, args []any) (*common.Payloads, error) {
	return f.within(ctx, s, "local activity", header, func(ctx context.Context, dc converter.DataConverter) (*common.Payloads, error) {
		fitting, err := f.fit(args, dc)
		if err != nil {
			return nil, err
		}
		call := &activity.ExecuteActivityInput{Args: fitting}
		var value any
		if s.intercept == nil {
			value, err = f.callDecoded(ctx, call)
		} else {
			ctx, chain, initErr := activity.Intercepted(ctx, s.intercept, f.callDecoded)
			if initErr != nil {
				return nil, fmt.Errorf("initialize interceptors of local activity %s: %w", f.name, initErr)
			}
			value, err = chain.ExecuteActivity(ctx, call)
		}
		if err != nil || f.value.Type().NumOut() == 1 {
			return nil, err
		}
		return f.encode(value, dc)
	})
}

// fit are arguments as the function takes them. Those of a function that is called by its name may have other types, and
// are then encoded and decoded, as those of all other activities are.
func (f *function) fit(args []any, dc converter.DataConverter) ([]any, error) {
	if len(args) == len(f.params) && !f.dynamic {
		fits := true
		for i, arg := range args {
			fits = fits && (arg == nil || reflect.TypeOf(arg).AssignableTo(f.params[i]))
		}
		if fits {
			return args, nil
		}
	}
	input, err := dc.ToPayloads(args...)
	if err != nil {
		return nil, millrace.NewNonRetryableApplicationError(
			fmt.Sprintf("encode the arguments of local activity %s", f.name), "EncodeArguments", err)
	}
	in, err := f.decode(nil, input, dc)
	if err != nil {
		return nil, err
	}
	return f.arguments(in), nil
}

// ended makes an outcome of what the function has returned.
func (at *localAttempt) ended(r returned, kind enums.TimeoutType) (*common.Payloads, *failure.Failure) {
	switch {
	case r.err == nil:
		return r.result, nil
	case errors.Is(r.err, activity.ErrResultPending):
		return nil, at.failures().ErrorToFailure(millrace.NewNonRetryableApplicationError(
			"a local activity cannot be completed from outside", "ResultPending", r.err))
	case passed(at.deadline, time.Now()):
		// The function noticed the end of its time before we did.
		return nil, timeoutFailure(kind, nil)
	}
	return nil, at.failures().ErrorToFailure(r.err)
}

// localEnvironment is what the function of a local activity sees of its attempt.
type localEnvironment struct{ at *localAttempt }

var _ activity.Environment = (*localEnvironment)(nil)

func (e *localEnvironment) Info() activity.Info {
	at := e.at
	return activity.Info{
		WorkflowType:           &workflow.Type{Name: at.start.Type},
		WorkflowNamespace:      at.namespace,
		WorkflowExecution:      workflow.Execution{ID: at.start.Run.WorkflowID, RunID: at.start.Run.RunID},
		ActivityID:             at.task.ID,
		ActivityType:           activity.Type{Name: at.task.Type},
		TaskQueue:              at.queue,
		Namespace:              at.namespace,
		ScheduleToCloseTimeout: at.task.ScheduleToClose,
		StartToCloseTimeout:    at.task.StartToClose,
		ScheduledTime:          at.task.Scheduled,
		StartedTime:            at.started,
		Deadline:               at.deadline,
		Attempt:                at.number,
		RetryPolicy:            at.task.RetryPolicy,
		IsLocalActivity:        true,
	}
}

// Heartbeat does nothing: nobody but the workflow's own process waits.
func (e *localEnvironment) Heartbeat([]interface{}) {}

func (e *localEnvironment) HeartbeatDetails() converter.EncodedValues {
	return converter.NewEncodedValues(nil, e.at.surroundings.dataConverter)
}

func (e *localEnvironment) Logger() log.Logger {
	at := e.at
	return log.With(at.logger, "workflowID", at.start.Run.WorkflowID, "runID", at.start.Run.RunID,
		"activityType", at.task.Type, "activityID", at.task.ID, "attempt", at.number)
}

func (e *localEnvironment) WorkerStopping() <-chan struct{} { return e.at.stopping }

func (e *localEnvironment) Client() client.Client { return e.at.client }

func (e *localEnvironment) Metrics() client.MetricsHandler {
	return e.at.metrics.WithTags(map[string]string{
		"namespace":     e.at.namespace,
		"task_queue":    e.at.queue,
		"activity_type": e.at.task.Type,
		"workflow_type": e.at.start.Type,
	})
}
