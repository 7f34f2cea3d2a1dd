package replay

import (
	"fmt"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

// child is a child that has not closed.
type child struct {
	started func(runID string, cause enums.StartChildWorkflowExecutionFailedCause)
	closed  func(Outcome)
}

// StartChild decides to start a child and returns the number of its event. An empty RunID is derived from the run and
// that number, an empty WorkflowID is the run's ID, "_" and that number, and an empty Queue is the run's own.
//
// Started is called with the child's run ID when the child has started, or with the cause when it could not start,
// after which closed is not called. Otherwise closed is called with the child's outcome, after started. An argument
// that is too large, too long or missing gives a *LimitError, and nothing is decided.
func (e *Env) StartChild(a *history.StartChildWorkflowExecutionInitiated,
	started func(runID string, cause enums.StartChildWorkflowExecutionFailedCause), closed func(Outcome)) (int64, error) {
	m := e.m
	if !m.deciding("StartChild") {
		return 0, nil
	}
	run := m.config.Start.Run
	if a.RunID == "" {
		a.RunID = history.DeriveRunID(run.Run, m.nextEvent, m.now)
	}
	if a.WorkflowID == "" {
		a.WorkflowID = e.NextChildID()
	}
	if a.Queue == "" {
		a.Queue = run.Queue
	}
	if err := m.checkChild(a); err != nil {
		return 0, err
	}
	id := m.issue(a)
	m.children[id] = &child{started: started, closed: closed}
	return id, nil
}

// NextChildID is the workflow ID of a child that is started next and has none.
func (e *Env) NextChildID() string {
	return fmt.Sprintf("%s_%d", e.m.config.Start.Run.RunID, e.m.nextEvent)
}

func (m *Machine) checkChild(a *history.StartChildWorkflowExecutionInitiated) error {
	c := m.check("child workflow", a.Type, a)
	c.text("type", a.Type, maxType)
	c.text("workflow ID", a.WorkflowID, maxID)
	c.token("task queue", a.Queue, maxQueueToken)
	c.list("input", a.Input)
	c.aside(history.Aside{Header: a.Header, Memo: a.Memo, Search: a.Search, Retry: a.RetryPolicy,
		Texts: []string{a.StaticSummary, a.StaticDetails, a.CronSchedule}})
	return c.err
}

func (m *Machine) childStarted(a *history.ChildWorkflowExecutionStarted) func() {
	c, ok := m.children[a.Initiated]
	if !ok {
		return nil
	}
	return func() { c.started(a.RunID, enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_UNSPECIFIED) }
}

func (m *Machine) childNotStarted(a *history.StartChildWorkflowExecutionFailed) func() {
	c, ok := m.children[a.Initiated]
	if !ok {
		return nil
	}
	delete(m.children, a.Initiated)
	return func() { c.started("", a.Cause) }
}

// childEnded returns what tells the code the outcome of a child.
func (m *Machine) childEnded(e history.Event, end *history.ChildEnd) func() {
	c, ok := m.children[end.Initiated]
	if !ok {
		return nil
	}
	delete(m.children, end.Initiated)
	out := Outcome{Event: e}
	switch x := e.Attributes.(type) {
	case *history.ChildWorkflowExecutionCompleted:
		out.Result = x.Result
	case *history.ChildWorkflowExecutionFailed:
		out.Failure = x.Failure
	case *history.ChildWorkflowExecutionCanceled:
		out.Failure = &failure.Failure{
			Message:             "canceled",
			CanceledFailureInfo: &failure.CanceledFailureInfo{Details: x.Details},
		}
	case *history.ChildWorkflowExecutionTimedOut:
		out.Failure = &failure.Failure{
			Message:            "child workflow timeout",
			TimeoutFailureInfo: &failure.TimeoutFailureInfo{TimeoutType: enums.TIMEOUT_TYPE_START_TO_CLOSE},
		}
	case *history.ChildWorkflowExecutionTerminated:
		out.Failure = &failure.Failure{
			Message:               "terminated",
			TerminatedFailureInfo: &failure.TerminatedFailureInfo{},
		}
	}
	return func() { c.closed(out) }
}
