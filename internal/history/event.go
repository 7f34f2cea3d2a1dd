package history

import (
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/millrace-dev/millrace/api/enums"
)

// Event is one thing that happened to a run or that its code decided.
type Event struct {
	// ID numbers the events of a run from 1 without gap; event 1 is the start.
	ID   int64
	Type enums.EventType
	// Attributes is a pointer to the struct that belongs to Type.
	Attributes Attributes
}

// Attributes are the facts of one type of event.
type Attributes interface {
	// EventType is the type of event that the attributes belong to.
	EventType() enums.EventType
}

// NewEvent is the event number id with the given attributes.
func NewEvent(id int64, a Attributes) Event {
	return Event{ID: id, Type: a.EventType(), Attributes: a}
}

// String is "7 ActivityTaskScheduled", for errors and logs.
func (e Event) String() string { return fmt.Sprintf("%d %s", e.ID, e.Type) }

// IsInput says whether e was brought by a message or the clock; other events were decided by workflow code.
func (e Event) IsInput() bool {
	switch e.Type {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
		enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
		enums.EVENT_TYPE_ACTIVITY_TASK_FAILED,
		enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
		enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED,
		enums.EVENT_TYPE_TIMER_FIRED,
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED,
		enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED,
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED,
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED,
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED,
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT,
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED,
		enums.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED,
		enums.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
		enums.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
		enums.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED:
		return true
	}
	return false
}

// IsClosing says whether e ends the run.
func (e Event) IsClosing() bool {
	return e.ClosedStatus() != enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED
}

// ClosedStatus is the status that e gives the run, unspecified when e does not close it.
func (e Event) ClosedStatus() enums.WorkflowExecutionStatus {
	switch e.Type {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		return enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		return enums.WORKFLOW_EXECUTION_STATUS_FAILED
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
		return enums.WORKFLOW_EXECUTION_STATUS_CANCELED
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
		return enums.WORKFLOW_EXECUTION_STATUS_TERMINATED
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
		return enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		return enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW
	}
	return enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED
}

// newAttributes is an empty set of attributes for t, nil for a type that this version does not know.
func newAttributes(t enums.EventType) Attributes {
	switch t {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
		return &WorkflowExecutionStarted{}
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		return &WorkflowExecutionCompleted{}
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		return &WorkflowExecutionFailed{}
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
		return &WorkflowExecutionTimedOut{}
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
		return &WorkflowExecutionCanceled{}
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
		return &WorkflowExecutionTerminated{}
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		return &WorkflowExecutionContinuedAsNew{}
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
		return &WorkflowExecutionSignaled{}
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
		return &WorkflowExecutionCancelRequested{}
	case enums.EVENT_TYPE_TIMER_STARTED:
		return &TimerStarted{}
	case enums.EVENT_TYPE_TIMER_FIRED:
		return &TimerFired{}
	case enums.EVENT_TYPE_TIMER_CANCELED:
		return &TimerCanceled{}
	}
	if a := newActivityAttributes(t); a != nil {
		return a
	}
	return newChildAttributes(t)
}

// EncodeMsgpack writes e as a map of its number (i), type (t) and attributes (a).
func (e *Event) EncodeMsgpack(enc *msgpack.Encoder) error {
	if err := enc.EncodeMapLen(3); err != nil {
		return err
	}
	if err := encodeIntField(enc, "i", e.ID); err != nil {
		return err
	}
	if err := encodeIntField(enc, "t", int64(e.Type)); err != nil {
		return err
	}
	if err := enc.EncodeString("a"); err != nil {
		return err
	}
	return enc.Encode(e.Attributes)
}

func encodeIntField(enc *msgpack.Encoder, key string, n int64) error {
	if err := enc.EncodeString(key); err != nil {
		return err
	}
	return enc.EncodeInt(n)
}

// DecodeMsgpack reads what EncodeMsgpack wrote, in that order of keys; keys that it does not know are ignored.
func (e *Event) DecodeMsgpack(dec *msgpack.Decoder) error {
	n, err := dec.DecodeMapLen()
	if err != nil {
		return err
	}
	*e = Event{}
	for range n {
		key, err := dec.DecodeString()
		if err != nil {
			return err
		}
		if err := e.decodeField(dec, key); err != nil {
			return err
		}
	}
	if e.Attributes == nil {
		return fmt.Errorf("event %d of type %d has no attributes", e.ID, e.Type)
	}
	return nil
}

func (e *Event) decodeField(dec *msgpack.Decoder, key string) (err error) {
	switch key {
	case "i":
		e.ID, err = dec.DecodeInt64()
	case "t":
		var t int32
		t, err = dec.DecodeInt32()
		e.Type = enums.EventType(t)
	case "a":
		a := newAttributes(e.Type)
		if a == nil {
			return &UnknownError{What: "event type", Value: int(e.Type)}
		}
		e.Attributes = a
		err = dec.Decode(a)
	default:
		err = dec.Skip()
	}
	return err
}
