package replay

import (
	"strconv"

	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

// activity is an activity without an outcome.
type activity struct {
	done      func(Outcome)
	canceling bool
}

// ScheduleActivity decides to run an activity and returns the number of its event; done is called with its outcome.
// An empty ActivityID becomes that number, an empty Queue the run's own. An argument that is too large, too long or
// missing gives a *LimitError, and nothing is decided.
func (e *Env) ScheduleActivity(a *history.ActivityTaskScheduled, done func(Outcome)) (int64, error) {
	m := e.m
	if !m.deciding("ScheduleActivity") {
		return 0, nil
	}
	if a.ActivityID == "" {
		a.ActivityID = strconv.FormatInt(m.nextEvent, 10)
	}
	if a.Queue == "" {
		a.Queue = m.config.Start.Run.Queue
	}
	if err := m.checkActivity(a); err != nil {
		return 0, err
	}
	id := m.issue(a)
	m.activities[id] = activity{done: done}
	return id, nil
}

func (m *Machine) checkActivity(a *history.ActivityTaskScheduled) error {
	c := m.check("activity", a.Type, a)
	c.text("type", a.Type, maxType)
	c.text("activity ID", a.ActivityID, maxID)
	c.token("task queue", a.Queue, maxQueueToken)
	c.list("input", a.Input)
	c.aside(history.Aside{Header: a.Header, Retry: a.RetryPolicy, Texts: []string{a.Summary}})
	return c.err
}

// RequestCancelActivity decides to cancel the activity that event id scheduled. It does nothing when the activity has
// an outcome or is being canceled.
func (e *Env) RequestCancelActivity(id int64) {
	if !e.m.deciding("RequestCancelActivity") {
		return
	}
	if a, ok := e.m.activities[id]; ok && !a.canceling {
		a.canceling = true
		e.m.activities[id] = a
		e.m.issue(&history.ActivityTaskCancelRequested{Scheduled: id})
	}
}

// activityEnded returns what tells the code the outcome of an activity.
func (m *Machine) activityEnded(e history.Event, end *history.ActivityEnd) func() {
	a, ok := m.activities[end.Scheduled]
	if !ok {
		return nil
	}
	delete(m.activities, end.Scheduled)
	out := Outcome{Event: e}
	switch x := e.Attributes.(type) {
	case *history.ActivityTaskCompleted:
		out.Result = x.Result
	case *history.ActivityTaskFailed:
		out.Failure = x.Failure
	case *history.ActivityTaskTimedOut:
		out.Failure = x.Failure
	case *history.ActivityTaskCanceled:
		out.Failure = &failure.Failure{
			Message:             "canceled",
			CanceledFailureInfo: &failure.CanceledFailureInfo{Details: x.Details},
		}
	}
	return func() { a.done(out) }
}
