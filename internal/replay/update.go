package replay

import (
	"fmt"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

// Updates is the code's part in updates.
type Updates interface {
	// Judges says whether Validate has to be asked about an update of the given name: what it says depends on what the
	// run has come to.
	Judges(name string) bool
	// Validate returns why the code does not take an update, nil when it does. It may only read.
	Validate(u *history.UpdateRequest) *failure.Failure
	// Accepted brings an update that the code has taken; event is the number of the event that does.
	Accepted(event int64, u *history.UpdateRequest)
}

// OnUpdate sets what takes updates. Without it every update is rejected.
func (e *Env) OnUpdate(handle Updates) {
	if e.m.deciding("OnUpdate") {
		e.m.requests.onUpdate = handle
	}
}

// CompleteUpdate decides that the handler of the update that event accepted brought has returned: a failure, or else a
// result. A result that is larger than Config.MaxPayload is replaced by a failure that says so, and a failure that is
// too large is cut.
func (e *Env) CompleteUpdate(accepted int64, id string, result *common.Payloads, f *failure.Failure) {
	m := e.m
	if !m.deciding("CompleteUpdate") {
		return
	}
	a := &history.WorkflowExecutionUpdateCompleted{Accepted: accepted, ID: id, Result: result}
	if f != nil {
		a.Result, a.Failure = nil, m.cutFailure(f)
	}
	c := m.check("update", id, a)
	c.list("result", a.Result)
	if c.err != nil {
		a.Result, a.Failure = nil, tooLarge(c.err)
	}
	m.issue(a)
}

// Judges says whether Validate must be asked about an update of the given name on a prefix that holds everything that
// came before the update. One that the code does not judge is taken wherever it comes.
func (m *Machine) Judges(name string) bool {
	return m.requests.onUpdate == nil || m.requests.onUpdate.Judges(name)
}

// Ahead says whether the Machine has decisions that are not committed: then it can say nothing about the run as it is.
func (m *Machine) Ahead() bool { return m.uncommitted }

// Validate asks the code about an update, as Query asks it: a draft may take one that is not rejected. Rejected says why
// it is, which a panic of the code is as well; the error, that there is no answer.
func (m *Machine) Validate(u *history.UpdateRequest) (rejected *failure.Failure, err error) {
	if err := m.usable(); err != nil {
		return nil, err
	}
	if !m.started() {
		return nil, fmt.Errorf("update %q of run %s: %w", u.Name, m.run(), ErrNotStarted)
	}
	if m.requests.onUpdate == nil {
		return refusal(fmt.Sprintf("unknown update %q: the workflow handles no updates", u.Name)), nil
	}
	replaying := m.replaying
	m.replaying = false
	defer func() { m.replaying = replaying }()
	if panicked := m.drive(func() {
		m.phase = validating
		rejected = m.requests.onUpdate.Validate(u)
	}); panicked != nil {
		return refusal(fmt.Sprintf("update %q: %v", u.Name, panicked)), nil
	}
	if rejected != nil {
		rejected = m.cutFailure(rejected)
	}
	return rejected, nil
}

func refusal(message string) *failure.Failure {
	return &failure.Failure{Message: message, Source: "millrace", ApplicationFailureInfo: &failure.ApplicationFailureInfo{}}
}

// updated tells the code of an update that it has taken before.
func (m *Machine) updated(event int64, a *history.WorkflowExecutionUpdateAccepted) {
	if m.requests.onUpdate == nil {
		panic(fmt.Sprintf("update %q (id %s) was accepted, and the workflow handles no updates now", a.Name, a.ID))
	}
	m.requests.onUpdate.Accepted(event, &a.UpdateRequest)
}
