package millrace

import "github.com/millrace-dev/millrace/converter"

// CanceledError says that an activity, a run, a timer or a wait was canceled. An activity or a workflow that returns
// one closes as canceled rather than failed.
type CanceledError struct {
	wireForm
	details converter.EncodedValues
}

// NewCanceledError returns a *CanceledError with details for whoever waits.
func NewCanceledError(details ...interface{}) error {
	return &CanceledError{details: detailsOf(details)}
}

// Error returns "canceled".
func (e *CanceledError) Error() string { return "canceled" }

// HasDetails reports whether the canceled code left details.
func (e *CanceledError) HasDetails() bool { return hasDetails(e.details) }

// Details decodes the details into what the arguments point to, in order. It returns ErrNoData when there are none.
func (e *CanceledError) Details(d ...interface{}) error { return getDetails(e.details, d) }
