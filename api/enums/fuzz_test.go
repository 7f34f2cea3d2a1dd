package enums

import (
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzUnmarshalJSON reads any JSON as a value of each set. What is read can be written, and reads as the same.
func FuzzUnmarshalJSON(f *testing.F) {
	for _, text := range []string{`"TimerFired"`, `"EVENT_TYPE_TIMER_FIRED"`, `"Keyword"`, `"SCHEDULE_OVERLAP_POLICY_SKIP"`, `7`, `"99"`, `-1`, `2147483647`,
		`"-2147483648"`, `null`, `""`, `"_"`, `1e3`, `"\u017f"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, first := range []any{
			new(EventType), new(WorkflowExecutionStatus), new(TimeoutType), new(RetryState), new(ParentClosePolicy), new(WorkflowIdReusePolicy),
			new(WorkflowIdConflictPolicy), new(StartChildWorkflowExecutionFailedCause), new(SignalExternalWorkflowExecutionFailedCause),
			new(CancelExternalWorkflowExecutionFailedCause), new(ApplicationErrorCategory), new(ContinueAsNewInitiator), new(QueryRejectCondition),
			new(HistoryEventFilterType), new(PendingActivityState), new(ResourceExhaustedCause), new(IndexedValueType), new(ScheduleOverlapPolicy),
		} {
			if json.Unmarshal(data, first) != nil {
				continue
			}
			stored, err := json.Marshal(first)
			if err != nil {
				t.Fatalf("%T: what was read cannot be written: %v", first, err)
			}
			second := reflect.New(reflect.TypeOf(first).Elem())
			if err := json.Unmarshal(stored, second.Interface()); err != nil {
				t.Fatalf("%T: %s cannot be read: %v", first, stored, err)
			}
			if got, want := second.Elem().Int(), reflect.ValueOf(first).Elem().Int(); got != want {
				t.Fatalf("%T: %d was written as %s, which is %d", first, want, stored, got)
			}
		}
	})
}
