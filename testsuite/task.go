package testsuite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/retry"
	"github.com/millrace-dev/millrace/workflow"
)

// maxAttempts bounds activities whose retry policy does not: in virtual time they would be retried for ever at once.
const maxAttempts = 10

// failureSource signs the failures that are not an activity's own.
const failureSource = "millrace"

// task is an activity that a run waits for.
type task struct {
	*history.Task
	env      *engine
	run      *run
	policy   *millrace.RetryPolicy
	number   int32
	canceled bool
	gone     bool
	// again begins the next attempt.
	again *alarm
	// last is the failure of the attempt before.
	last    *failure.Failure
	current *attempt

	mu      sync.Mutex // guards details
	details *common.Payloads
}

func (e *engine) newTask(r *run, t *history.Task) *task {
	policy := retry.WithDefaults(t.RetryPolicy.Policy())
	if policy.MaximumAttempts == 0 {
		policy.MaximumAttempts = maxAttempts
	}
	return &task{Task: t, env: e, run: r, policy: policy}
}

// attempt is one call of an activity's function, and what may end it.
type attempt struct {
	*task
	number  int32
	started time.Time
	// before are the details of the last heartbeat before this attempt.
	before   *common.Payloads
	ctx      context.Context
	end      context.CancelCauseFunc
	deadline *alarm
	silence  *alarm
	// over is set when the attempt has an outcome, pending when it is to come from outside.
	over, pending bool
}

// begin makes the next attempt.
func (t *task) begin() {
	if t.gone {
		return
	}
	t.number++
	a := &attempt{task: t, number: t.number, started: t.env.time(), before: t.heartbeat()}
	t.current = a
	if t.canceled {
		a.conclude(&failure.Failure{Message: "canceled", Source: failureSource, CanceledFailureInfo: &failure.CanceledFailureInfo{}},
			enums.RETRY_STATE_CANCEL_REQUESTED)
		return
	}
	call := t.env.activityCall(t.Task)
	a.watch()
	a.ctx = activity.NewContext(a.ctx, &activityEnvironment{engine: t.env, info: a.info(), before: a.before, record: a.record})
	t.env.goBeside(func() {
		result, err := (*common.Payloads)(nil), errExited
		defer a.end(nil)
		defer func() { t.env.post(func() { a.back(result, err) }) }() // also when the function ends its goroutine
		result, err = call(a.ctx, a.info())
	})
}

var errExited = millrace.NewPanicError("the activity ended its goroutine by runtime.Goexit", "")

// watch makes the context of an attempt, and sets the alarms for its time-outs.
func (a *attempt) watch() {
	background := a.env.workerOptions.BackgroundActivityContext
	if background == nil {
		background = context.Background()
	}
	a.ctx, a.end = context.WithCancelCause(background)
	if d := a.StartToClose.Duration(); d > 0 {
		// The function sees the wall clock; the end of the attempt is the alarm's.
		ctx, stop := context.WithDeadlineCause(a.ctx, time.Now().Add(d), activity.ErrTimedOut)
		end := a.end
		a.ctx, a.end = ctx, func(cause error) {
			end(cause)
			stop()
		}
		a.deadline = a.env.after(d, a.expire)
	}
	a.listen()
}

// expire ends an attempt whose StartToClose time-out has expired, or leaves it a last moment.
func (a *attempt) expire() {
	if a.env.grace <= 0 || a.pending {
		a.timeOut(enums.TIMEOUT_TYPE_START_TO_CLOSE)
		return
	}
	a.end(activity.ErrTimedOut)
	a.deadline = a.env.after(a.env.grace, func() { a.timeOut(enums.TIMEOUT_TYPE_START_TO_CLOSE) })
}

// listen sets the alarm for the next heartbeat. A mock owes none, nor does what holds a session.
func (a *attempt) listen() {
	a.silence.cancel()
	owes := a.Type != workflow.SessionCreationActivity && !a.env.mocks.has(&a.env.mocks.activities, a.Type)
	if d := a.Heartbeat.Duration(); d > 0 && !a.over && owes {
		a.silence = a.env.after(d, func() { a.timeOut(enums.TIMEOUT_TYPE_HEARTBEAT) })
		a.silence.patient = a.pending
	}
}

// record takes a heartbeat, in any goroutine.
func (a *attempt) record(details *common.Payloads) {
	a.mu.Lock()
	a.details = details
	a.mu.Unlock()
	a.env.listeners.heartbeat(a.env, a.info(), details)
	if a.Heartbeat > 0 {
		a.env.post(a.listen)
	}
}

func (t *task) heartbeat() *common.Payloads {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.details
}

// timeOut ends an attempt whose time is over. Its function may still run.
func (a *attempt) timeOut(kind enums.TimeoutType) {
	if a.over {
		return
	}
	a.end(activity.ErrTimedOut)
	f := &failure.Failure{
		Message: kind.String() + " timeout",
		Source:  failureSource,
		Cause:   a.last,
		TimeoutFailureInfo: &failure.TimeoutFailureInfo{
			TimeoutType:          kind,
			LastHeartbeatDetails: a.heartbeat(),
		},
	}
	if f.Cause != nil && f.Cause.TimeoutFailureInfo != nil {
		alone := *f.Cause
		alone.Cause, f.Cause = nil, &alone
	}
	a.fail(f)
}

// back takes what the function has returned.
func (a *attempt) back(result *common.Payloads, err error) {
	if a.over {
		return
	}
	if errors.Is(err, activity.ErrResultPending) {
		a.pending = true
		if a.deadline != nil {
			a.deadline.patient = true
		}
		if a.silence != nil {
			a.silence.patient = true
		}
		return
	}
	if err != nil && !a.canceled && errors.Is(context.Cause(a.ctx), activity.ErrTimedOut) {
		// The function has noticed the end of its time, perhaps before the alarm rang.
		if a.deadline != nil && !a.deadline.off && a.env.grace <= 0 {
			a.env.set(a.deadline.at)
		}
		a.timeOut(enums.TIMEOUT_TYPE_START_TO_CLOSE)
		return
	}
	a.complete(result, err)
}

// complete takes the outcome of an attempt.
func (a *attempt) complete(result *common.Payloads, err error) {
	var canceled *millrace.CanceledError
	switch {
	case a.over:
	case err == nil:
		a.report(&history.ActivityResult{Result: result}, nil)
	case a.canceled && errors.As(err, &canceled):
		a.conclude(a.env.failureConverter.ErrorToFailure(canceled), enums.RETRY_STATE_CANCEL_REQUESTED)
	case a.canceled && errors.Is(err, context.Canceled):
		a.conclude(&failure.Failure{Message: "canceled", Source: failureSource, CanceledFailureInfo: &failure.CanceledFailureInfo{}},
			enums.RETRY_STATE_CANCEL_REQUESTED)
	default:
		a.fail(a.env.failureConverter.ErrorToFailure(retry.Unasked(err)))
	}
}

// fail lets the retry policy decide what follows a failure.
func (a *attempt) fail(f *failure.Failure) {
	delay, state := retry.Next(a.policy, int(a.number), a.env.time().Sub(a.Scheduled), a.ScheduleToClose.Duration(), f)
	if a.canceled && state == enums.RETRY_STATE_IN_PROGRESS {
		state = enums.RETRY_STATE_CANCEL_REQUESTED
	}
	if state != enums.RETRY_STATE_IN_PROGRESS {
		a.conclude(f, state)
		return
	}
	a.close()
	a.last = f
	a.again = a.env.after(delay, a.task.begin)
}

// conclude ends the activity with a failure.
func (a *attempt) conclude(f *failure.Failure, state enums.RetryState) {
	a.report(&history.ActivityResult{Failure: f, Retry: state}, f)
}

func (a *attempt) report(r *history.ActivityResult, f *failure.Failure) {
	a.close()
	a.gone = true
	delete(a.run.tasks, a.Event)
	r.Scheduled, r.Attempt, r.Identity, r.Started = a.Event, a.number, a.env.identity, a.started
	a.env.listeners.activityEnded(a.env, a.info(), r.Result, f)
	a.run.deliver(&history.Message{ID: fmt.Sprint(a.number), Activity: r})
}

func (a *attempt) close() {
	a.over = true
	a.deadline.cancel()
	a.silence.cancel()
}

// cancel asks the activity to end.
func (t *task) cancel() {
	t.canceled = true
	if t.current != nil && !t.current.over && t.current.end != nil {
		t.current.end(activity.ErrCanceled)
	}
}

// withdraw ends an activity that nobody waits for any more.
func (t *task) withdraw() {
	t.gone = true
	t.again.cancel()
	if a := t.current; a != nil && !a.over {
		a.close()
		if a.end != nil {
			a.end(activity.ErrCanceled)
		}
	}
}

func (t *task) facts() history.ActivityFacts {
	return history.ActivityFacts{Started: t.number > 0, Attempt: t.number, LastFailure: t.last, Details: t.heartbeat()}
}

// endLost ends the attempts of activities that have timed out as a whole.
func (r *run) endLost() {
	for id, t := range r.tasks {
		if _, pending := r.state().Activities[id]; !pending {
			if a := t.current; a != nil && !a.over && a.end != nil {
				a.end(activity.ErrTimedOut)
			}
			t.withdraw()
			delete(r.tasks, id)
		}
	}
}

// activityCall is what an attempt calls: the mock of an activity or its registered function.
func (e *engine) activityCall(t *history.Task) func(context.Context, activity.Info) (*common.Payloads, error) {
	if queue, bound := e.queues[t.Type]; bound && queue != t.Queue {
		panic(fmt.Sprintf("testsuite: activity %s was scheduled on task queue %q; SetActivityTaskQueue serves it on %q only", t.Type, t.Queue, queue))
	}
	if call := e.sessionCall(t); call != nil {
		return call
	}
	fn, ok := e.functions.Activity(t.Type)
	if !ok {
		_, known := e.functions.Types()
		panic(fmt.Sprintf("testsuite: activity type %q is not registered with the test environment (registered are [%s]): "+
			"use RegisterActivity, or OnActivity for a mock", t.Type, strings.Join(known, ", ")))
	}
	return func(ctx context.Context, info activity.Info) (*common.Payloads, error) {
		e.listeners.activityStarted(e, ctx, info, t.Input)
		if stand := e.mockedActivity(t.Type, fn); stand != nil {
			fn = stand
		}
		return fn.Call(ctx, t.Header, t.Input)
	}
}
