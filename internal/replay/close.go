package replay

import (
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

// Complete closes the run with a result. When the result is larger than Config.MaxPayload the run fails instead.
//
// After this and the other closing methods no further coroutine runs, and later commands do nothing.
func (e *Env) Complete(result *common.Payloads) {
	m := e.m
	a := &history.WorkflowExecutionCompleted{Result: result}
	if m.deciding("Complete") && m.fits(a, "workflow result", "result", result) {
		a.Successor = m.state.CronRun(m.now, m.nextEvent)
		m.finish(a)
	}
}

// Fail closes the run with a failure, and lets the run's retry policy start a successor. A failure larger than
// Config.MaxPayload is cut down to its message and kind.
func (e *Env) Fail(f *failure.Failure) {
	if e.m.deciding("Fail") {
		e.m.fail(f)
	}
}

// Cancel closes the run as canceled. When the details are larger than Config.MaxPayload the run fails instead.
func (e *Env) Cancel(details *common.Payloads) {
	a := &history.WorkflowExecutionCanceled{Details: details}
	if e.m.deciding("Cancel") && e.m.fits(a, "workflow cancellation", "details", details) {
		e.m.finish(a)
	}
}

// ContinueAsNew closes the run in favour of next. The successor's run ID is derived; an empty Type is the run's own,
// and Initiator is set to WORKFLOW unless given. When next is too large, or a name in it too long, the run fails
// instead.
func (e *Env) ContinueAsNew(next *history.Successor) {
	m := e.m
	if !m.deciding("ContinueAsNew") {
		return
	}
	start := m.config.Start
	next.RunID = history.DeriveRunID(start.Run.Run, m.nextEvent, m.now)
	if next.Type == "" {
		next.Type = start.Type
	}
	if next.Initiator == enums.CONTINUE_AS_NEW_INITIATOR_UNSPECIFIED {
		next.Initiator = enums.CONTINUE_AS_NEW_INITIATOR_WORKFLOW
	}
	m.passOn(next)
	a := &history.WorkflowExecutionContinuedAsNew{Successor: next}
	c := m.check("continue as new", "", a)
	c.text("type", next.Type, maxType)
	if next.Queue != "" {
		c.token("task queue", next.Queue, maxQueueToken)
	}
	c.list("input", next.Input)
	c.aside(m.asideOf(next))
	if c.err != nil {
		m.fail(tooLarge(c.err))
		return
	}
	m.finish(a)
}

// asideOf is what a successor's start has beside its arguments.
func (m *Machine) asideOf(next *history.Successor) history.Aside {
	a := m.config.Start.Aside()
	a.Header, a.Retry = next.Header, next.RetryPolicy
	if next.Memo != nil {
		a.Memo = next.Memo
	}
	if next.Search != nil {
		a.Search = next.Search
	}
	return a
}

// finish issues the closing event.
func (m *Machine) finish(a history.Attributes) {
	m.issue(a)
	m.closed = true
}

func (m *Machine) fail(f *failure.Failure) {
	f = m.cutFailure(f)
	next, retry := m.state.RetryRun(f, m.now, m.nextEvent)
	m.finish(&history.WorkflowExecutionFailed{Failure: f, Retry: retry, Successor: next})
}

// fits says whether a's only payload is within the limit; otherwise the run has failed.
func (m *Machine) fits(a history.Attributes, call, field string, list *common.Payloads) bool {
	c := m.check(call, "", a)
	c.list(field, list)
	if c.err != nil {
		m.fail(tooLarge(c.err))
	}
	return c.err == nil
}
