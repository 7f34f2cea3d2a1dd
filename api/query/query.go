// Package query holds the words of queries that clients see. Names and fields are those of Temporal's API.
package query

import "github.com/millrace-dev/millrace/api/enums"

// QueryRejected says that a query was not put to a run, because of the status that the run had.
type QueryRejected struct {
	Status enums.WorkflowExecutionStatus `json:"status"`
}

// GetStatus returns the run's status, unspecified for a nil receiver.
func (r *QueryRejected) GetStatus() enums.WorkflowExecutionStatus {
	if r == nil {
		return enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED
	}
	return r.Status
}
