package testsuite

import (
	"fmt"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
)

// send sees to one effect of a transition.
func (e *engine) send(r *run, effect history.Effect) {
	switch x := effect.(type) {
	case *history.SendTask:
		t := e.newTask(r, x.Task)
		r.tasks[x.Task.Event] = t
		t.begin()
	case *history.CancelTask:
		if t := r.tasks[x.Activity]; t != nil {
			t.cancel()
		}
	case *history.WithdrawTask:
		if t := r.tasks[x.Activity]; t != nil {
			t.withdraw()
		}
	case *history.TellTask: // nobody pauses or resets activities here
	case *history.ArmWakeUp: // every transition looks at the clock
	case *history.StartChild:
		e.startChild(r, x)
	case *history.StartSuccessor:
		e.startSuccessor(r, x.Start)
	case *history.SendRequest:
		e.sendRequest(r, x)
	case *history.NotifyParent:
		e.notifyParent(r, x)
	default:
		panic(fmt.Sprintf("testsuite: effect %T is not known", effect))
	}
}

// startChild starts a child and tells its parent what became of it.
func (e *engine) startChild(r *run, x *history.StartChild) {
	outcome := &history.ChildOutcome{Initiated: x.Initiated, RunID: x.Start.Run.RunID}
	if cause := e.refuses(x); cause != enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_UNSPECIFIED {
		outcome.Cause = cause
	} else {
		outcome.Status = enums.WORKFLOW_EXECUTION_STATUS_RUNNING
		if child := e.launch(x.Start, false); child.mocked {
			// Its mock says whether it has started.
			e.post(func() {
				if !child.refused {
					r.deliver(&history.Message{ID: "started", Child: outcome})
				}
			})
			return
		}
	}
	r.deliver(&history.Message{ID: "started", Child: outcome})
}

// refuses says why a child cannot start.
func (e *engine) refuses(x *history.StartChild) enums.StartChildWorkflowExecutionFailedCause {
	const (
		none   = enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_UNSPECIFIED
		exists = enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS
	)
	last := e.find(x.Start.Run.WorkflowID, "")
	if last == nil {
		return none
	}
	if !last.over() {
		if x.Reuse != enums.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING {
			return exists
		}
		last.deliver(&history.Message{ID: x.Start.Run.RunID, Terminate: &history.Termination{Reason: "another run takes its workflow ID"}})
		return none
	}
	completed := last.state().Status == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	if x.Reuse == enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE ||
		x.Reuse == enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY && completed {
		return exists
	}
	return none
}

func (e *engine) notifyParent(r *run, x *history.NotifyParent) {
	parent := e.find(x.Parent.WorkflowID, x.Parent.RunID)
	if parent == nil {
		return
	}
	outcome := x.Outcome
	if r.refused {
		outcome = &history.ChildOutcome{
			Initiated: x.Parent.Initiated,
			Cause:     enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS,
		}
	}
	parent.deliver(&history.Message{ID: "closed", Child: outcome})
}

// parentOfBroken tells the parent of a run whose code panicked. On a server the run would wait for better code; a test
// has none to offer, and fails the child.
func (e *engine) parentOfBroken(r *run) {
	if r.hasParent() {
		e.notifyParent(r, &history.NotifyParent{Parent: r.start.Parent, Outcome: &history.ChildOutcome{
			Initiated: r.start.Parent.Initiated,
			RunID:     r.id().RunID,
			Status:    enums.WORKFLOW_EXECUTION_STATUS_FAILED,
			Failure:   e.failureConverter.ErrorToFailure(r.broken),
		}})
	}
}

// startSuccessor starts the run that takes over from r. The chain of the root run ends where it continues as new or runs again by its
// cron schedule: that
// is what the test looks at.
func (e *engine) startSuccessor(r *run, start *history.Start) {
	isRoot := r == e.rootRun()
	if isRoot && start.Initiator != enums.CONTINUE_AS_NEW_INITIATOR_RETRY {
		return
	}
	e.launch(start, isRoot)
}

// forward passes on what has reached a closed run, to the run that took over from it.
func (e *engine) forward(r *run, messages []*history.Message) {
	next := e.find(r.id().WorkflowID, "")
	for _, m := range messages {
		if next == nil || next == r {
			if m.Update != nil {
				r.tooLate(m)
			}
			continue
		}
		if m.Update != nil {
			next.ask(m.Update.ID, r.asking(m.Update.ID)...)
		}
		if m.Source() == history.SourceSignals {
			next.deliver(m)
		}
	}
}

// sendRequest delivers a signal or a cancel request to another run of the environment, or to a mock.
func (e *engine) sendRequest(r *run, x *history.SendRequest) {
	to := e.find(x.Target.WorkflowID, x.Target.RunID)
	var err error
	switch {
	case to != nil && (!to.over() || to != e.find(x.Target.WorkflowID, "")) && (!x.ChildOnly || to.isChildOf(r)):
		to.deliver(x.Message)
	case x.ChildOnly:
		err = errNotFound
	default:
		err = e.mockedRequest(x)
	}
	if x.External != 0 {
		r.deliver(&history.Message{ID: "done", External: &history.ExternalResult{Initiated: x.External, NotFound: err != nil}})
	}
}
