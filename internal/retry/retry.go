// Package retry decides whether and when a failed activity or workflow gets another attempt. It is pure arithmetic on
// a millrace.RetryPolicy: no clock, no jitter, so that a replay decides as the first time.
package retry

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

const (
	defaultInitialInterval       = time.Second
	defaultBackoffCoefficient    = 2.0
	defaultMaximumIntervalFactor = 100

	// timeoutTypePrefix makes the name by which a policy lists a time-out among the non-retryable errors.
	timeoutTypePrefix = "TemporalTimeout:"

	maxDuration = time.Duration(math.MaxInt64)
)

// ErrInvalidPolicy is wrapped by the errors of Validate.
var ErrInvalidPolicy = errors.New("invalid retry policy")

// WithDefaults returns a copy of p with its zero fields replaced by their defaults; for nil, a policy of all defaults.
func WithDefaults(p *millrace.RetryPolicy) *millrace.RetryPolicy {
	var q millrace.RetryPolicy
	if p != nil {
		q = *p
		q.NonRetryableErrorTypes = slices.Clone(p.NonRetryableErrorTypes)
	}
	if q.InitialInterval == 0 {
		q.InitialInterval = defaultInitialInterval
	}
	if q.BackoffCoefficient == 0 {
		q.BackoffCoefficient = defaultBackoffCoefficient
	}
	if q.MaximumInterval == 0 {
		q.MaximumInterval = scale(q.InitialInterval, defaultMaximumIntervalFactor)
	}
	return &q
}

// Validate returns an error that names the field, its value and its limit when p is no policy to retry by. A nil p is
// valid.
func Validate(p *millrace.RetryPolicy) error {
	if p == nil {
		return nil
	}
	refuse := func(field string, value any, limit string) error {
		return fmt.Errorf("%w: %s is %v, must be %s", ErrInvalidPolicy, field, value, limit)
	}
	switch c := p.BackoffCoefficient; {
	case p.InitialInterval < 0:
		return refuse("InitialInterval", p.InitialInterval, "at least 0")
	case c != 0 && !(c >= 1), math.IsInf(c, 0):
		return refuse("BackoffCoefficient", c, "0 or a finite number of at least 1")
	case p.MaximumInterval < 0:
		return refuse("MaximumInterval", p.MaximumInterval, "at least 0")
	case p.MaximumAttempts < 0:
		return refuse("MaximumAttempts", p.MaximumAttempts, "at least 0")
	}
	if q := WithDefaults(p); q.MaximumInterval < q.InitialInterval {
		return refuse("MaximumInterval", q.MaximumInterval, fmt.Sprintf("at least InitialInterval, which is %v", q.InitialInterval))
	}
	for i, name := range p.NonRetryableErrorTypes {
		timeout, ok := strings.CutPrefix(name, timeoutTypePrefix)
		if ok && timeout != enums.TIMEOUT_TYPE_START_TO_CLOSE.String() && timeout != enums.TIMEOUT_TYPE_HEARTBEAT.String() {
			return refuse(fmt.Sprintf("NonRetryableErrorTypes[%d]", i), fmt.Sprintf("%.100q", name),
				"StartToClose or Heartbeat after the prefix "+timeoutTypePrefix+": other time-outs are never retried")
		}
	}
	return nil
}

// Next decides what follows when an attempt (the first is 1) has ended with failure f, at elapsed after the first was
// scheduled, where expiration is how long all attempts together may take, 0 for no limit. Zero fields of p count as
// their defaults; a nil p allows no retry.
//
// With RETRY_STATE_IN_PROGRESS there is another attempt after delay. Every other state is the reason why there is
// none, and delay is 0.
func Next(p *millrace.RetryPolicy, attempt int, elapsed, expiration time.Duration, f *failure.Failure) (delay time.Duration, state enums.RetryState) {
	if p == nil {
		return 0, enums.RETRY_STATE_RETRY_POLICY_NOT_SET
	}
	if f != nil && f.TimeoutFailureInfo != nil && f.TimeoutFailureInfo.TimeoutType == enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE {
		return 0, enums.RETRY_STATE_TIMEOUT
	}
	if !retryable(f, p.NonRetryableErrorTypes) {
		return 0, enums.RETRY_STATE_NON_RETRYABLE_FAILURE
	}
	if p.MaximumAttempts > 0 && attempt >= int(p.MaximumAttempts) {
		return 0, enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED
	}
	delay = interval(p, attempt)
	if f != nil && f.ApplicationFailureInfo.NextRetryDelay() > 0 {
		delay = f.ApplicationFailureInfo.NextRetryDelay()
	}
	// An attempt that begins at the end could do nothing. The difference cannot overflow, the sum could.
	if expiration > 0 && delay >= expiration-max(elapsed, 0) {
		return 0, enums.RETRY_STATE_TIMEOUT
	}
	return delay, enums.RETRY_STATE_IN_PROGRESS
}

// Unasked is the error of an attempt that nobody asked to cancel: a cancellation of the function's own making is an error
// like any other, and is retried.
func Unasked(err error) error {
	if _, bare := err.(*millrace.CanceledError); bare { //nolint:errorlint // an error that wraps one is an application error already
		return fmt.Errorf("activity was not asked to cancel: %w", err)
	}
	return err
}

// interval is the policy's wait after the given attempt, never less than the initial one: of a wait above 2^53 ns the
// product in floating point may round below it.
func interval(p *millrace.RetryPolicy, attempt int) time.Duration {
	p = WithDefaults(p)
	factor := math.Pow(p.BackoffCoefficient, float64(max(attempt, 1)-1))
	return max(p.InitialInterval, min(scale(p.InitialInterval, factor), p.MaximumInterval))
}

// scale multiplies d by factor; what does not fit a Duration is the longest one.
func scale(d time.Duration, factor float64) time.Duration {
	// float64(maxDuration) rounds up to 2^63, so a product below it fits.
	if product := float64(d) * factor; product < float64(maxDuration) {
		return time.Duration(product)
	}
	return maxDuration
}

// retryable reports whether the kind of failure f allows another attempt. Only f itself decides, not its causes.
func retryable(f *failure.Failure, nonRetryableTypes []string) bool {
	switch {
	case f == nil:
		return true
	case f.TerminatedFailureInfo != nil, f.CanceledFailureInfo != nil:
		return false
	case f.TimeoutFailureInfo != nil:
		switch t := f.TimeoutFailureInfo.TimeoutType; t {
		case enums.TIMEOUT_TYPE_START_TO_CLOSE, enums.TIMEOUT_TYPE_HEARTBEAT:
			return !slices.Contains(nonRetryableTypes, timeoutTypePrefix+t.String())
		}
		return false
	case f.ServerFailureInfo != nil:
		return !f.ServerFailureInfo.NonRetryable
	case f.ApplicationFailureInfo != nil:
		info := f.ApplicationFailureInfo
		return !info.NonRetryable && !slices.Contains(nonRetryableTypes, info.Type)
	}
	return true
}
