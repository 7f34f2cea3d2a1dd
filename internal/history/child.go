package history

import (
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// StartChildWorkflowExecutionInitiated is the decision to start a child. Its run ID is derived from the parent's run
// and this event, so that starting it twice starts one run.
type StartChildWorkflowExecutionInitiated struct {
	WorkflowID string                   `msgpack:"w"`
	RunID      string                   `msgpack:"r"`
	Type       string                   `msgpack:"t"`
	Queue      string                   `msgpack:"q"`
	Input      *common.Payloads         `msgpack:"in,omitempty"`
	Header     *common.Header           `msgpack:"h,omitempty"`
	Memo       *common.Memo             `msgpack:"m,omitempty"`
	Search     *common.SearchAttributes `msgpack:"sa,omitempty"`

	ExecutionTimeout Millis                      `msgpack:"et,omitempty"`
	RunTimeout       Millis                      `msgpack:"rt,omitempty"`
	TaskTimeout      Millis                      `msgpack:"tt,omitempty"`
	RetryPolicy      *RetryPolicy                `msgpack:"rp,omitempty"`
	CronSchedule     string                      `msgpack:"cr,omitempty"`
	ParentClose      enums.ParentClosePolicy     `msgpack:"pc,omitempty"`
	Reuse            enums.WorkflowIdReusePolicy `msgpack:"re,omitempty"`
	StaticSummary    string                      `msgpack:"su,omitempty"`
	StaticDetails    string                      `msgpack:"sd,omitempty"`
	// Priority is that of the child's tasks; nil, like a field of it that is zero, means the parent's.
	Priority *Priority `msgpack:"pr,omitempty"`
	// Binding is the build that the child is bound to; nil means the parent's, if it runs on the parent's queue.
	Binding *Binding `msgpack:"bi,omitempty"`
}

// StartChildWorkflowExecutionFailed reports that the child initiated by event Initiated did not start.
type StartChildWorkflowExecutionFailed struct {
	Initiated int64                                        `msgpack:"i"`
	Cause     enums.StartChildWorkflowExecutionFailedCause `msgpack:"c"`
}

// ChildWorkflowExecutionStarted reports that the child initiated by event Initiated started.
type ChildWorkflowExecutionStarted struct {
	Initiated int64  `msgpack:"i"`
	RunID     string `msgpack:"r"`
}

// ChildEnd is what every end of a child tells. RunID is the last run of its chain.
type ChildEnd struct {
	Initiated int64  `msgpack:"i"`
	RunID     string `msgpack:"r"`
}

// End returns e itself: it lets the five kinds of end be read alike.
func (e *ChildEnd) End() *ChildEnd { return e }

// ChildWorkflowExecutionCompleted reports a child's result.
type ChildWorkflowExecutionCompleted struct {
	ChildEnd `msgpack:",inline"`
	Result   *common.Payloads `msgpack:"re,omitempty"`
}

// ChildWorkflowExecutionFailed reports a child that failed.
type ChildWorkflowExecutionFailed struct {
	ChildEnd `msgpack:",inline"`
	Failure  *failure.Failure `msgpack:"f"`
	Retry    enums.RetryState `msgpack:"rs,omitempty"`
}

// ChildWorkflowExecutionCanceled reports a child that closed as canceled.
type ChildWorkflowExecutionCanceled struct {
	ChildEnd `msgpack:",inline"`
	Details  *common.Payloads `msgpack:"d,omitempty"`
}

// ChildWorkflowExecutionTimedOut reports a child that timed out.
type ChildWorkflowExecutionTimedOut struct {
	ChildEnd `msgpack:",inline"`
	Retry    enums.RetryState `msgpack:"rs,omitempty"`
}

// ChildWorkflowExecutionTerminated reports a child that was terminated.
type ChildWorkflowExecutionTerminated struct {
	ChildEnd `msgpack:",inline"`
}

// SignalExternalWorkflowExecutionInitiated is the decision to signal another run. ChildOnly restricts it to a child
// of this run.
type SignalExternalWorkflowExecutionInitiated struct {
	Target    Run              `msgpack:"x"`
	Name      string           `msgpack:"n"`
	Input     *common.Payloads `msgpack:"in,omitempty"`
	Header    *common.Header   `msgpack:"h,omitempty"`
	ChildOnly bool             `msgpack:"co,omitempty"`
}

// SignalExternalWorkflowExecutionFailed reports that the run to signal was not found.
type SignalExternalWorkflowExecutionFailed struct {
	Initiated int64                                            `msgpack:"i"`
	Cause     enums.SignalExternalWorkflowExecutionFailedCause `msgpack:"c"`
}

// ExternalWorkflowExecutionSignaled reports that the signal is durably queued.
type ExternalWorkflowExecutionSignaled struct {
	Initiated int64 `msgpack:"i"`
}

// RequestCancelExternalWorkflowExecutionInitiated is the decision to ask another run, or a child, to cancel.
type RequestCancelExternalWorkflowExecutionInitiated struct {
	Target    Run    `msgpack:"x"`
	Reason    string `msgpack:"re,omitempty"`
	ChildOnly bool   `msgpack:"co,omitempty"`
}

// RequestCancelExternalWorkflowExecutionFailed reports that the run to cancel was not found.
type RequestCancelExternalWorkflowExecutionFailed struct {
	Initiated int64                                            `msgpack:"i"`
	Cause     enums.CancelExternalWorkflowExecutionFailedCause `msgpack:"c"`
}

// ExternalWorkflowExecutionCancelRequested reports that the request is durably queued.
type ExternalWorkflowExecutionCancelRequested struct {
	Initiated int64 `msgpack:"i"`
}

// EventType is START_CHILD_WORKFLOW_EXECUTION_INITIATED.
func (*StartChildWorkflowExecutionInitiated) EventType() enums.EventType {
	return enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
}

// EventType is START_CHILD_WORKFLOW_EXECUTION_FAILED.
func (*StartChildWorkflowExecutionFailed) EventType() enums.EventType {
	return enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED
}

// EventType is CHILD_WORKFLOW_EXECUTION_STARTED.
func (*ChildWorkflowExecutionStarted) EventType() enums.EventType {
	return enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED
}

// EventType is CHILD_WORKFLOW_EXECUTION_COMPLETED.
func (*ChildWorkflowExecutionCompleted) EventType() enums.EventType {
	return enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED
}

// EventType is CHILD_WORKFLOW_EXECUTION_FAILED.
func (*ChildWorkflowExecutionFailed) EventType() enums.EventType {
	return enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED
}

// EventType is CHILD_WORKFLOW_EXECUTION_CANCELED.
func (*ChildWorkflowExecutionCanceled) EventType() enums.EventType {
	return enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED
}

// EventType is CHILD_WORKFLOW_EXECUTION_TIMED_OUT.
func (*ChildWorkflowExecutionTimedOut) EventType() enums.EventType {
	return enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT
}

// EventType is CHILD_WORKFLOW_EXECUTION_TERMINATED.
func (*ChildWorkflowExecutionTerminated) EventType() enums.EventType {
	return enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED
}

// EventType is SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED.
func (*SignalExternalWorkflowExecutionInitiated) EventType() enums.EventType {
	return enums.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED
}

// EventType is SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED.
func (*SignalExternalWorkflowExecutionFailed) EventType() enums.EventType {
	return enums.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED
}

// EventType is EXTERNAL_WORKFLOW_EXECUTION_SIGNALED.
func (*ExternalWorkflowExecutionSignaled) EventType() enums.EventType {
	return enums.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED
}

// EventType is REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED.
func (*RequestCancelExternalWorkflowExecutionInitiated) EventType() enums.EventType {
	return enums.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED
}

// EventType is REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED.
func (*RequestCancelExternalWorkflowExecutionFailed) EventType() enums.EventType {
	return enums.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED
}

// EventType is EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED.
func (*ExternalWorkflowExecutionCancelRequested) EventType() enums.EventType {
	return enums.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED
}

func childAttributes() []Attributes {
	return []Attributes{
		&StartChildWorkflowExecutionInitiated{},
		&StartChildWorkflowExecutionFailed{},
		&ChildWorkflowExecutionStarted{},
		&ChildWorkflowExecutionCompleted{},
		&ChildWorkflowExecutionFailed{},
		&ChildWorkflowExecutionCanceled{},
		&ChildWorkflowExecutionTimedOut{},
		&ChildWorkflowExecutionTerminated{},
		&SignalExternalWorkflowExecutionInitiated{},
		&SignalExternalWorkflowExecutionFailed{},
		&ExternalWorkflowExecutionSignaled{},
		&RequestCancelExternalWorkflowExecutionInitiated{},
		&RequestCancelExternalWorkflowExecutionFailed{},
		&ExternalWorkflowExecutionCancelRequested{},
	}
}
