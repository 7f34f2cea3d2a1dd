package testsuite

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/stretchr/testify/mock"

	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

// UpdateCallbacks are told what becomes of an update. They are called like delayed callbacks.
type UpdateCallbacks interface {
	// Accept says that the workflow has accepted the update.
	Accept()
	// Reject says that the workflow has rejected the update, or closed before it was accepted.
	Reject(err error)
	// Complete tells what the update's handler has returned.
	Complete(success interface{}, err error)
}

// TestUpdateCallback are UpdateCallbacks made of functions. Those that are nil do nothing.
type TestUpdateCallback struct {
	// OnAccept is called when the update is accepted, OnReject when it is rejected, OnComplete when its handler has
	// returned.
	OnAccept   func()
	OnReject   func(error)
	OnComplete func(interface{}, error)
}

// Accept calls OnAccept.
func (uc *TestUpdateCallback) Accept() {
	if uc.OnAccept != nil {
		uc.OnAccept()
	}
}

// Reject calls OnReject.
func (uc *TestUpdateCallback) Reject(err error) {
	if uc.OnReject != nil {
		uc.OnReject(err)
	}
}

// Complete calls OnComplete.
func (uc *TestUpdateCallback) Complete(success interface{}, err error) {
	if uc.OnComplete != nil {
		uc.OnComplete(success, err)
	}
}

// UpdateWorkflow sends the workflow an update; an empty updateID becomes a new UUID. An update with an ID that was
// accepted before has the same outcome.
func (e *TestWorkflowEnvironment) UpdateWorkflow(updateName, updateID string, uc UpdateCallbacks, args ...interface{}) {
	m := e.engine.newUpdate(updateName, updateID, args)
	e.engine.toRoot(func(r *run) { r.update(m, uc) })
}

// UpdateWorkflowByID sends an update to the newest run of a workflow ID. It fails with a *serviceerror.NotFound when there
// is none that is open.
func (e *TestWorkflowEnvironment) UpdateWorkflowByID(workflowID, updateName, updateID string, uc UpdateCallbacks, args ...interface{}) error {
	r := e.engine.find(workflowID, "")
	if r == nil || r.over() {
		return notFound(workflowID)
	}
	r.update(e.engine.newUpdate(updateName, updateID, args), uc)
	return nil
}

// UpdateWorkflowNoRejection is UpdateWorkflow for an update whose rejection fails t.
func (e *TestWorkflowEnvironment) UpdateWorkflowNoRejection(updateName string, updateID string, t mock.TestingT, args ...interface{}) {
	e.UpdateWorkflow(updateName, updateID, &TestUpdateCallback{OnReject: func(err error) {
		t.Errorf("update %q was rejected: %v", updateName, err)
		t.FailNow()
	}}, args...)
}

func (e *engine) newUpdate(name, id string, args []any) *history.Message {
	input, err := e.dataConverter.ToPayloads(args...)
	if err != nil {
		panic(fmt.Sprintf("testsuite: arguments of update %q have no encoding: %v", name, err))
	}
	if id == "" {
		id = uuid.NewString()
	}
	return &history.Message{ID: history.UpdateMessageID(id), Update: &history.UpdateRequest{
		ID: id, Name: name, Input: input, Identity: e.identity,
	}}
}

// updateReturn is what a handler has returned, as it is in Go.
type updateReturn struct {
	value interface{}
	err   error
}

// update gives the run an update. Everybody may call it.
func (r *run) update(m *history.Message, uc UpdateCallbacks) {
	r.ask(m.Update.ID, uc)
	r.deliver(m)
}

func (r *run) ask(id string, uc ...UpdateCallbacks) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.askers[id] = append(r.askers[id], uc...)
}

// asking are who wants to know of an update.
func (r *run) asking(id string) []UpdateCallbacks {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.askers[id])
}

// take drafts what an update leads to, as a coordinator does. It is false for one that can only be judged when the draft
// is committed.
func (r *run) take(d *history.Draft, m *history.Message) bool {
	u := m.Update
	switch v := d.Awaits(m); {
	case v == history.Settled:
		r.answerAgain(u.ID)
		return true
	case v != history.Taken:
		return true
	case r.state().Transitions == 0, len(d.Events()) > 0 && r.machine.Judges(u.Name):
		return false
	}
	var rejected *failure.Failure
	err := r.guarded(func() (err error) {
		rejected, err = r.machine.Validate(u)
		return err
	})
	if err == nil && rejected != nil {
		err = r.env.failureConverter.FailureToError(rejected)
	}
	if err != nil {
		r.reject(u.ID, err)
		return true
	}
	d.Add(m)
	return true
}

// answerAgain tells whoever sent an update again what its first sender was told.
func (r *run) answerAgain(id string) {
	asked := r.asking(id)
	again := asked[len(asked)-1]
	again.Accept()
	if answer := r.state().UpdateAnswer(id); answer != nil && answer.Step == history.UpdateCompleted {
		returned := r.returned(answer)
		again.Complete(returned.value, returned.err)
	}
}

// tellUpdates tells what a transition means for updates.
func (r *run) tellUpdates(events []history.Event) {
	s := r.state()
	if s.Updates == nil {
		return
	}
	for _, event := range events {
		switch a := event.Attributes.(type) {
		case *history.WorkflowExecutionUpdateAccepted:
			r.tell(a.ID, UpdateCallbacks.Accept)
		case *history.WorkflowExecutionUpdateCompleted:
			r.tellOutcome(a.ID)
		}
	}
}

// tellAbandoned tells of the updates whose handlers had not returned when the run closed.
func (r *run) tellAbandoned() {
	if !r.over() {
		return
	}
	for _, id := range r.state().RunningUpdates() {
		r.tellOutcome(id)
	}
}

func (r *run) tell(id string, what func(UpdateCallbacks)) {
	for _, uc := range r.asking(id) {
		what(uc)
	}
}

// reject tells that an update was rejected, and forgets who sent it: the same ID may be sent again.
func (r *run) reject(id string, err error) {
	asked := r.asking(id)
	r.mu.Lock()
	delete(r.askers, id)
	r.mu.Unlock()
	for _, uc := range asked {
		uc.Reject(err)
	}
}

func (r *run) tellOutcome(id string) {
	returned := r.returned(r.state().UpdateAnswer(id))
	r.tell(id, func(uc UpdateCallbacks) { uc.Complete(returned.value, returned.err) })
}

// returned is what the handler has returned. Where it has not, because the run closed, there is only an error.
func (r *run) returned(answer *history.UpdateAnswer) updateReturn {
	if returned, ok := r.returns[answer.ID]; ok {
		return returned
	}
	if answer.Failure != nil {
		return updateReturn{err: r.env.failureConverter.FailureToError(answer.Failure)}
	}
	return updateReturn{value: r.env.decodeAny(answer.Result)}
}

// tooLate rejects an update that has reached a closed run.
func (r *run) tooLate(m *history.Message) {
	err := serviceerror.NewNotFound(fmt.Sprintf("workflow execution already completed, as %v", r.state().Status))
	r.reject(m.Update.ID, err)
}

// returnsInterceptor keeps what update handlers return: tests get the values themselves, not decoded ones.
type returnsInterceptor struct {
	interceptor.WorkerInterceptorBase
	env *engine
}

// InterceptWorkflow puts an observer in front of a run.
func (i *returnsInterceptor) InterceptWorkflow(ctx workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &returnsInbound{env: i.env}
	in.Next = next
	return in
}

type returnsInbound struct {
	interceptor.WorkflowInboundInterceptorBase
	env *engine
}

// ExecuteUpdate keeps what the handler returns, the first time.
func (i *returnsInbound) ExecuteUpdate(ctx workflow.Context, in *interceptor.UpdateInput) (interface{}, error) {
	value, err := i.Next.ExecuteUpdate(ctx, in)
	x := workflow.GetInfo(ctx).WorkflowExecution
	if r := i.env.find(x.ID, x.RunID); r != nil && !workflow.IsReplaying(ctx) {
		r.returns[workflow.GetCurrentUpdateInfo(ctx).ID] = updateReturn{value, err}
	}
	return value, err
}
