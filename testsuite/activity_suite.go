package testsuite

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// TestActivityEnvironment calls activities as a worker does: with encoded arguments, in an activity's context, once.
type TestActivityEnvironment struct {
	engine  *engine
	before  *common.Payloads
	header  *common.Header
	timeout time.Duration
	calls   int64
	// alone activities are called as if no workflow had scheduled them.
	alone bool
}

func newActivityTestEnvironment(s *WorkflowTestSuite) *TestActivityEnvironment {
	return &TestActivityEnvironment{engine: newEngine(newSettings(s)), header: s.header, timeout: defaultActivityTimeout}
}

// defaultActivityTimeout bounds one call unless SetTestTimeout says otherwise.
const defaultActivityTimeout = 10 * time.Minute

// RegisterActivity registers an activity function, or the methods of a struct.
func (t *TestActivityEnvironment) RegisterActivity(a interface{}) {
	t.RegisterActivityWithOptions(a, activity.RegisterOptions{})
}

// RegisterActivityWithOptions registers an activity function, or the methods of a struct.
func (t *TestActivityEnvironment) RegisterActivityWithOptions(a interface{}, options activity.RegisterOptions) {
	t.engine.registerActivity(a, options)
}

// ExecuteActivity calls an activity, given by its function or its registered name, and returns its result. Its error is
// a *millrace.ActivityError that wraps the reason, as a workflow gets it; activity.ErrResultPending is returned as it
// is. There are no retries. A function that is not registered panics.
func (t *TestActivityEnvironment) ExecuteActivity(activityFn interface{}, args ...interface{}) (converter.EncodedValue, error) {
	return t.execute(activityFn, args, false)
}

// ExecuteLocalActivity is ExecuteActivity for a local activity, whose function needs no registration.
func (t *TestActivityEnvironment) ExecuteLocalActivity(activityFn interface{}, args ...interface{}) (val converter.EncodedValue, err error) {
	return t.execute(activityFn, args, true)
}

func (t *TestActivityEnvironment) execute(activityFn any, args []any, local bool) (converter.EncodedValue, error) {
	e := t.engine
	name := e.activityName(activityFn)
	fn, ok := e.functions.Activity(name)
	if !ok && local && reflect.TypeOf(activityFn).Kind() == reflect.Func {
		e.registerActivity(activityFn, activity.RegisterOptions{})
		fn, ok = e.functions.Activity(name)
	}
	if !ok {
		_, known := e.functions.Types()
		panic(fmt.Sprintf("testsuite: activity type %q is not registered with the test environment (registered are [%s]): use RegisterActivity",
			name, strings.Join(known, ", ")))
	}
	input, err := e.dataConverter.ToPayloads(args...)
	if err != nil {
		return nil, fmt.Errorf("execute activity %s: encode arguments: %w", name, err)
	}
	info := t.info(fn.Name(), local)
	result, err := t.call(fn, info, input)
	switch {
	case err == nil:
		return converter.NewEncodedValue(result, e.dataConverter), nil
	case errors.Is(err, activity.ErrResultPending):
		return nil, err
	}
	cause := e.failureConverter.FailureToError(e.failureConverter.ErrorToFailure(err))
	return nil, millrace.NewActivityError(failure.ActivityFailureInfo{
		ActivityType: &common.ActivityType{Name: info.ActivityType.Name},
		ActivityId:   info.ActivityID,
		Identity:     e.identity,
	}, cause)
}

// call calls the function in a goroutine of its own, which may end it as testing's FailNow does.
func (t *TestActivityEnvironment) call(fn *worker.ActivityFunction, info activity.Info, input *common.Payloads) (*common.Payloads, error) {
	e := t.engine
	background := e.workerOptions.BackgroundActivityContext
	if background == nil {
		background = context.Background()
	}
	ctx, cancel := context.WithTimeoutCause(background, t.timeout, activity.ErrTimedOut)
	defer cancel()
	ctx = activity.NewContext(ctx, &activityEnvironment{engine: e, info: info, before: t.before, record: func(details *common.Payloads) {
		e.listeners.heartbeat(e, info, details)
	}})
	type returned struct {
		result *common.Payloads
		err    error
	}
	done := make(chan returned, 1)
	go func() {
		r := returned{err: errExited}
		defer func() { done <- r }()
		r.result, r.err = fn.Call(ctx, t.header, input)
	}()
	r := <-done
	return r.result, r.err
}

func (t *TestActivityEnvironment) info(name string, local bool) activity.Info {
	t.calls++
	now := time.Now()
	start := t.engine.newStart("", now)
	a := &attempt{task: &task{env: t.engine, Task: &history.Task{
		Run: start.Run, Event: t.calls, ActivityID: fmt.Sprint(t.calls), Type: name, Queue: start.Run.Queue,
		Scheduled: now, StartToClose: history.MillisOf(t.timeout),
	}}, number: 1, started: now}
	info := a.info()
	info.IsLocalActivity = local
	if t.alone {
		info.WorkflowType, info.WorkflowExecution, info.WorkflowNamespace = nil, workflow.Execution{}, ""
	}
	return info
}

// SetExecuteActivitiesInWorkflow says whether activities find themselves scheduled by a workflow: otherwise activity.Info
// names none. Default true.
func (t *TestActivityEnvironment) SetExecuteActivitiesInWorkflow(executeActivitiesInWorkflow bool) *TestActivityEnvironment {
	t.alone = !executeActivitiesInWorkflow
	return t
}

// SetHeartbeatDetails sets what activities find of the attempt before.
func (t *TestActivityEnvironment) SetHeartbeatDetails(details interface{}) {
	p, err := t.engine.dataConverter.ToPayloads(details)
	if err != nil {
		panic(fmt.Sprintf("testsuite: SetHeartbeatDetails: %v", err))
	}
	t.before = p
}

// SetTestTimeout bounds one call of an activity by the wall clock: then its context ends. Default 10 min.
func (t *TestActivityEnvironment) SetTestTimeout(idleTimeout time.Duration) *TestActivityEnvironment {
	t.timeout = idleTimeout
	return t
}

// SetWorkerOptions sets the options of the worker that the environment takes the place of. BackgroundActivityContext
// and Interceptors count.
func (t *TestActivityEnvironment) SetWorkerOptions(options worker.Options) *TestActivityEnvironment {
	t.engine.workerOptions = options
	t.engine.registerAgain()
	return t
}

// SetWorkerStopChannel sets what activity.GetWorkerStopChannel returns.
func (t *TestActivityEnvironment) SetWorkerStopChannel(c chan struct{}) { t.engine.workerStop = c }

// SetDataConverter sets what encodes arguments and results.
func (t *TestActivityEnvironment) SetDataConverter(dataConverter converter.DataConverter) *TestActivityEnvironment {
	t.engine.setDataConverter(dataConverter)
	return t
}

// SetFailureConverter sets what encodes errors.
func (t *TestActivityEnvironment) SetFailureConverter(failureConverter converter.FailureConverter) *TestActivityEnvironment {
	t.engine.setFailureConverter(failureConverter)
	return t
}

// SetContextPropagators sets what carries values of the header into the contexts of activities.
func (t *TestActivityEnvironment) SetContextPropagators(contextPropagators []workflow.ContextPropagator) *TestActivityEnvironment {
	t.engine.propagators = contextPropagators
	t.engine.registerAgain()
	return t
}

// SetIdentity sets how the environment's worker signs what it does.
func (t *TestActivityEnvironment) SetIdentity(identity string) *TestActivityEnvironment {
	t.engine.identity = identity
	return t
}

// SetHeader sets the header that activities are called with.
func (t *TestActivityEnvironment) SetHeader(header *common.Header) { t.header = header }

// SetOnActivityHeartbeatListener sets what is called for each heartbeat, in the goroutine of the activity.
func (t *TestActivityEnvironment) SetOnActivityHeartbeatListener(
	listener func(activityInfo *activity.Info, details converter.EncodedValues)) *TestActivityEnvironment {
	t.engine.listeners.onHeartbeat = listener
	return t
}
