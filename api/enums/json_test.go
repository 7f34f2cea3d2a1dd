package enums

import (
	"encoding/json"
	"testing"
)

func TestJSONShowsNames(t *testing.T) {
	for v := range EventType(ownLimit) {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back EventType
		if err := json.Unmarshal(data, &back); err != nil || back != v {
			t.Errorf("%d is %s in JSON, which reads as %d, %v", v, data, back, err)
		}
	}
	if data, _ := json.Marshal(WORKFLOW_EXECUTION_STATUS_TIMED_OUT); string(data) != `"TimedOut"` {
		t.Errorf("status is %s", data)
	}
}

func TestJSONReadsOtherForms(t *testing.T) {
	for text, want := range map[string]WorkflowExecutionStatus{
		`"TimedOut"`: 7, `"WORKFLOW_EXECUTION_STATUS_TIMED_OUT"`: 7, `7`: 7, `"TIMED_OUT"`: 7, `"63"`: 63, `"99"`: 99, `99`: 99,
	} {
		var got WorkflowExecutionStatus
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s reads as %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{`"Sleeping"`, `{}`, `1.5`} {
		var got WorkflowExecutionStatus
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s reads as %d", text, got)
		}
	}
}
