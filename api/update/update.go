// Package update says what an update is that a run's code was asked for, and what became of it.
package update

import (
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
)

// Meta tells one update of a run from the others.
type Meta struct {
	// UpdateId is the sender's choice.
	UpdateId string `json:"updateId"`
	// Identity is who sent it.
	Identity string `json:"identity,omitempty"`
}

// Input is what a handler is called with.
type Input struct {
	Header *common.Header `json:"header,omitempty"`
	// Name selects the handler.
	Name string           `json:"name"`
	Args *common.Payloads `json:"args,omitempty"`
}

// Request asks for one call of an update handler.
type Request struct {
	Meta  *Meta  `json:"meta"`
	Input *Input `json:"input"`
}

// Outcome is what a handler returned: a failure, or else a result.
type Outcome struct {
	Success *common.Payloads `json:"success,omitempty"`
	Failure *failure.Failure `json:"failure,omitempty"`
}

// UpdateRef names an update of a run.
type UpdateRef struct {
	WorkflowExecution *common.WorkflowExecution `json:"workflowExecution"`
	UpdateId          string                    `json:"updateId"`
}

// GetWorkflowExecution returns the run, nil for none.
func (r *UpdateRef) GetWorkflowExecution() *common.WorkflowExecution {
	if r == nil {
		return nil
	}
	return r.WorkflowExecution
}

// GetUpdateId returns the update's ID, empty for none.
func (r *UpdateRef) GetUpdateId() string {
	if r == nil {
		return ""
	}
	return r.UpdateId
}
