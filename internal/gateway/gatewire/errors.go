package gatewire

import (
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/streams"
)

// Code says what kind of error a reply has.
type Code string

// The codes. Unavailable and Busy are worth another try, of the same request; the others are not.
const (
	Invalid        Code = "invalid"
	NotFound       Code = "not_found"
	AlreadyStarted Code = "already_started"
	QueryFailed    Code = "query_failed"
	Denied         Code = "denied"
	Unimplemented  Code = "unimplemented"
	Busy           Code = "busy"
	Unavailable    Code = "unavailable"
)

// Error is the error of a reply.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	// RunID is the run that is in the way, for AlreadyStarted.
	RunID string `json:"runId,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Refuse is an Error of a request that cannot be carried out as it is.
func Refuse(format string, args ...any) *Error {
	return &Error{Code: Invalid, Message: fmt.Sprintf(format, args...)}
}

// ErrorOf puts an error into the words of the protocol, nil for nil. What is not known to be final is Unavailable.
func ErrorOf(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	e = &Error{Code: Unavailable, Message: err.Error()}
	var already *streams.AlreadyStartedError
	var invalid *serviceerror.InvalidArgument
	var notFound *serviceerror.NotFound
	var failed *serviceerror.QueryFailed
	switch {
	case errors.As(err, &already):
		e.Code, e.RunID = AlreadyStarted, already.Run.RunID
	case errors.As(err, &failed):
		e.Code = QueryFailed
	case errors.Is(err, streams.ErrNotFound), errors.As(err, &notFound):
		e.Code = NotFound
	case errors.Is(err, streams.ErrInvalid), errors.Is(err, streams.ErrTooLarge), errors.As(err, &invalid):
		e.Code = Invalid
	case errors.Is(err, streams.ErrRejected):
		e.Code = Denied
	}
	return e
}

// Again says whether the same request may have another outcome a moment later.
func (e *Error) Again() bool { return e.Code == Unavailable || e.Code == Busy }

// ServiceError is the error as users of clients know it. The Error stays in the chain.
func (e *Error) ServiceError() error {
	var typed error
	switch e.Code {
	case Invalid:
		typed = serviceerror.NewInvalidArgument(e.Message)
	case NotFound:
		typed = serviceerror.NewNotFound(e.Message)
	case AlreadyStarted:
		typed = serviceerror.NewWorkflowExecutionAlreadyStarted(e.Message, "", e.RunID)
	case QueryFailed:
		typed = serviceerror.NewQueryFailed(e.Message)
	case Denied:
		typed = serviceerror.NewPermissionDenied(e.Message, "")
	case Unimplemented:
		typed = serviceerror.NewUnimplemented(e.Message)
	case Busy:
		typed = serviceerror.NewResourceExhausted(enums.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT, e.Message)
	default:
		typed = serviceerror.NewUnavailable(e.Message)
	}
	return &typedError{typed: typed, cause: e}
}

// typedError says what its cause says, and is of both types.
type typedError struct {
	typed error
	cause *Error
}

func (e *typedError) Error() string   { return e.cause.Message }
func (e *typedError) Unwrap() []error { return []error{e.typed, e.cause} }
