package history

import (
	"strconv"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// Message is what waits in a run's inbox until a transition consumes it. Exactly one of the pointer parts is set;
// a wake-up is a message with WakeUp set.
type Message struct {
	Version int `msgpack:"v"`
	// ID tells two messages of one source apart: the sender's choice for signals, changes of options, cancel and terminate requests,
	// UpdateMessageID for updates, the attempt for activity results, "parked" and the generation for parked activities, "started" or
	// "closed" for children, the armed due time in Unix milliseconds for wake-ups.
	ID string `msgpack:"id"`

	Activity  *ActivityResult `msgpack:"a,omitempty"`
	Child     *ChildOutcome   `msgpack:"c,omitempty"`
	External  *ExternalResult `msgpack:"e,omitempty"`
	Signal    *Signal         `msgpack:"s,omitempty"`
	Cancel    *CancelRequest  `msgpack:"x,omitempty"`
	Terminate *Termination    `msgpack:"t,omitempty"`
	WakeUp    *WakeUp         `msgpack:"w,omitempty"`
	Update    *UpdateRequest  `msgpack:"u,omitempty"`
	Options   *OptionsChange  `msgpack:"o,omitempty"`
	// Asked is a request for an activity, Parked what came of it.
	Asked  *ActivityRequest `msgpack:"k,omitempty"`
	Parked *ActivityParked  `msgpack:"p,omitempty"`
	// Forwarded is the sequence in INBOX that a signal or request had when it was sent to a run that was closed by then,
	// 0 for one that was not passed on. It keeps its place in the order of sending.
	Forwarded uint64 `msgpack:"fw,omitempty"`
}

// Source is the inbox source that m belongs to, empty when m carries nothing known.
func (m *Message) Source() Source {
	switch {
	case m.Activity != nil:
		return ActivitySource(m.Activity.Scheduled)
	case m.Child != nil:
		return ChildSource(m.Child.Initiated)
	case m.External != nil:
		return ExternalSource(m.External.Initiated)
	case m.IsRequest():
		return SourceSignals
	case m.Parked != nil:
		return ActivitySource(m.Parked.Scheduled)
	case m.WakeUp != nil:
		return SourceWakeUp
	}
	return ""
}

// IsRequest says whether m is of the one lane whose order matters, that of SourceSignals.
func (m *Message) IsRequest() bool {
	return m.Signal != nil || m.Cancel != nil || m.Terminate != nil || m.Update != nil || m.Options != nil || m.Asked != nil
}

// Identity names m within its run, as records and covers do: source and ID, joined by a colon.
func (m *Message) Identity() string { return string(m.Source()) + ":" + m.ID }

// StartIdentity is the identity of a run's start message.
const StartIdentity = "start"

// ActivityResult reports how an activity ended: a result, or a failure that will not be retried. A canceled
// activity has a failure with CanceledFailureInfo, a timed-out one with TimeoutFailureInfo.
type ActivityResult struct {
	Scheduled int64            `msgpack:"s"`
	Attempt   int32            `msgpack:"at"`
	Result    *common.Payloads `msgpack:"r,omitempty"`
	Failure   *failure.Failure `msgpack:"f,omitempty"`
	Retry     enums.RetryState `msgpack:"rs,omitempty"`
	Identity  string           `msgpack:"i,omitempty"`
	Started   time.Time        `msgpack:"st,omitempty"`
}

// ChildOutcome reports a step in the life of a child. Status RUNNING means that it started; UNSPECIFIED that it
// could not, with Cause; any other status that it closed.
type ChildOutcome struct {
	Initiated int64                                        `msgpack:"i"`
	RunID     string                                       `msgpack:"r,omitempty"`
	Status    enums.WorkflowExecutionStatus                `msgpack:"s,omitempty"`
	Cause     enums.StartChildWorkflowExecutionFailedCause `msgpack:"ca,omitempty"`
	Result    *common.Payloads                             `msgpack:"re,omitempty"`
	Failure   *failure.Failure                             `msgpack:"f,omitempty"`
	Retry     enums.RetryState                             `msgpack:"rs,omitempty"`
}

// ExternalResult reports whether an external run was reached (NotFound false) by a signal or cancel request.
type ExternalResult struct {
	Initiated int64 `msgpack:"i"`
	NotFound  bool  `msgpack:"n,omitempty"`
}

// Signal is a signal as its sender wrote it.
type Signal struct {
	Name     string           `msgpack:"n"`
	Input    *common.Payloads `msgpack:"in,omitempty"`
	Header   *common.Header   `msgpack:"h,omitempty"`
	Identity string           `msgpack:"i,omitempty"`
	// ID is set where a signal travels without a Message around it (inside a start).
	ID string `msgpack:"id,omitempty"`
}

// CancelRequest asks the workflow code to cancel the run.
type CancelRequest struct {
	Reason   string `msgpack:"r,omitempty"`
	Identity string `msgpack:"i,omitempty"`
	// External is the run that asked, nil for a client.
	External *Run `msgpack:"x,omitempty"`
}

// Termination closes the run without asking its code.
type Termination struct {
	Reason   string           `msgpack:"r,omitempty"`
	Details  *common.Payloads `msgpack:"d,omitempty"`
	Identity string           `msgpack:"i,omitempty"`
}

// WakeUp says: look at the clock.
type WakeUp struct {
	// Due is the deadline that the wake-up was armed for.
	Due time.Time `msgpack:"d"`
}

const parkedPrefix = "parked"

// NewParked is the message that p makes: whoever finds that the same task is gone sends the same.
func NewParked(p ActivityParked) *Message {
	return &Message{ID: parkedPrefix + strconv.FormatInt(p.Generation, 10), Parked: &p}
}

// NewWakeUp is the message of a wake-up that is armed for due, a time between two milliseconds being rounded up so that
// nothing is early. Whoever arms it and whoever relies on its identity make it here.
func NewWakeUp(due time.Time) *Message {
	millis := due.UnixMilli()
	if time.UnixMilli(millis).Before(due) {
		millis++
	}
	return &Message{ID: strconv.FormatInt(millis, 10), WakeUp: &WakeUp{Due: time.UnixMilli(millis).UTC()}}
}
