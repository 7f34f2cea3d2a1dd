package history

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
)

// script is a run under test: its state, and what it takes to write the next transition.
type script struct {
	t     *testing.T
	state *State
}

func newScript(t *testing.T, change ...func(*Start)) *script {
	t.Helper()
	start := &Start{
		Version: 1, Run: Address{Run: Run{WorkflowID: "order", RunID: "run-1"}, Queue: "q"}, Type: "Order", Time: t0,
	}
	for _, c := range change {
		c(start)
	}
	return &script{t: t, state: NewState(start)}
}

// next is the transition that would follow, at a time after the start.
func (s *script) next(after time.Duration, cover string, attrs ...Attributes) *Transition {
	t := &Transition{
		Version: 1, RunID: s.state.Start.Run.RunID, Number: s.state.Transitions + 1,
		CommitID: fmt.Sprint("commit-", s.state.Transitions+1), Cover: cover, Time: at(after),
	}
	for i, a := range attrs {
		t.Events = append(t.Events, NewEvent(s.state.LastEvent+int64(i)+1, a))
	}
	return t
}

// apply writes the next transition.
func (s *script) apply(after time.Duration, cover string, attrs ...Attributes) *script {
	s.t.Helper()
	if err := s.state.Apply(s.next(after, cover, attrs...)); err != nil {
		s.t.Fatal(err)
	}
	return s
}

// commit writes what a draft decided, and what the code decides on it.
func (s *script) commit(d *Draft, cover string, decided ...Attributes) {
	s.t.Helper()
	t := s.next(0, cover)
	t.Time, t.Consumed, t.Events = d.Time(), d.Consumed(), d.Events()
	for _, a := range decided {
		t.Events = append(t.Events, NewEvent(s.state.LastEvent+int64(len(t.Events))+1, a))
	}
	if err := s.state.Apply(t); err != nil {
		s.t.Fatal(err)
	}
}

func activity() *ActivityTaskScheduled {
	return &ActivityTaskScheduled{ActivityID: "a", Type: "Act", Queue: "aq"}
}

func timer(after, d time.Duration) *TimerStarted {
	return &TimerStarted{Timeout: MillisOf(d), Due: at(after + d)}
}

func child(policy enums.ParentClosePolicy) *StartChildWorkflowExecutionInitiated {
	return &StartChildWorkflowExecutionInitiated{WorkflowID: "kid", RunID: "kid-run", Type: "Kid", Queue: "kq", ParentClose: policy}
}

func externalSignal() *SignalExternalWorkflowExecutionInitiated {
	return &SignalExternalWorkflowExecutionInitiated{Target: Run{WorkflowID: "other"}, Name: "hello"}
}

func externalCancel() *RequestCancelExternalWorkflowExecutionInitiated {
	return &RequestCancelExternalWorkflowExecutionInitiated{Target: Run{WorkflowID: "other"}, Reason: "why"}
}

// In every row the run has these events: 2 activity, 3 timer, 4 child, 5 signal and 6 cancel request to others.
func begun(t *testing.T) *script {
	return newScript(t).apply(0, StartIdentity, activity(), timer(0, time.Minute),
		child(enums.PARENT_CLOSE_POLICY_TERMINATE), externalSignal(), externalCancel())
}

func TestLegalAndIllegalEvents(t *testing.T) {
	end := func(id int64) ActivityEnd { return ActivityEnd{Scheduled: id} }
	kid := func(id int64) ChildEnd { return ChildEnd{Initiated: id, RunID: "kid-run"} }
	for name, test := range map[string]struct {
		events []Attributes
		text   string // of the error for the last event; empty when all are legal
	}{
		"activity completes":          {[]Attributes{&ActivityTaskCompleted{ActivityEnd: end(2)}}, ""},
		"activity fails":              {[]Attributes{&ActivityTaskFailed{ActivityEnd: end(2)}}, ""},
		"activity times out":          {[]Attributes{&ActivityTaskTimedOut{ActivityEnd: end(2)}}, ""},
		"activity canceled":           {[]Attributes{&ActivityTaskCancelRequested{2}, &ActivityTaskCanceled{ActivityEnd: end(2)}}, ""},
		"activity completes twice":    {[]Attributes{&ActivityTaskCompleted{ActivityEnd: end(2)}, &ActivityTaskFailed{ActivityEnd: end(2)}}, "event 8 ActivityTaskFailed is not possible: activity 2 is not pending"},
		"timer as activity":           {[]Attributes{&ActivityTaskCompleted{ActivityEnd: end(3)}}, "event 7 ActivityTaskCompleted is not possible: activity 3 is not pending"},
		"cancel of no activity":       {[]Attributes{&ActivityTaskCancelRequested{3}}, "event 7 ActivityTaskCancelRequested is not possible: activity 3 has an outcome or is being canceled"},
		"cancel twice":                {[]Attributes{&ActivityTaskCancelRequested{2}, &ActivityTaskCancelRequested{2}}, "event 8 ActivityTaskCancelRequested is not possible: activity 2 has an outcome or is being canceled"},
		"timer fires":                 {[]Attributes{&TimerFired{3}}, ""},
		"timer canceled":              {[]Attributes{&TimerCanceled{3}}, ""},
		"canceled timer fires":        {[]Attributes{&TimerCanceled{3}, &TimerFired{3}}, "event 8 TimerFired is not possible: timer 3 is not pending"},
		"timer of this transition":    {[]Attributes{timer(0, time.Second), &TimerCanceled{7}}, ""},
		"timer of the future":         {[]Attributes{&TimerCanceled{8}, timer(0, time.Second)}, "event 7 TimerCanceled is not possible: timer 8 is not pending"},
		"child lives":                 {[]Attributes{&ChildWorkflowExecutionStarted{4, "kid-run"}, &ChildWorkflowExecutionCompleted{ChildEnd: kid(4)}}, ""},
		"child does not start":        {[]Attributes{&StartChildWorkflowExecutionFailed{Initiated: 4}}, ""},
		"child starts twice":          {[]Attributes{&ChildWorkflowExecutionStarted{4, "kid-run"}, &ChildWorkflowExecutionStarted{4, "kid-run"}}, "event 8 ChildWorkflowExecutionStarted is not possible: child 4 has started or closed"},
		"child closes twice":          {[]Attributes{&ChildWorkflowExecutionFailed{ChildEnd: kid(4)}, &ChildWorkflowExecutionTimedOut{ChildEnd: kid(4)}}, "event 8 ChildWorkflowExecutionTimedOut is not possible: child 4 is not pending"},
		"no child closes":             {[]Attributes{&ChildWorkflowExecutionCanceled{ChildEnd: kid(2)}}, "event 7 ChildWorkflowExecutionCanceled is not possible: child 2 is not pending"},
		"signal delivered":            {[]Attributes{&ExternalWorkflowExecutionSignaled{5}}, ""},
		"signal delivered and failed": {[]Attributes{&ExternalWorkflowExecutionSignaled{5}, &SignalExternalWorkflowExecutionFailed{Initiated: 5}}, "event 8 SignalExternalWorkflowExecutionFailed is not possible: external signal 5 is not pending"},
		"cancel delivered":            {[]Attributes{&ExternalWorkflowExecutionCancelRequested{6}}, ""},
		"cancel not found twice":      {[]Attributes{&RequestCancelExternalWorkflowExecutionFailed{Initiated: 6}, &RequestCancelExternalWorkflowExecutionFailed{Initiated: 6}}, "event 8 RequestCancelExternalWorkflowExecutionFailed is not possible: external cancel request 6 is not pending"},
		"two signals":                 {[]Attributes{&WorkflowExecutionSignaled{}, &WorkflowExecutionSignaled{}}, ""},
		"two cancel requests":         {[]Attributes{&WorkflowExecutionCancelRequested{}, &WorkflowExecutionCancelRequested{}}, "event 8 WorkflowExecutionCancelRequested is not possible: cancellation is requested already"},
		"start":                       {[]Attributes{&WorkflowExecutionStarted{}}, "event 7 WorkflowExecutionStarted is not possible: events of this type are not stored in transitions"},
		"event after the close":       {[]Attributes{&WorkflowExecutionCompleted{}, &TimerFired{3}}, "event 8 TimerFired is not possible: last event is 7, status Completed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := begun(t)
			err := s.state.Apply(s.next(time.Second, "x", test.events...))
			if test.text == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var illegal *IllegalEventError
			if !errors.As(err, &illegal) || err.Error() != "run order/run-1: "+test.text {
				t.Fatalf("error is %v, want %s", err, test.text)
			}
		})
	}
}

func TestTransitionsInOrderOnly(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Transition)
		text   string
	}{
		"another run": {func(t *Transition) { t.RunID = "run-2" }, "run order/run-1: transition 2 belongs to run run-2"},
		"a gap":       {func(t *Transition) { t.Number = 3 }, "run order/run-1: transition 3 follows 1"},
		"again":       {func(t *Transition) { t.Number = 1 }, "run order/run-1: transition 1 follows 1"},
		"event gap":   {func(t *Transition) { t.Events[0].ID = 8 }, "run order/run-1: event 8 TimerFired is not possible: last event is 6, status Running"},
		"event twice": {func(t *Transition) { t.Events[0].ID = 6 }, "run order/run-1: event 6 TimerFired is not possible: last event is 6, status Running"},
	} {
		s := begun(t)
		tr := s.next(time.Second, "x", &TimerFired{3})
		test.change(tr)
		if err := s.state.Apply(tr); err == nil || err.Error() != test.text {
			t.Errorf("%s: error is %v, want %s", name, err, test.text)
		}
	}
	s := begun(t).apply(time.Second, "x", &WorkflowExecutionFailed{})
	err := s.state.Apply(s.next(time.Second, "x"))
	if want := "run order/run-1: transition 3 follows the closing event 7 WorkflowExecutionFailed"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestStatusFollowsTheClosingEvent(t *testing.T) {
	for want, a := range map[enums.WorkflowExecutionStatus]Attributes{
		enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:        &WorkflowExecutionCompleted{},
		enums.WORKFLOW_EXECUTION_STATUS_FAILED:           &WorkflowExecutionFailed{},
		enums.WORKFLOW_EXECUTION_STATUS_CANCELED:         &WorkflowExecutionCanceled{},
		enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:       &WorkflowExecutionTerminated{},
		enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:        &WorkflowExecutionTimedOut{},
		enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW: &WorkflowExecutionContinuedAsNew{},
		enums.WORKFLOW_EXECUTION_STATUS_RUNNING:          &WorkflowExecutionSignaled{},
	} {
		s := begun(t).apply(time.Second, "x", a).state
		if closed := want != enums.WORKFLOW_EXECUTION_STATUS_RUNNING; s.Status != want || s.Closed() != closed {
			t.Errorf("after %T status is %v, closed %v", a, s.Status, s.Closed())
		}
		if NewEvent(7, a).IsClosing() != s.Closed() {
			t.Errorf("%T: IsClosing differs", a)
		}
	}
}

// Inputs come before decisions, so that a replay knows where the code's part begins.
func TestSplit(t *testing.T) {
	tr := begun(t).next(0, "x", &TimerFired{3}, &WorkflowExecutionSignaled{}, activity(), &WorkflowExecutionCompleted{})
	inputs, decided := tr.Split()
	if len(inputs) != 2 || len(decided) != 2 || tr.FirstEvent() != 7 {
		t.Errorf("inputs %v, decided %v, first %d", inputs, decided, tr.FirstEvent())
	}
	if inputs, decided = (&Transition{}).Split(); len(inputs)+len(decided) != 0 {
		t.Errorf("of no events: %v, %v", inputs, decided)
	}
}

// Decisions are exactly the events that code can make.
func TestInputsAndDecisions(t *testing.T) {
	decisions := map[enums.EventType]bool{
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: true, enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: true,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: true, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: true,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: true, enums.EVENT_TYPE_TIMER_STARTED: true,
		enums.EVENT_TYPE_TIMER_CANCELED: true, enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: true,
		enums.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:                       true,
		enums.EVENT_TYPE_MARKER_RECORDED:                                      true,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:                  true,
		enums.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:                    true,
		enums.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:                         true,
		enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:             true,
		enums.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED:         true,
		enums.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: true,
	}
	for _, n := range eventTypes() {
		if e := NewEvent(1, newAttributes(n)); e.IsInput() == decisions[n] {
			t.Errorf("%v: IsInput is %v", n, e.IsInput())
		}
	}
}
