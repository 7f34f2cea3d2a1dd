package client

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/workflow"
)

// FuzzDescribedRun reads any JSON as the description of a run that a gateway gives. What is read can be shown.
func FuzzDescribedRun(f *testing.F) {
	now := time.UnixMilli(1).UTC()
	var d WorkflowExecutionDescription
	d.WorkflowExecution = workflow.Execution{ID: "w", RunID: "r"}
	d.Status, d.WorkflowStartTime, d.WorkflowCloseTime = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, now, &now
	data, err := json.Marshal(&d)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"workflowExecution": null, "searchAttributes": {"indexedFields": {"a": null}}, "pendingActivities": [{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d describedRun
		if json.Unmarshal(data, &d) != nil {
			return
		}
		shown, err := json.Marshal((*WorkflowExecutionDescription)(&d))
		if err != nil {
			t.Fatalf("what was read cannot be shown: %v", err)
		}
		var again describedRun
		if err := json.Unmarshal(shown, &again); err != nil {
			t.Errorf("%s cannot be read again: %v", shown, err)
		}
	})
}
