package millrace

import "time"

// RetryPolicy says when a failed activity or workflow is tried again. A nil policy means for an activity the policy
// with all defaults, and for a workflow no retry.
type RetryPolicy struct {
	// InitialInterval is the wait before the second attempt. 0 means 1 second.
	InitialInterval time.Duration

	// BackoffCoefficient is what each wait is multiplied by to get the next; at least 1, where 1 means equal waits.
	// 0 means 2.
	BackoffCoefficient float64

	// MaximumInterval is the longest wait between attempts; not below InitialInterval. 0 means 100 times
	// InitialInterval.
	MaximumInterval time.Duration

	// MaximumAttempts is how many attempts there are in all, the first one included. 0 means no limit other than
	// the time-outs. 1 means no retry, and for an activity that it runs at most once.
	MaximumAttempts int32

	// NonRetryableErrorTypes lists the errors after which there is no further attempt: the Type of an
	// ApplicationError, which for other Go errors is the name of the type without package and pointer. A time-out
	// is named "TemporalTimeout:StartToClose" or "TemporalTimeout:Heartbeat"; other time-outs are never retried. An
	// error's own NonRetryable flag counts whether or not its type is listed.
	NonRetryableErrorTypes []string
}
