package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// WorkflowExecutionStarted is event 1. It is never stored in a transition: the start message is its record.
type WorkflowExecutionStarted struct {
	Start *Start `msgpack:"s"`
}

// WorkflowExecutionCompleted closes the run with a result.
type WorkflowExecutionCompleted struct {
	Result    *common.Payloads `msgpack:"r,omitempty"`
	Successor *Successor       `msgpack:"su,omitempty"`
}

// WorkflowExecutionFailed closes the run with the error that its function returned.
type WorkflowExecutionFailed struct {
	Failure   *failure.Failure `msgpack:"f"`
	Retry     enums.RetryState `msgpack:"rs,omitempty"`
	Successor *Successor       `msgpack:"su,omitempty"`
}

// WorkflowExecutionTimedOut closes the run because its deadline passed.
type WorkflowExecutionTimedOut struct {
	Retry     enums.RetryState `msgpack:"rs,omitempty"`
	Successor *Successor       `msgpack:"su,omitempty"`
}

// WorkflowExecutionCanceled closes the run after a cancellation that its code accepted.
type WorkflowExecutionCanceled struct {
	Details *common.Payloads `msgpack:"d,omitempty"`
}

// WorkflowExecutionTerminated closes the run by an operator's order.
type WorkflowExecutionTerminated struct {
	Termination `msgpack:",inline"`
}

// WorkflowExecutionContinuedAsNew closes the run in favour of a successor.
type WorkflowExecutionContinuedAsNew struct {
	Successor *Successor `msgpack:"su"`
}

// Successor is the run that takes over when this one closes. What is not named here is inherited from the start of
// the run that closes.
type Successor struct {
	RunID     string                       `msgpack:"r"`
	Initiator enums.ContinueAsNewInitiator `msgpack:"in"`
	Delay     Millis                       `msgpack:"de,omitempty"`
	Attempt   int32                        `msgpack:"at,omitempty"`
	// The rest is set by continue-as-new only.
	Type        string                   `msgpack:"t,omitempty"`
	Queue       string                   `msgpack:"q,omitempty"`
	Input       *common.Payloads         `msgpack:"i,omitempty"`
	Header      *common.Header           `msgpack:"h,omitempty"`
	Memo        *common.Memo             `msgpack:"m,omitempty"`
	Search      *common.SearchAttributes `msgpack:"sa,omitempty"`
	RunTimeout  Millis                   `msgpack:"rt,omitempty"`
	TaskTimeout Millis                   `msgpack:"tt,omitempty"`
	RetryPolicy *RetryPolicy             `msgpack:"rp,omitempty"`
	// Versioning is how the code wants the build of the successor to be chosen, Binding the build that was; nil means
	// that of the run that closes, if the successor runs on its queue.
	Versioning int32    `msgpack:"iv,omitempty"`
	Binding    *Binding `msgpack:"bi,omitempty"`
}

// WorkflowExecutionSignaled brings a signal.
type WorkflowExecutionSignaled struct {
	Signal `msgpack:",inline"`
}

// WorkflowExecutionCancelRequested brings a request to cancel the run.
type WorkflowExecutionCancelRequested struct {
	CancelRequest `msgpack:",inline"`
}

// TimerStarted is the decision to start a timer.
type TimerStarted struct {
	// Timeout is how long the timer runs; Due is the transition's time plus Timeout.
	Timeout Millis    `msgpack:"to"`
	Due     time.Time `msgpack:"d"`
	Summary string    `msgpack:"su,omitempty"`
}

// TimerFired reports that the timer started by event Started is due.
type TimerFired struct {
	Started int64 `msgpack:"s"`
}

// TimerCanceled is the decision to forget the timer started by event Started.
type TimerCanceled struct {
	Started int64 `msgpack:"s"`
}

// EventType is WORKFLOW_EXECUTION_STARTED.
func (*WorkflowExecutionStarted) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED
}

// EventType is WORKFLOW_EXECUTION_COMPLETED.
func (*WorkflowExecutionCompleted) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED
}

// EventType is WORKFLOW_EXECUTION_FAILED.
func (*WorkflowExecutionFailed) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED
}

// EventType is WORKFLOW_EXECUTION_TIMED_OUT.
func (*WorkflowExecutionTimedOut) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT
}

// EventType is WORKFLOW_EXECUTION_CANCELED.
func (*WorkflowExecutionCanceled) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED
}

// EventType is WORKFLOW_EXECUTION_TERMINATED.
func (*WorkflowExecutionTerminated) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED
}

// EventType is WORKFLOW_EXECUTION_CONTINUED_AS_NEW.
func (*WorkflowExecutionContinuedAsNew) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW
}

// EventType is WORKFLOW_EXECUTION_SIGNALED.
func (*WorkflowExecutionSignaled) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
}

// EventType is WORKFLOW_EXECUTION_CANCEL_REQUESTED.
func (*WorkflowExecutionCancelRequested) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
}

// EventType is TIMER_STARTED.
func (*TimerStarted) EventType() enums.EventType { return enums.EVENT_TYPE_TIMER_STARTED }

// EventType is TIMER_FIRED.
func (*TimerFired) EventType() enums.EventType { return enums.EVENT_TYPE_TIMER_FIRED }

// EventType is TIMER_CANCELED.
func (*TimerCanceled) EventType() enums.EventType { return enums.EVENT_TYPE_TIMER_CANCELED }

func workflowAttributes() []Attributes {
	return []Attributes{
		&WorkflowExecutionStarted{},
		&WorkflowExecutionCompleted{},
		&WorkflowExecutionFailed{},
		&WorkflowExecutionTimedOut{},
		&WorkflowExecutionCanceled{},
		&WorkflowExecutionTerminated{},
		&WorkflowExecutionContinuedAsNew{},
		&WorkflowExecutionSignaled{},
		&WorkflowExecutionCancelRequested{},
		&TimerStarted{},
		&TimerFired{},
		&TimerCanceled{},
	}
}
