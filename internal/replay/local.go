package replay

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

// LocalActivity is an activity that the code asks its own process to run, beside the coroutines. Only its outcome is
// recorded. It must not be changed after Env.RunLocal.
type LocalActivity struct {
	// ID names it within its run. Empty is replaced by its number among the run's local activities.
	ID   string
	Type string
	// Function is what to call, nil for what is registered as Type; Args are its arguments without the context. The
	// Machine passes them on.
	Function any
	Args     []any
	Header   *common.Header
	Summary  string
	// Attempt is the number of the next attempt. Scheduled is when the first was asked for, zero for now.
	Attempt   int32
	Scheduled time.Time
	// ScheduleToClose bounds all attempts, StartToClose each of them.
	ScheduleToClose time.Duration
	StartToClose    time.Duration
	RetryPolicy     *millrace.RetryPolicy

	done func(LocalOutcome)
}

// LocalOutcome is how a local activity ended. Failure is nil for success.
type LocalOutcome struct {
	Result  *common.Payloads
	Failure *failure.Failure
	// Attempt is the number of the last attempt.
	Attempt int32
	// Backoff is how long the code is to wait before it asks for the next attempt; 0 when there is none, and Retry says
	// why.
	Backoff time.Duration
	Retry   enums.RetryState
	// Time is when it ended.
	Time time.Time
}

// RunLocal asks for a local activity; done is called with its outcome. Nothing is decided by that: the outcome is, when it
// is there. A name that is too long or missing gives a *LimitError.
func (e *Env) RunLocal(a *LocalActivity, done func(LocalOutcome)) error {
	m := e.m
	if !m.deciding("RunLocal") {
		return nil
	}
	c := check{call: "local activity", name: a.Type}
	c.text("type", a.Type, maxType)
	if c.err != nil {
		return c.err
	}
	if a.ID == "" {
		m.localsAsked++
		a.ID = strconv.Itoa(m.localsAsked)
	}
	if a.Scheduled.IsZero() {
		a.Scheduled = m.now
	}
	a.Attempt, a.done = max(a.Attempt, 1), done
	m.locals = append(m.locals, a)
	return nil
}

// CancelLocal decides that a local activity ends as canceled, unless it has ended, and says whether it did. Its outcome is
// not told.
func (e *Env) CancelLocal(a *LocalActivity) bool {
	m := e.m
	if !m.deciding("CancelLocal") || !m.forgetLocal(a) {
		return false
	}
	m.issue(&history.MarkerRecorded{
		Name:    history.MarkerLocalActivity,
		ID:      a.ID,
		Failure: &failure.Failure{Message: "canceled", CanceledFailureInfo: &failure.CanceledFailureInfo{}},
		Summary: a.Summary,
		Local:   &history.LocalActivity{Type: a.Type, Attempt: a.Attempt, Time: m.now, Retry: enums.RETRY_STATE_CANCEL_REQUESTED},
	})
	return true
}

// forgetLocal takes a out of those that run, and says whether it was there.
func (m *Machine) forgetLocal(a *LocalActivity) bool {
	i := slices.Index(m.locals, a)
	if i < 0 {
		return false
	}
	m.locals = slices.Delete(m.locals, i, i+1)
	return true
}

// Locals are the local activities that the code waits for after Decide or Resume, in the order in which it asked. The
// transition must not be committed before each has had its outcome by Resume: nothing else would wake the code. The slice
// is valid until the next call.
func (m *Machine) Locals() []*LocalActivity {
	if m.closed || m.destroyed {
		return nil
	}
	return m.locals
}

// Resume goes on with what Decide began: it tells the code the outcome of a local activity, and returns what Decide
// returned with the events that were decided since. A local activity that has had its outcome, or that the code has
// canceled since, changes nothing. A *PanicError means the same as for Decide.
func (m *Machine) Resume(a *LocalActivity, out LocalOutcome) ([]history.Event, error) {
	switch {
	case m.destroyed:
		return nil, ErrDestroyed
	case m.err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDead, m.err)
	case !m.uncommitted:
		return nil, fmt.Errorf("resume run %s: %w", m.run(), ErrNothingToCommit)
	}
	if m.closed || !m.forgetLocal(a) {
		return m.offered, nil
	}
	known := len(m.decided)
	m.issue(m.outcomeMarker(a, &out))
	if err := m.runCode(func() { m.worked = m.tellLocal(a, out) }); err != nil {
		return nil, m.die(err)
	}
	m.offered = append(m.offered, m.decided[known:]...)
	return m.offered, nil
}

// outcomeMarker is what is recorded of an outcome. One that is too large becomes a failure.
func (m *Machine) outcomeMarker(a *LocalActivity, out *LocalOutcome) *history.MarkerRecorded {
	c := check{call: "local activity", name: a.Type, config: &m.config}
	c.list("result", out.Result)
	if c.err != nil {
		out.Result, out.Failure, out.Retry = nil, tooLarge(c.err), enums.RETRY_STATE_NON_RETRYABLE_FAILURE
	}
	if out.Failure != nil {
		out.Failure = m.cutFailure(out.Failure)
	}
	out.Time = out.Time.Round(0).UTC()
	backoff := history.MillisOf(out.Backoff)
	out.Backoff = backoff.Duration()
	return &history.MarkerRecorded{
		Name:    history.MarkerLocalActivity,
		ID:      a.ID,
		Result:  out.Result,
		Failure: out.Failure,
		Summary: a.Summary,
		Local:   &history.LocalActivity{Type: a.Type, Attempt: out.Attempt, Time: out.Time, Backoff: backoff, Retry: out.Retry},
	}
}

// tellLocal gives the code an outcome and lets it go on.
func (m *Machine) tellLocal(a *LocalActivity, out LocalOutcome) error {
	if out.Time.After(m.now) {
		m.now = out.Time
	}
	m.phase = callback
	a.done(out)
	return m.schedule()
}

// replayLocals tells the code the outcomes that the record has where the code waits.
func (m *Machine) replayLocals() error {
	for !m.closed {
		m.passVersions()
		r := m.recordedNext()
		if r == nil {
			return nil
		}
		recorded, ok := r.Attributes.(*history.MarkerRecorded)
		if !ok || recorded.Name != history.MarkerLocalActivity || recorded.Local == nil {
			return nil
		}
		i := slices.IndexFunc(m.locals, func(a *LocalActivity) bool { return a.ID == recorded.ID && a.Type == recorded.Local.Type })
		if i < 0 {
			return nil // the comparison of all events tells
		}
		a := m.locals[i]
		m.forgetLocal(a)
		m.issue(recorded)
		out := LocalOutcome{Result: recorded.Result, Failure: recorded.Failure, Attempt: recorded.Local.Attempt,
			Backoff: recorded.Local.Backoff.Duration(), Retry: recorded.Local.Retry, Time: recorded.Local.Time}
		if err := m.tellLocal(a, out); err != nil {
			return err
		}
	}
	return nil
}
