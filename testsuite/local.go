package testsuite

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/internal/retry"
	"github.com/millrace-dev/millrace/workflow"
)

// localBudget is for how long failed local activities are repeated within one transition, as a coordinator does where the
// start says nothing. A later attempt is left to the run.
const localBudget = 8 * time.Second

// stretch is a transition that waits for local activities. What reaches the run meanwhile waits for the next one.
type stretch struct {
	transition *history.Transition
	until      time.Time
	running    map[*replay.LocalActivity]*localTask
	// asked is what the transition was decided on, ended the local activities that have ended in it.
	asked question
	ended []endedLocal
}

// question is what a transition is decided on: messages, and whether the clock was looked at.
type question struct {
	messages []*history.Message
	clock    bool
}

// endedLocal is a local activity with its outcome. It is not called again when the code asks for it again.
type endedLocal struct {
	activity *replay.LocalActivity
	out      replay.LocalOutcome
}

// interrupted makes ready to decide again what waits for local activities, together with a request to cancel or terminate
// the run, if one has come: it does not wait for them. It says whether it has, and whether the clock is to be looked at.
func (r *run) interrupted() (yes, clock bool) {
	s := r.stretch
	r.mu.Lock()
	asked := slices.ContainsFunc(r.waiting, func(m *history.Message) bool { return m.Cancel != nil || m.Terminate != nil })
	r.mu.Unlock()
	if !asked || r.mocked {
		return false, false
	}
	r.endStretch()
	err := r.guarded(func() error {
		r.machine.Destroy()
		r.machine = r.newMachine()
		return r.replayOn(r.machine)
	})
	if err != nil {
		r.breaks(err)
		return false, false
	}
	r.kept = s.ended
	r.mu.Lock()
	r.waiting = append(slices.Clip(s.asked.messages), r.waiting...)
	r.mu.Unlock()
	return true, s.asked.clock
}

// known is the outcome of a local activity that was called before the run was interrupted.
func (r *run) known(a *replay.LocalActivity) (replay.LocalOutcome, bool) {
	for _, k := range r.kept {
		if k.activity.ID == a.ID && k.activity.Type == a.Type && k.activity.Attempt == a.Attempt && reflect.DeepEqual(k.activity.Args, a.Args) {
			return k.out, true
		}
	}
	return replay.LocalOutcome{}, false
}

// localTask is a local activity of a stretch.
type localTask struct {
	run      *run
	activity *replay.LocalActivity
	policy   millrace.RetryPolicy
	number   int32
	started  time.Time
	ctx      context.Context
	end      context.CancelCauseFunc
	deadline *alarm
	again    *alarm
	over     bool
}

// goOn commits a transition, unless its code waits for local activities: these are run first.
func (r *run) goOn(t *history.Transition, events []history.Event) {
	r.code.Lock()
	waiting := r.machine.Locals()
	r.code.Unlock()
	if len(waiting) == 0 {
		r.endStretch()
		t.Events = events
		r.commit(t)
		return
	}
	if r.stretch == nil {
		r.stretch = &stretch{transition: t, until: r.env.time().Add(localBudget), running: map[*replay.LocalActivity]*localTask{},
			asked: r.asked, ended: r.kept}
	}
	waited := map[*replay.LocalActivity]bool{}
	for _, a := range waiting {
		waited[a] = true
		if r.stretch.running[a] == nil {
			l := &localTask{run: r, activity: a, number: a.Attempt - 1}
			if a.RetryPolicy != nil {
				l.policy = *a.RetryPolicy
			}
			if l.policy.MaximumAttempts == 0 {
				l.policy.MaximumAttempts = maxAttempts
			}
			r.stretch.running[a] = l
			l.begin()
		}
	}
	for a, l := range r.stretch.running {
		if !waited[a] {
			l.cancel()
			delete(r.stretch.running, a)
		}
	}
}

// endStretch ends the local activities that the code no longer waits for.
func (r *run) endStretch() {
	if r.stretch == nil {
		return
	}
	for _, l := range r.stretch.running {
		l.cancel()
	}
	r.stretch = nil
}

// begin makes the next attempt.
func (l *localTask) begin() {
	if l.over {
		return
	}
	e, a := l.run.env, l.activity
	l.number++
	l.started = e.time()
	if out, ended := l.run.known(a); ended {
		e.post(func() {
			if !l.over {
				out.Time = e.time()
				l.tell(out)
			}
		})
		return
	}
	fn, err := e.functions.Local(a)
	if err != nil {
		l.conclude(nil, e.failureConverter.ErrorToFailure(err), enums.RETRY_STATE_NON_RETRYABLE_FAILURE, 0)
		return
	}
	background := e.workerOptions.BackgroundActivityContext
	if background == nil {
		background = context.Background()
	}
	left := min(a.StartToClose, a.Scheduled.Add(a.ScheduleToClose).Sub(l.started))
	ctx, end := context.WithCancelCause(background)
	ctx, stop := context.WithDeadlineCause(ctx, time.Now().Add(left), activity.ErrTimedOut)
	endBoth := func(cause error) {
		end(cause)
		stop()
	}
	number, info := l.number, l.info()
	ctx = activity.NewContext(ctx, &activityEnvironment{engine: e, info: info, record: func(*common.Payloads) {}})
	l.ctx, l.end = ctx, endBoth
	l.deadline = e.after(left, l.timeOut)
	e.goBeside(func() {
		result, err := (*common.Payloads)(nil), errExited
		defer endBoth(nil)
		defer func() { e.post(func() { l.back(number, result, err) }) }() // also when the function ends its goroutine
		e.listeners.localStarted(ctx, info, a.Args)
		if stand := e.mockedActivity(a.Type, fn); stand != nil {
			fn = stand
		}
		result, err = fn.CallLocal(ctx, a.Header, a.Args)
	})
}

// back takes what an attempt has returned.
func (l *localTask) back(number int32, result *common.Payloads, err error) {
	e := l.run.env
	switch {
	case l.over || number != l.number:
	case err == nil:
		l.conclude(result, nil, enums.RETRY_STATE_UNSPECIFIED, 0)
	case errors.Is(context.Cause(l.ctx), activity.ErrTimedOut):
		l.timeOut()
	case errors.Is(err, activity.ErrResultPending):
		l.fail(e.failureConverter.ErrorToFailure(millrace.NewNonRetryableApplicationError(
			"a local activity cannot be completed from outside", "ResultPending", err)))
	default:
		l.fail(e.failureConverter.ErrorToFailure(err))
	}
}

func (l *localTask) timeOut() {
	if l.over {
		return
	}
	l.end(activity.ErrTimedOut)
	kind := enums.TIMEOUT_TYPE_START_TO_CLOSE
	if l.activity.ScheduleToClose <= l.activity.StartToClose || l.run.env.time().Sub(l.activity.Scheduled) >= l.activity.ScheduleToClose {
		kind = enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE
	}
	l.fail(&failure.Failure{Message: kind.String() + " timeout", Source: failureSource,
		TimeoutFailureInfo: &failure.TimeoutFailureInfo{TimeoutType: kind}})
}

// fail lets the retry policy decide what follows a failure.
func (l *localTask) fail(f *failure.Failure) {
	e, a := l.run.env, l.activity
	l.deadline.cancel()
	delay, state := retry.Next(&l.policy, int(l.number), e.time().Sub(a.Scheduled), a.ScheduleToClose, f)
	switch {
	case state != enums.RETRY_STATE_IN_PROGRESS:
		l.conclude(nil, f, state, 0)
	case e.time().Add(delay).After(l.run.stretch.until):
		l.conclude(nil, f, state, max(delay, time.Millisecond))
	default:
		l.again = e.after(delay, l.begin)
	}
}

// conclude gives the code an outcome and lets it go on.
func (l *localTask) conclude(result *common.Payloads, f *failure.Failure, state enums.RetryState, backoff time.Duration) {
	r := l.run
	if backoff == 0 {
		r.env.listeners.localEnded(r.env, l.info(), result, f)
	}
	out := replay.LocalOutcome{Result: result, Failure: f, Attempt: l.number, Backoff: backoff, Retry: state, Time: r.env.time()}
	r.stretch.ended = append(r.stretch.ended, endedLocal{l.activity, out})
	l.tell(out)
}

// tell gives the code an outcome.
func (l *localTask) tell(out replay.LocalOutcome) {
	r := l.run
	l.close()
	delete(r.stretch.running, l.activity)
	var events []history.Event
	err := r.guarded(func() (err error) {
		events, err = r.machine.Resume(l.activity, out)
		return err
	})
	if err != nil {
		r.breaks(err)
		return
	}
	r.goOn(r.stretch.transition, events)
}

func (l *localTask) close() {
	l.over = true
	l.deadline.cancel()
	l.again.cancel()
}

// cancel ends a local activity that the code no longer waits for.
func (l *localTask) cancel() {
	l.close()
	if l.end != nil {
		l.end(activity.ErrCanceled)
	}
	l.run.env.listeners.localCanceled(l.info())
}

func (l *localTask) info() activity.Info {
	r, a := l.run, l.activity
	return activity.Info{
		WorkflowType:           &workflow.Type{Name: r.start.Type},
		WorkflowNamespace:      r.env.namespace,
		WorkflowExecution:      workflow.Execution{ID: r.id().WorkflowID, RunID: r.id().RunID},
		ActivityID:             a.ID,
		ActivityType:           activity.Type{Name: a.Type},
		TaskQueue:              r.start.Run.Queue,
		Namespace:              r.env.namespace,
		ScheduleToCloseTimeout: a.ScheduleToClose,
		StartToCloseTimeout:    a.StartToClose,
		ScheduledTime:          a.Scheduled,
		StartedTime:            l.started,
		Deadline:               l.started.Add(a.StartToClose),
		Attempt:                l.number,
		RetryPolicy:            a.RetryPolicy,
		IsLocalActivity:        true,
	}
}
