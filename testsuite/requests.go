package testsuite

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
)

// RegisterDelayedCallback has callback called when delayDuration has passed in virtual time: since the start of the
// workflow, when it is registered before. The clock stands still while it runs; it is the place to signal, cancel and
// query the workflow from. Without delay it is called after the workflow's first stretch of code.
func (e *TestWorkflowEnvironment) RegisterDelayedCallback(callback func(), delayDuration time.Duration) {
	if !e.executed {
		e.callbacks = append(e.callbacks, delayed{callback, delayDuration})
		return
	}
	e.engine.delay(delayed{callback, delayDuration})
}

func (e *engine) delay(d delayed) {
	e.post(func() {
		if d.after <= 0 {
			d.call()
			return
		}
		e.after(d.after, d.call)
	})
}

// SignalWorkflow sends the workflow a signal.
func (e *TestWorkflowEnvironment) SignalWorkflow(name string, input interface{}) {
	m := e.signal(name, input)
	e.engine.toRoot(func(r *run) { r.deliver(m) })
}

// SignalWorkflowSkippingWorkflowTask sends the workflow a signal that waits until something else makes its code run.
func (e *TestWorkflowEnvironment) SignalWorkflowSkippingWorkflowTask(name string, input interface{}) {
	m := e.signal(name, input)
	e.engine.toRoot(func(r *run) { r.hold(m) })
}

// SignalWorkflowByID sends a signal to the newest run of a workflow ID. It fails with a *serviceerror.NotFound when
// there is none that is open.
func (e *TestWorkflowEnvironment) SignalWorkflowByID(workflowID, signalName string, input interface{}) error {
	r := e.engine.find(workflowID, "")
	if r == nil || r.over() {
		return notFound(workflowID)
	}
	r.deliver(e.signal(signalName, input))
	return nil
}

// CancelWorkflow asks the workflow to cancel.
func (e *TestWorkflowEnvironment) CancelWorkflow() {
	e.engine.toRoot(func(r *run) { r.deliver(e.cancel()) })
}

// CancelWorkflowByID asks a run to cancel; an empty runID is the workflow ID's newest run. It does nothing for one that
// the environment does not have.
func (e *TestWorkflowEnvironment) CancelWorkflowByID(workflowID string, runID string) {
	if r := e.engine.find(workflowID, runID); r != nil {
		r.deliver(e.cancel())
	}
}

// QueryWorkflow asks a query handler of the workflow, while it runs or after it has closed.
func (e *TestWorkflowEnvironment) QueryWorkflow(queryType string, args ...interface{}) (converter.EncodedValue, error) {
	root := e.engine.rootRun()
	if root == nil {
		return nil, notFound(defaultWorkflowID)
	}
	return e.engine.query(root, queryType, args)
}

// QueryWorkflowByID asks a query handler of the newest run of a workflow ID.
func (e *TestWorkflowEnvironment) QueryWorkflowByID(workflowID, queryType string, args ...interface{}) (converter.EncodedValue, error) {
	r := e.engine.find(workflowID, "")
	if r == nil {
		return nil, notFound(workflowID)
	}
	return e.engine.query(r, queryType, args)
}

// CompleteActivity gives the outcome of an activity that has returned activity.ErrResultPending; taskToken is that of
// its activity.Info. An outcome that comes before the function has returned counts as well.
func (e *TestWorkflowEnvironment) CompleteActivity(taskToken []byte, result interface{}, err error) error {
	token, decodeErr := history.DecodeTaskToken(taskToken)
	if decodeErr != nil {
		return serviceerror.NewInvalidArgument(fmt.Sprintf("complete activity: task token: %v", decodeErr))
	}
	r := e.engine.find(token.Run.WorkflowID, token.Run.RunID)
	if r == nil {
		return notFound(token.Run.WorkflowID)
	}
	payloads, encodeErr := e.engine.dataConverter.ToPayloads(result)
	if encodeErr != nil {
		return fmt.Errorf("complete activity %s: encode result: %w", token.ActivityID, encodeErr)
	}
	e.engine.post(func() {
		t := r.tasks[token.Event]
		if t == nil || t.current == nil || t.current.number != token.Attempt {
			return
		}
		t.current.complete(payloads, err)
	})
	return nil
}

func (e *TestWorkflowEnvironment) signal(name string, input any) *history.Message {
	payloads, err := e.engine.dataConverter.ToPayloads(input)
	if err != nil {
		panic(fmt.Sprintf("testsuite: input of signal %q has no encoding: %v", name, err))
	}
	return &history.Message{ID: uuid.NewString(), Signal: &history.Signal{Name: name, Input: payloads, Header: e.start.Header, Identity: e.engine.identity}}
}

func (e *TestWorkflowEnvironment) cancel() *history.Message {
	return &history.Message{ID: uuid.NewString(), Cancel: &history.CancelRequest{Identity: e.engine.identity}}
}

// toRoot does something with the root run, before its first transition when it has not started.
func (e *engine) toRoot(do func(r *run)) {
	if root := e.rootRun(); root != nil {
		do(root)
		return
	}
	e.post(func() { do(e.rootRun()) })
}

func notFound(workflowID string) error {
	return serviceerror.NewNotFound(fmt.Sprintf("the test environment has no open run of workflow %q", workflowID))
}
