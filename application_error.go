package millrace

import (
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/converter"
)

// ApplicationErrorCategory says how an application error is reported.
type ApplicationErrorCategory int

// The categories of application errors.
const (
	// ApplicationErrorCategoryUnspecified is an error like any other.
	ApplicationErrorCategoryUnspecified = ApplicationErrorCategory(enums.APPLICATION_ERROR_CATEGORY_UNSPECIFIED)
	// ApplicationErrorCategoryBenign is an error that belongs to normal operation, such as a poll that found nothing:
	// it is logged at debug level and counted by no failure metric.
	ApplicationErrorCategoryBenign = ApplicationErrorCategory(enums.APPLICATION_ERROR_CATEGORY_BENIGN)
)

// ApplicationError is the error of user code: what an activity or a workflow returned, with a type that others can
// decide by and details that they can decode. Errors of other Go types arrive as this one.
type ApplicationError struct {
	wireForm
	message        string
	errType        string
	nonRetryable   bool
	cause          error
	details        converter.EncodedValues
	nextRetryDelay time.Duration
	category       ApplicationErrorCategory
}

// ApplicationErrorOptions are the optional parts of an ApplicationError.
type ApplicationErrorOptions struct {
	// NonRetryable ends the attempts whatever the retry policy says.
	NonRetryable bool
	// Cause is the error that led to this one; it crosses the wire too.
	Cause error
	// Details are values for whoever handles the error; read them with Details.
	Details []interface{}
	// NextRetryDelay is the wait before the next attempt in place of the retry policy's; milliseconds count, less is
	// rounded up. 0 leaves it to the policy.
	NextRetryDelay time.Duration
	// Category says how the error is reported.
	Category ApplicationErrorCategory
}

// NewApplicationError returns an *ApplicationError that is retried unless the retry policy lists errType.
func NewApplicationError(msg, errType string, details ...interface{}) error {
	return NewApplicationErrorWithOptions(msg, errType, ApplicationErrorOptions{Details: details})
}

// NewApplicationErrorWithCause returns an *ApplicationError that wraps cause and is retried unless the retry policy
// lists errType.
func NewApplicationErrorWithCause(msg, errType string, cause error, details ...interface{}) error {
	return NewApplicationErrorWithOptions(msg, errType, ApplicationErrorOptions{Cause: cause, Details: details})
}

// NewNonRetryableApplicationError returns an *ApplicationError that is never retried; cause may be nil.
func NewNonRetryableApplicationError(msg, errType string, cause error, details ...interface{}) error {
	return NewApplicationErrorWithOptions(msg, errType, ApplicationErrorOptions{
		NonRetryable: true,
		Cause:        cause,
		Details:      details,
	})
}

// NewApplicationErrorWithOptions returns an *ApplicationError with the parts that options name.
func NewApplicationErrorWithOptions(msg, errType string, options ApplicationErrorOptions) error {
	return &ApplicationError{
		message:        msg,
		errType:        errType,
		nonRetryable:   options.NonRetryable,
		cause:          options.Cause,
		details:        detailsOf(options.Details),
		nextRetryDelay: options.NextRetryDelay,
		category:       options.Category,
	}
}

// Error returns message, type and cause.
func (e *ApplicationError) Error() string {
	msg := e.message
	if e.errType != "" {
		msg = fmt.Sprintf("%s (type: %s, retryable: %v)", msg, e.errType, !e.nonRetryable)
	}
	return withCause(msg, e.cause)
}

// Message returns the message alone.
func (e *ApplicationError) Message() string { return e.message }

// Type returns the type that the error was made with, or the name of the Go type that it was made from.
func (e *ApplicationError) Type() string { return e.errType }

// HasDetails reports whether the error has details.
func (e *ApplicationError) HasDetails() bool { return hasDetails(e.details) }

// Details decodes the details into what the arguments point to, in order. It returns ErrNoData when there are none.
func (e *ApplicationError) Details(d ...interface{}) error { return getDetails(e.details, d) }

// NonRetryable reports whether the error ends the attempts whatever the retry policy says.
func (e *ApplicationError) NonRetryable() bool { return e.nonRetryable }

// NextRetryDelay returns the wait that the error asks for before the next attempt, 0 for that of the retry policy.
func (e *ApplicationError) NextRetryDelay() time.Duration { return e.nextRetryDelay }

// Category says how the error is reported.
func (e *ApplicationError) Category() ApplicationErrorCategory { return e.category }

// Unwrap returns the cause, nil for none.
func (e *ApplicationError) Unwrap() error { return e.cause }

// withCause appends the cause to a message in the way of fmt.Errorf("message: %w", cause).
func withCause(msg string, cause error) string {
	if cause == nil {
		return msg
	}
	return fmt.Sprintf("%s: %v", msg, cause)
}
