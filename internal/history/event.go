package history

import (
	"fmt"
	"math"
	"reflect"

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
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
		enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
		enums.EVENT_TYPE_ACTIVITY_TASK_FAILED,
		enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
		enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED,
		enums.EVENT_TYPE_ACTIVITY_TASK_QUEUED,
		enums.EVENT_TYPE_ACTIVITY_TASK_PAUSED,
		enums.EVENT_TYPE_ACTIVITY_TASK_UNPAUSED,
		enums.EVENT_TYPE_ACTIVITY_TASK_RESET,
		enums.EVENT_TYPE_ACTIVITY_TASK_PARKED,
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

// put writes e as a map of its number (i), type (t) and attributes (a).
func (e *Event) put(w *writer, ps *plans) {
	p := ps.events[e.Type]
	a := reflect.ValueOf(e.Attributes)
	if p == nil || !a.IsValid() || a.Type() != p.pointer || a.IsNil() {
		w.fail(fmt.Errorf("event %v has attributes of type %T", *e, e.Attributes))
		return
	}
	w.enterMap(3)
	w.string("i")
	w.int(e.ID)
	w.string("t")
	w.int(int64(e.Type))
	w.string("a")
	p.put(w, a.UnsafePointer())
	w.leave()
}

// get reads what put wrote, in that order of keys; keys that it does not know are ignored.
func (e *Event) get(r *reader, ps *plans) {
	n := r.enterMap()
	for i := 0; i < n && r.err == nil; i++ {
		switch key := r.text(); string(key) {
		case "i":
			e.ID = r.int()
		case "t":
			t := r.int()
			if t > math.MaxInt32 {
				r.fail(&UnknownError{What: "event type", Value: int(t)})
			}
			e.Type = enums.EventType(t)
		case "a":
			e.getAttributes(r, ps)
		default:
			r.skip()
		}
	}
	r.leave(n)
	if r.err == nil && e.Attributes == nil {
		r.fail(fmt.Errorf("event %d of type %d has no attributes", e.ID, e.Type))
	}
}

func (e *Event) getAttributes(r *reader, ps *plans) {
	p := ps.events[e.Type]
	switch {
	case p == nil && e.Type <= 0:
		r.fail(fmt.Errorf("event %d has attributes before its type", e.ID))
		return
	case p == nil:
		r.fail(&UnknownError{What: "event type", Value: int(e.Type)})
		return
	}
	a := reflect.New(p.pointer.Elem())
	p.get(r, a.UnsafePointer())
	e.Attributes = a.Interface().(Attributes)
}
