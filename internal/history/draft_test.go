package history

import (
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

func activityResult(id int64) *Message {
	return &Message{ID: "1", Activity: &ActivityResult{Scheduled: id, Attempt: 1}}
}

func childClosed(id int64, status enums.WorkflowExecutionStatus) *Message {
	return &Message{ID: "closed", Child: &ChildOutcome{Initiated: id, RunID: "kid-run", Status: status}}
}

func childStarted(id int64) *Message {
	return &Message{ID: "started", Child: &ChildOutcome{Initiated: id, RunID: "kid-run", Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING}}
}

func childNotStarted(id int64) *Message {
	return &Message{ID: "started", Child: &ChildOutcome{Initiated: id, Cause: enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS}}
}

func externalDone(id int64) *Message {
	return &Message{ID: "done", External: &ExternalResult{Initiated: id}}
}

func signal(id string) *Message    { return &Message{ID: id, Signal: &Signal{Name: "go"}} }
func cancel(id string) *Message    { return &Message{ID: id, Cancel: &CancelRequest{Reason: "stop"}} }
func terminate(id string) *Message { return &Message{ID: id, Terminate: &Termination{Reason: "kill"}} }
func updateMessage(id string) *Message {
	return &Message{ID: UpdateMessageID(id), Update: &UpdateRequest{ID: id, Name: "add", Asker: &UpdateAsker{Waiter: "w", Key: "k"}}}
}

// What each kind of message means: to a run that waits for it, once it is consumed, when it speaks of what is beyond
// the prefix, and to a closed run. Numbers are those of begun.
func TestVerdicts(t *testing.T) {
	kinds := map[string]struct {
		pending, ahead *Message // ahead is nil for messages that name no event
		closed         Verdict
	}{
		"activity result":   {activityResult(2), activityResult(99), Settled},
		"child started":     {childStarted(4), childStarted(99), Settled},
		"child not started": {childNotStarted(4), childNotStarted(99), Settled},
		"child completed":   {childClosed(4, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED), childClosed(99, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED), Settled},
		"child failed":      {childClosed(4, enums.WORKFLOW_EXECUTION_STATUS_FAILED), childClosed(99, enums.WORKFLOW_EXECUTION_STATUS_FAILED), Settled},
		"child canceled":    {childClosed(4, enums.WORKFLOW_EXECUTION_STATUS_CANCELED), childClosed(99, enums.WORKFLOW_EXECUTION_STATUS_CANCELED), Settled},
		"child timed out":   {childClosed(4, enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT), childClosed(99, enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT), Settled},
		"child terminated":  {childClosed(4, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED), childClosed(99, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED), Settled},
		"external signal":   {externalDone(5), externalDone(99), Settled},
		"external cancel":   {externalDone(6), externalDone(99), Settled},
		"signal":            {signal("s1"), nil, Leftover},
		"cancel":            {cancel("c1"), nil, Leftover},
		"terminate":         {terminate("t1"), nil, Leftover},
		"update":            {updateMessage("u1"), nil, Leftover},
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			s := begun(t)
			d := s.state.Draft(at(time.Second))
			check := func(when string, d *Draft, m *Message, want Verdict) {
				t.Helper()
				events := len(d.Events())
				if got := d.Add(m); got != want {
					t.Errorf("%s: verdict is %d, want %d", when, got, want)
				}
				if grew := len(d.Events()) > events; grew != (want == Taken) {
					t.Errorf("%s: verdict %d, and the draft grew: %v", when, want, grew)
				}
			}
			if kind.ahead != nil {
				check("ahead", d, kind.ahead, Ahead)
			}
			check("pending", d, kind.pending, Taken)
			check("again in this draft", d, kind.pending, Settled)
			wantSame(t, d.Consumed(), []string{kind.pending.Identity()})

			s.commit(d, kind.pending.Identity())
			check("consumed", s.state.Draft(at(2*time.Second)), kind.pending, Settled)

			s = begun(t).apply(time.Second, "x", &WorkflowExecutionCompleted{})
			check("closed", s.state.Draft(at(2*time.Second)), kind.pending, kind.closed)
			if kind.ahead != nil {
				// A closed run has no event beyond its last: nobody will ever wait for this.
				check("beyond the close", s.state.Draft(at(2*time.Second)), kind.ahead, Settled)
			}

			d = begun(t).state.Draft(at(time.Second))
			check("terminate", d, terminate("t0"), Taken)
			check("after the close in this draft", d, kind.pending, kind.closed)
		})
	}
}

func TestVerdictsOfOddMessages(t *testing.T) {
	s := begun(t)
	for name, test := range map[string]struct {
		m    *Message
		want Verdict
	}{
		"nothing":              {&Message{ID: "x"}, Junk},
		"wake-up":              {&Message{ID: "1", WakeUp: &WakeUp{Due: t0}}, Settled},
		"signal without an ID": {signal(""), Junk},
		"impossible status":    {childClosed(4, enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW), Junk},
		"activity is a timer":  {activityResult(3), Settled},
		"activity is event 0":  {activityResult(0), Settled},
		"activity below zero":  {activityResult(-5), Settled},
	} {
		d := s.state.Draft(at(time.Second))
		if got := d.Add(test.m); got != test.want || len(d.Events()) != 0 || len(d.Consumed()) != 0 {
			t.Errorf("%s: verdict is %d, want %d; events %v, consumed %v", name, got, test.want, d.Events(), d.Consumed())
		}
	}
}

func TestActivityResultsBecomeEvents(t *testing.T) {
	canceled := &failure.Failure{CanceledFailureInfo: &failure.CanceledFailureInfo{}}
	timedOut := &failure.Failure{TimeoutFailureInfo: &failure.TimeoutFailureInfo{TimeoutType: enums.TIMEOUT_TYPE_HEARTBEAT}}
	for name, test := range map[string]struct {
		failure *failure.Failure
		cancel  bool
		want    enums.EventType
	}{
		"success":                       {nil, false, enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED},
		"failure":                       {&failure.Failure{Message: "no"}, false, enums.EVENT_TYPE_ACTIVITY_TASK_FAILED},
		"time-out":                      {timedOut, false, enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT},
		"cancellation":                  {canceled, true, enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED},
		"cancellation nobody asked for": {canceled, false, enums.EVENT_TYPE_ACTIVITY_TASK_FAILED},
		"success in spite of cancel":    {nil, true, enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED},
	} {
		s := begun(t)
		if test.cancel {
			s.apply(time.Second, "x", &ActivityTaskCancelRequested{2})
		}
		m := activityResult(2)
		m.Activity.Failure, m.Activity.Identity, m.Activity.Attempt, m.Activity.Started = test.failure, "w1", 3, t0
		d := s.state.Draft(at(2 * time.Second))
		d.Add(m)
		if e := d.Events()[0]; e.Type != test.want {
			t.Errorf("%s: event is %v, want %v", name, e, test.want)
		}
		end := d.Events()[0].Attributes.(interface{ End() *ActivityEnd }).End()
		wantSame(t, end, &ActivityEnd{Scheduled: 2, Attempt: 3, Identity: "w1", Started: t0})
		s.commit(d, "x")
	}
}

func types(events []Event) []string {
	var names []string
	for _, e := range events {
		names = append(names, e.String())
	}
	return names
}

// Two messages for one item in one draft: the first one counts.
func TestFirstResultWins(t *testing.T) {
	d := begun(t).state.Draft(at(time.Second))
	second := activityResult(2)
	second.ID, second.Activity.Failure = "2", &failure.Failure{Message: "late"}
	if got := [2]Verdict{d.Add(activityResult(2)), d.Add(second)}; got != [2]Verdict{Taken, Settled} {
		t.Errorf("verdicts are %v", got)
	}
	wantSame(t, types(d.Events()), []string{"7 ActivityTaskCompleted"})
}

func TestChildCloseOvertakesItsStart(t *testing.T) {
	done := childClosed(4, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	s := begun(t)
	d := s.state.Draft(at(time.Second))
	if v := [2]Verdict{d.Add(done), d.Add(childStarted(4))}; v != [2]Verdict{Taken, Settled} {
		t.Errorf("verdicts are %v", v)
	}
	wantSame(t, types(d.Events()), []string{"7 ChildWorkflowExecutionStarted", "8 ChildWorkflowExecutionCompleted"})
	s.commit(d, "c4:closed")
	if v := s.state.Draft(at(2 * time.Second)).Add(childStarted(4)); v != Settled {
		t.Errorf("the overtaken start is %d later", v)
	}

	d = begun(t).state.Draft(at(time.Second)) // in order, both in one draft
	d.Add(childStarted(4))
	d.Add(done)
	wantSame(t, types(d.Events()), []string{"7 ChildWorkflowExecutionStarted", "8 ChildWorkflowExecutionCompleted"})

	d = begun(t).state.Draft(at(time.Second)) // a start that failed after one that did not is a repetition
	d.Add(childStarted(4))
	if v := d.Add(childNotStarted(4)); v != Settled {
		t.Errorf("not started after started is %d", v)
	}
}

func TestSignalInTheStart(t *testing.T) {
	s := newScript(t, func(s *Start) { s.Signal = &Signal{Name: "go", ID: "first"} })
	d := s.state.Draft(at(0))
	wantSame(t, types(d.Events()), []string{"2 WorkflowExecutionSignaled"})
	if v := d.Add(signal("first")); v != Settled {
		t.Errorf("the same signal is %d", v)
	}
	if v := d.Add(signal("second")); v != Taken {
		t.Errorf("another signal is %d", v)
	}
	s.commit(d, StartIdentity)
	if !s.state.Seen("s:first") || !s.state.Seen("s:second") || s.state.Seen("s:third") {
		t.Error("what was consumed is not what was seen")
	}
	if d = s.state.Draft(at(0)); len(d.Events()) != 0 {
		t.Errorf("transition 2 begins with %v", d.Events())
	}
}

func TestCancelOnlyOnce(t *testing.T) {
	s := begun(t)
	d := s.state.Draft(at(time.Second))
	if v := [2]Verdict{d.Add(cancel("c1")), d.Add(cancel("c2"))}; v != [2]Verdict{Taken, Settled} {
		t.Errorf("verdicts are %v", v)
	}
	s.commit(d, "s:c1")
	if v := s.state.Draft(at(time.Second)).Add(cancel("c3")); v != Settled {
		t.Errorf("a cancel request of a canceled run is %d", v)
	}
}

func TestTerminateClosesTheDraft(t *testing.T) {
	s := begun(t)
	d := s.state.Draft(at(2 * time.Minute))
	d.Add(signal("s1"))
	d.Add(terminate("t1"))
	if !d.Closed() || d.AddDue(nil) {
		t.Error("a terminated run goes on")
	}
	s.commit(d, "s:t1")
	if s.state.Status != enums.WORKFLOW_EXECUTION_STATUS_TERMINATED {
		t.Errorf("status is %v", s.state.Status)
	}
}

// A draft's time is the one that its record will have: monotone in the run, an instant in UTC and nothing else.
func TestDraftTime(t *testing.T) {
	s := begun(t).apply(time.Minute, "x")
	if got := s.state.Draft(at(0)).Time(); got != at(time.Minute) {
		t.Errorf("time went back to %v", got)
	}
	s.apply(time.Second, "clock behind")
	if got := s.state.Time; got != at(time.Minute) {
		t.Errorf("the run's time went back to %v", got)
	}
	now := time.Now()
	s = newScript(t, func(s *Start) { s.Time = now.Add(-time.Hour) })
	if got := s.state.Draft(now.In(time.FixedZone("x", 3600))).Time(); got != now.Round(0).UTC() {
		t.Errorf("time is %#v, want %#v", got, now.UTC())
	}
}
