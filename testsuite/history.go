package testsuite

import (
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/export"
)

// GetWorkflowHistory returns the history that the workflow has made so far, as a client reads it from a server. Written
// as JSON it can be kept, and replayed by worker.WorkflowReplayer when the code has changed. It must not be called while
// workflow code runs. Temporal has no such method.
func (e *TestWorkflowEnvironment) GetWorkflowHistory() *apihistory.History {
	if root := e.engine.rootRun(); root != nil {
		return root.history()
	}
	return &apihistory.History{}
}

// GetWorkflowHistoryByID is GetWorkflowHistory for the newest run of a workflow ID; it is empty when there is none.
func (e *TestWorkflowEnvironment) GetWorkflowHistoryByID(workflowID string) *apihistory.History {
	if r := e.engine.find(workflowID, ""); r != nil {
		return r.history()
	}
	return &apihistory.History{}
}

func (r *run) history() *apihistory.History {
	return &apihistory.History{Events: export.Events(r.start, r.transitions)}
}
