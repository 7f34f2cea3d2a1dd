package replay

import (
	"fmt"
	"maps"
	"slices"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
)

// recordedNext is the recorded event that the next command should be, nil when there is none or the run is live.
func (m *Machine) recordedNext() *history.Event {
	if i := m.nextEvent - m.first; i < int64(len(m.recorded)) {
		return &m.recorded[i]
	}
	return nil
}

// match compares the decided events with the recorded ones, in order.
func (m *Machine) match(t *history.Transition, recorded []history.Event) error {
	for i := range max(len(recorded), len(m.decided)) {
		expected, actual := nothing, nothing
		switch {
		case i >= len(m.decided):
			expected = describe(recorded[i].Attributes)
		case i >= len(recorded):
			actual = describe(m.decided[i].Attributes)
		case same(recorded[i].Attributes, m.decided[i].Attributes):
			continue
		default:
			expected, actual = describe(recorded[i].Attributes), describe(m.decided[i].Attributes)
		}
		return &NonDeterminismError{Run: m.run(), Transition: t.Number, EventID: m.first + int64(i),
			Expected: expected, Actual: actual}
	}
	return nil
}

const nothing = "nothing"

// same says whether two commands have one type and one identity. What else they carry may change with the code.
func same(recorded, decided history.Attributes) bool {
	switch r := recorded.(type) {
	case *history.ActivityTaskScheduled:
		d, ok := decided.(*history.ActivityTaskScheduled)
		return ok && r.ActivityID == d.ActivityID && r.Type == d.Type
	case *history.ActivityTaskCancelRequested:
		d, ok := decided.(*history.ActivityTaskCancelRequested)
		return ok && *r == *d
	case *history.TimerStarted:
		d, ok := decided.(*history.TimerStarted)
		return ok && r.Timeout == d.Timeout
	case *history.TimerCanceled:
		d, ok := decided.(*history.TimerCanceled)
		return ok && *r == *d
	case *history.StartChildWorkflowExecutionInitiated:
		d, ok := decided.(*history.StartChildWorkflowExecutionInitiated)
		return ok && r.WorkflowID == d.WorkflowID && r.Type == d.Type
	case *history.SignalExternalWorkflowExecutionInitiated:
		d, ok := decided.(*history.SignalExternalWorkflowExecutionInitiated)
		return ok && r.Target == d.Target && r.Name == d.Name
	case *history.RequestCancelExternalWorkflowExecutionInitiated:
		d, ok := decided.(*history.RequestCancelExternalWorkflowExecutionInitiated)
		return ok && r.Target == d.Target
	case *history.MarkerRecorded:
		d, ok := decided.(*history.MarkerRecorded)
		return ok && r.Name == d.Name && r.ID == d.ID && localType(r) == localType(d)
	case *history.UpsertWorkflowSearchAttributes:
		d, ok := decided.(*history.UpsertWorkflowSearchAttributes)
		return ok && sameKeys(r.Search.GetIndexedFields(), d.Search.GetIndexedFields())
	case *history.WorkflowPropertiesModified:
		d, ok := decided.(*history.WorkflowPropertiesModified)
		return ok && sameKeys(r.Memo.GetFields(), d.Memo.GetFields())
	case *history.WorkflowExecutionUpdateCompleted:
		d, ok := decided.(*history.WorkflowExecutionUpdateCompleted)
		return ok && r.Accepted == d.Accepted
	}
	return recorded.EventType() == decided.EventType()
}

// localType is the type of the local activity that a marker tells of, empty for others.
func localType(a *history.MarkerRecorded) string {
	if a.Local == nil {
		return ""
	}
	return a.Local.Type
}

func sameKeys(a, b map[string]*common.Payload) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if _, ok := b[k]; !ok {
			return false
		}
	}
	return true
}

// describe is a command in words: its type and what same compares.
func describe(a history.Attributes) string {
	t := a.EventType().String()
	switch a := a.(type) {
	case *history.ActivityTaskScheduled:
		return fmt.Sprintf("%s %q (id %s)", t, a.Type, a.ActivityID)
	case *history.ActivityTaskCancelRequested:
		return fmt.Sprintf("%s of event %d", t, a.Scheduled)
	case *history.TimerStarted:
		return fmt.Sprintf("%s %v", t, a.Timeout.Duration())
	case *history.TimerCanceled:
		return fmt.Sprintf("%s of event %d", t, a.Started)
	case *history.StartChildWorkflowExecutionInitiated:
		return fmt.Sprintf("%s %q (workflow ID %s)", t, a.Type, a.WorkflowID)
	case *history.SignalExternalWorkflowExecutionInitiated:
		return fmt.Sprintf("%s %q to %s", t, a.Name, target(a.Target))
	case *history.RequestCancelExternalWorkflowExecutionInitiated:
		return fmt.Sprintf("%s to %s", t, target(a.Target))
	case *history.MarkerRecorded:
		switch {
		case a.ID == "":
			return fmt.Sprintf("%s %s", t, a.Name)
		case a.Local != nil:
			return fmt.Sprintf("%s %s %q (id %s)", t, a.Name, a.Local.Type, a.ID)
		}
		return fmt.Sprintf("%s %s %q", t, a.Name, a.ID)
	case *history.UpsertWorkflowSearchAttributes:
		return fmt.Sprintf("%s %v", t, slices.Sorted(maps.Keys(a.Search.GetIndexedFields())))
	case *history.WorkflowPropertiesModified:
		return fmt.Sprintf("%s %v", t, slices.Sorted(maps.Keys(a.Memo.GetFields())))
	case *history.WorkflowExecutionUpdateCompleted:
		return fmt.Sprintf("%s of event %d (id %s)", t, a.Accepted, a.ID)
	}
	return t
}

func target(r history.Run) string {
	if r.RunID == "" {
		return r.WorkflowID
	}
	return r.String()
}
