package history

import (
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
)

func TestOverridesSayWhoDecides(t *testing.T) {
	s := newScript(t, func(s *Start) { s.Run.Build = "1" })
	bound := func(want string) {
		t.Helper()
		if got := s.state.Bound(); got != want {
			t.Errorf("bound to %q, want %q", got, want)
		}
	}
	bound("1")
	change := func(at time.Duration, o *VersioningOverride) {
		t.Helper()
		d := s.state.Draft(t0.Add(at))
		m := &Message{ID: at.String(), Options: &OptionsChange{Versioning: o}}
		if v := d.Add(m); v != Taken || m.Source() != SourceSignals {
			t.Fatalf("change of options is %v of source %s", v, m.Source())
		}
		s.apply(at, m.Identity(), d.Events()[0].Attributes)
	}
	change(1, &VersioningOverride{Deployment: "app", Build: "2"})
	bound("2")
	change(2, &VersioningOverride{})
	bound("")
	change(3, nil)
	bound("1")
}

func TestOnlyPinningOverridesAreInherited(t *testing.T) {
	for _, o := range []*VersioningOverride{nil, {}, {Deployment: "app", Build: "2"}} {
		s := newScript(t, func(s *Start) { s.Versioning = o })
		s.apply(time.Second, "x", &WorkflowExecutionContinuedAsNew{&Successor{RunID: "run-2"}})
		inherited := s.state.SuccessorStart().Versioning
		if want := o != nil && o.Build != ""; (inherited != nil) != want {
			t.Errorf("override %+v became %+v", o, inherited)
		}
	}
}

func TestPrioritiesAreInheritedFieldByField(t *testing.T) {
	flow := millrace.Priority{PriorityKey: 2, FairnessKey: "tenant", FairnessWeight: 4}
	for _, test := range []struct{ own, flow, want millrace.Priority }{
		{millrace.Priority{}, millrace.Priority{}, millrace.Priority{}},
		{millrace.Priority{}, flow, flow},
		{millrace.Priority{PriorityKey: 5}, flow, millrace.Priority{PriorityKey: 5, FairnessKey: "tenant", FairnessWeight: 4}},
		{millrace.Priority{FairnessKey: "other", FairnessWeight: 1}, flow, millrace.Priority{PriorityKey: 2, FairnessKey: "other", FairnessWeight: 1}},
		{flow, millrace.Priority{}, flow},
	} {
		if got := PriorityOf(test.own).Over(PriorityOf(test.flow)).Priority(); got != test.want {
			t.Errorf("%+v of a workflow with %+v is %+v, want %+v", test.own, test.flow, got, test.want)
		}
	}
	for key, want := range map[int]int{0: 0, 1: 1, 2: 2, 3: 0, 4: 4, 5: 5} {
		if got := PriorityOf(millrace.Priority{PriorityKey: key}).Class(); got != want {
			t.Errorf("key %d is of class %d, want %d", key, got, want)
		}
	}
}
