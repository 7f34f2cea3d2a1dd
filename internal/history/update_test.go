package history

import (
	"testing"
	"time"
)

func accepted(id string) *WorkflowExecutionUpdateAccepted {
	return &WorkflowExecutionUpdateAccepted{UpdateRequest: UpdateRequest{ID: id, Name: "add"}}
}

// The answer of the history, by how far the update has come.
func TestUpdateAnswer(t *testing.T) {
	s := begun(t)
	s.apply(time.Second, "x", accepted("done"), accepted("running"))
	first := s.state.LastEvent - 1
	s.apply(time.Second, "y", &WorkflowExecutionUpdateCompleted{Accepted: first, ID: "done"})
	step := func(id string) UpdateStep {
		if a := s.state.UpdateAnswer(id); a != nil {
			return a.Step
		}
		return 0
	}
	if step("done") != UpdateCompleted || step("running") != UpdateAccepted || step("unknown") != 0 {
		t.Fatalf("steps %v, %v, %v", step("done"), step("running"), step("unknown"))
	}
	wantSame(t, s.state.RunningUpdates(), []string{"running"})
	s.apply(time.Second, "z", &WorkflowExecutionCompleted{})
	abandoned := s.state.UpdateAnswer("running")
	if abandoned.Step != UpdateCompleted || abandoned.Failure.ApplicationFailureInfo.Type != FailureTypeAbandonedUpdate {
		t.Errorf("an update that ran when the run closed: %+v", abandoned)
	}
	if done := s.state.UpdateAnswer("done"); done.Failure != nil {
		t.Errorf("an update that had completed when the run closed: %+v", done)
	}
}

func TestIllegalUpdateEvents(t *testing.T) {
	for name, events := range map[string][]Attributes{
		"accepted twice":        {accepted("u"), accepted("u")},
		"completed, not known":  {&WorkflowExecutionUpdateCompleted{Accepted: 9, ID: "u"}},
		"completed for another": {accepted("u"), &WorkflowExecutionUpdateCompleted{Accepted: 99, ID: "u"}},
		"completed twice": {accepted("u"), &WorkflowExecutionUpdateCompleted{Accepted: 8, ID: "u"},
			&WorkflowExecutionUpdateCompleted{Accepted: 8, ID: "u"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := begun(t)
			for i := range events {
				if c, ok := events[i].(*WorkflowExecutionUpdateCompleted); ok && c.Accepted == 8 {
					c.Accepted = s.state.LastEvent + 1
				}
			}
			if err := s.state.Apply(s.next(time.Second, "x", events...)); err == nil {
				t.Error("the state took it")
			}
		})
	}
}

// A request whose message has another ID than its update could not be told from a repetition.
func TestAnUpdateHasTheIDOfItsMessage(t *testing.T) {
	m := updateMessage("u")
	m.ID = "other"
	if v := begun(t).state.Draft(at(time.Second)).Add(m); v != Junk {
		t.Errorf("verdict %d", v)
	}
	if signal("u").Identity() == updateMessage("u").Identity() {
		t.Error("an update and a signal have one identity")
	}
	if s := updateMessage("u").Source(); s != SourceSignals {
		t.Errorf("source %q: updates and signals keep one order", s)
	}
	if updateMessage("u").Update.Asker.AcceptanceKey() == updateMessage("u").Update.Asker.OutcomeKey() {
		t.Error("both answers have one key")
	}
}
