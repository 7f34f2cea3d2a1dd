package history

import (
	"math"
	"time"

	millrace "github.com/millrace-dev/millrace"
)

// Millis is a duration on the wire: whole milliseconds, 0 for "not set".
type Millis int64

// MillisOf rounds d up to the next millisecond, so that nothing is ever early.
func MillisOf(d time.Duration) Millis {
	m := Millis(d / time.Millisecond)
	if d%time.Millisecond > 0 {
		m++
	}
	return m
}

// Duration is m as a time.Duration; what does not fit is the longest or shortest one.
func (m Millis) Duration() time.Duration {
	const longest = math.MaxInt64 / Millis(time.Millisecond)
	switch {
	case m > longest:
		return math.MaxInt64
	case m < -longest:
		return math.MinInt64
	}
	return time.Duration(m) * time.Millisecond
}

// RetryPolicy is a retry policy on the wire; its zero fields stand for the defaults of millrace.RetryPolicy.
type RetryPolicy struct {
	InitialInterval        Millis   `msgpack:"ii,omitempty" json:"initialIntervalMillis,omitempty"`
	BackoffCoefficient     float64  `msgpack:"bc,omitempty" json:"backoffCoefficient,omitempty"`
	MaximumInterval        Millis   `msgpack:"mi,omitempty" json:"maximumIntervalMillis,omitempty"`
	MaximumAttempts        int32    `msgpack:"ma,omitempty" json:"maximumAttempts,omitempty"`
	NonRetryableErrorTypes []string `msgpack:"nr,omitempty" json:"nonRetryableErrorTypes,omitempty"`
}

// RetryPolicyOf is p in its wire form, nil for nil.
func RetryPolicyOf(p *millrace.RetryPolicy) *RetryPolicy {
	if p == nil {
		return nil
	}
	return &RetryPolicy{
		InitialInterval:        MillisOf(p.InitialInterval),
		BackoffCoefficient:     p.BackoffCoefficient,
		MaximumInterval:        MillisOf(p.MaximumInterval),
		MaximumAttempts:        p.MaximumAttempts,
		NonRetryableErrorTypes: p.NonRetryableErrorTypes,
	}
}

// Policy is p as authors write it, nil for nil.
func (p *RetryPolicy) Policy() *millrace.RetryPolicy {
	if p == nil {
		return nil
	}
	return &millrace.RetryPolicy{
		InitialInterval:        p.InitialInterval.Duration(),
		BackoffCoefficient:     p.BackoffCoefficient,
		MaximumInterval:        p.MaximumInterval.Duration(),
		MaximumAttempts:        p.MaximumAttempts,
		NonRetryableErrorTypes: p.NonRetryableErrorTypes,
	}
}
