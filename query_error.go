package millrace

import (
	"fmt"

	"github.com/millrace-dev/millrace/api/query"
)

// QueryRejectedError says that a query was not put to a run, because of the status that the run had.
type QueryRejectedError struct {
	queryRejected *query.QueryRejected
}

// NewQueryRejectedError returns a *QueryRejectedError. Interceptors need it; programs meet it in
// client.QueryWorkflowWithOptions only.
func NewQueryRejectedError(rejected *query.QueryRejected) error {
	return &QueryRejectedError{queryRejected: rejected}
}

// Error returns the status that the run had.
func (e *QueryRejectedError) Error() string {
	return fmt.Sprintf("query rejected: the run is %v", e.queryRejected.GetStatus())
}

// QueryRejected returns the status that the run had.
func (e *QueryRejectedError) QueryRejected() *query.QueryRejected { return e.queryRejected }
