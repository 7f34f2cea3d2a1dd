package history

import (
	"fmt"
	"math"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

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
		enums.EVENT_TYPE_ACTIVITY_TASK_QUEUED,
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

// utcAttributes does for attributes what timed does for records.
func utcAttributes(a Attributes) {
	switch a := a.(type) {
	case *WorkflowExecutionStarted:
		if a.Start != nil {
			a.Start.utc()
		}
	case *TimerStarted:
		a.Due = a.Due.UTC()
	case *ActivityTaskQueued:
		a.NotBefore = a.NotBefore.UTC()
	case interface{ End() *ActivityEnd }:
		a.End().Started = a.End().Started.UTC()
	}
}

// EncodeMsgpack writes e as a map of its number (i), type (t) and attributes (a).
func (e *Event) EncodeMsgpack(enc *msgpack.Encoder) error {
	if e.Attributes == nil || e.Attributes.EventType() != e.Type {
		return fmt.Errorf("event %v has attributes of type %T", *e, e.Attributes)
	}
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
	// DecodeMapLen would look for the map inside an extension, whose content checkNesting does not see.
	c, err := dec.PeekCode()
	if err != nil {
		return err
	}
	if msgpcode.IsExt(c) {
		return fmt.Errorf("extension (code 0x%02x) where an event is expected", c)
	}
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
		var t int64
		if t, err = dec.DecodeInt64(); err == nil && t > math.MaxInt32 {
			return &UnknownError{What: "event type", Value: int(t)}
		}
		e.Type = enums.EventType(t)
	case "a":
		a := newAttributes(e.Type)
		switch {
		case a == nil && e.Type <= 0:
			return fmt.Errorf("event %d has attributes before its type", e.ID)
		case a == nil:
			return &UnknownError{What: "event type", Value: int(e.Type)}
		}
		if err = dec.Decode(a); err == nil {
			utcAttributes(a)
		}
		e.Attributes = a
	default:
		err = dec.Skip()
	}
	return err
}
