package replay

import "github.com/millrace-dev/millrace/internal/history"

// SignalExternal decides to signal another run and returns the number of its event; done is called when the signal is
// durably queued, or with notFound when there is no such run. An argument that is too large, too long or missing
// gives a *LimitError, and nothing is decided.
func (e *Env) SignalExternal(a *history.SignalExternalWorkflowExecutionInitiated, done func(notFound bool)) (int64, error) {
	m := e.m
	if !m.deciding("SignalExternal") {
		return 0, nil
	}
	c := m.check("signal to workflow", a.Target.WorkflowID, a)
	c.text("workflow ID", a.Target.WorkflowID, maxID)
	c.text("signal name", a.Name, maxID)
	c.list("input", a.Input)
	c.aside(history.Aside{Header: a.Header})
	if c.err != nil {
		return 0, c.err
	}
	id := m.issue(a)
	m.externals[id] = done
	return id, nil
}

// RequestCancelExternal decides to ask another run, or a child, to cancel and returns the number of its event; done is
// called when the request is durably queued, or with notFound when there is no such run.
func (e *Env) RequestCancelExternal(a *history.RequestCancelExternalWorkflowExecutionInitiated,
	done func(notFound bool)) (int64, error) {
	m := e.m
	if !m.deciding("RequestCancelExternal") {
		return 0, nil
	}
	c := m.check("cancel request to workflow", a.Target.WorkflowID, a)
	c.text("workflow ID", a.Target.WorkflowID, maxID)
	if c.err != nil {
		return 0, c.err
	}
	id := m.issue(a)
	m.externals[id] = done
	return id, nil
}

func (m *Machine) externalAnswered(id int64, notFound bool) func() {
	done, ok := m.externals[id]
	if !ok {
		return nil
	}
	delete(m.externals, id)
	return func() { done(notFound) }
}
