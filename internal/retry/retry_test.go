package retry_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/retry"
)

func application(errType string, nonRetryable bool, delayMillis int64) *failure.Failure {
	return &failure.Failure{ApplicationFailureInfo: &failure.ApplicationFailureInfo{
		Type: errType, NonRetryable: nonRetryable, NextRetryDelayMillis: delayMillis,
	}}
}

func timeout(t enums.TimeoutType) *failure.Failure {
	return &failure.Failure{TimeoutFailureInfo: &failure.TimeoutFailureInfo{TimeoutType: t}}
}

func TestNext(t *testing.T) {
	t.Parallel()
	const (
		again        = enums.RETRY_STATE_IN_PROGRESS
		nonRetryable = enums.RETRY_STATE_NON_RETRYABLE_FAILURE
		exhausted    = enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED
		timedOut     = enums.RETRY_STATE_TIMEOUT
	)
	defaults := &millrace.RetryPolicy{}
	limited := &millrace.RetryPolicy{MaximumAttempts: 3}
	listed := &millrace.RetryPolicy{NonRetryableErrorTypes: []string{"DataError", "TemporalTimeout:StartToClose"}}
	tests := []struct {
		name                string
		policy              *millrace.RetryPolicy
		attempt             int
		elapsed, expiration time.Duration
		failure             *failure.Failure
		delay               time.Duration
		state               enums.RetryState
	}{
		{"no policy", nil, 1, 0, 0, nil, 0, enums.RETRY_STATE_RETRY_POLICY_NOT_SET},
		{"first wait", defaults, 1, 0, 0, nil, time.Second, again},
		{"second wait", defaults, 2, 0, 0, nil, 2 * time.Second, again},
		{"seventh wait", defaults, 7, 0, 0, nil, 64 * time.Second, again},
		{"eighth wait is the longest", defaults, 8, 0, 0, nil, 100 * time.Second, again},
		{"attempt beyond all powers", defaults, math.MaxInt32, 0, 0, nil, 100 * time.Second, again},
		{"attempt counted from nothing", defaults, 0, 0, 0, nil, time.Second, again},
		{"equal waits", &millrace.RetryPolicy{InitialInterval: time.Minute, BackoffCoefficient: 1}, 99, 0, 0, nil, time.Minute, again},
		{"longest interval of all", &millrace.RetryPolicy{InitialInterval: math.MaxInt64}, 5, 0, 0, nil, math.MaxInt64, again},

		{"one attempt left", limited, 2, 0, 0, nil, 2 * time.Second, again},
		{"no attempt left", limited, 3, 0, 0, nil, 0, exhausted},
		{"past the last attempt", limited, 4, 0, 0, nil, 0, exhausted},
		{"at most once", &millrace.RetryPolicy{MaximumAttempts: 1}, 1, 0, 0, nil, 0, exhausted},

		{"ends before expiration", defaults, 1, 8 * time.Second, 10 * time.Second, nil, time.Second, again},
		{"would begin at expiration", defaults, 1, 9 * time.Second, 10 * time.Second, nil, 0, timedOut},
		{"expired", defaults, 1, 11 * time.Second, 10 * time.Second, nil, 0, timedOut},
		{"sum beyond all durations", defaults, 1, math.MaxInt64, math.MaxInt64, nil, 0, timedOut},

		{"retryable", listed, 1, 0, 0, application("Other", false, 0), time.Second, again},
		{"no type", listed, 1, 0, 0, application("", false, 0), time.Second, again},
		{"listed type", listed, 1, 0, 0, application("DataError", false, 0), 0, nonRetryable},
		{"non-retryable flag", defaults, 1, 0, 0, application("Other", true, 0), 0, nonRetryable},
		{"non-retryable before exhausted", limited, 3, 0, 0, application("Other", true, 0), 0, nonRetryable},
		{"next retry delay", defaults, 5, 0, 0, application("", false, 250), 250 * time.Millisecond, again},
		{"next retry delay beyond the longest", defaults, 1, 0, 0, application("", false, 600_000), 10 * time.Minute, again},
		{"next retry delay beyond expiration", defaults, 1, 0, time.Minute, application("", false, 60_000), 0, timedOut},
		{"next retry delay without attempts", limited, 3, 0, 0, application("", false, 1), 0, exhausted},
		{"negative next retry delay", defaults, 1, 0, 0, application("", false, -5), time.Second, again},

		{"start to close", defaults, 1, 0, 0, timeout(enums.TIMEOUT_TYPE_START_TO_CLOSE), time.Second, again},
		{"start to close, listed", listed, 1, 0, 0, timeout(enums.TIMEOUT_TYPE_START_TO_CLOSE), 0, nonRetryable},
		{"heartbeat", listed, 1, 0, 0, timeout(enums.TIMEOUT_TYPE_HEARTBEAT), time.Second, again},
		{"schedule to start", defaults, 1, 0, 0, timeout(enums.TIMEOUT_TYPE_SCHEDULE_TO_START), 0, nonRetryable},
		{"schedule to close", defaults, 1, 0, 0, timeout(enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE), 0, timedOut},

		{"canceled", defaults, 1, 0, 0, &failure.Failure{CanceledFailureInfo: &failure.CanceledFailureInfo{}}, 0, nonRetryable},
		{"terminated", defaults, 1, 0, 0, &failure.Failure{TerminatedFailureInfo: &failure.TerminatedFailureInfo{}}, 0, nonRetryable},
		{"server", defaults, 1, 0, 0, &failure.Failure{ServerFailureInfo: &failure.ServerFailureInfo{}}, time.Second, again},
		{"server, non-retryable", defaults, 1, 0, 0, &failure.Failure{ServerFailureInfo: &failure.ServerFailureInfo{NonRetryable: true}}, 0, nonRetryable},
		{"unknown kind", defaults, 1, 0, 0, &failure.Failure{}, time.Second, again},
		{"causes do not count", defaults, 1, 0, 0,
			&failure.Failure{ActivityFailureInfo: &failure.ActivityFailureInfo{}, Cause: application("", true, 0)}, time.Second, again},
		{"a first wait that floating point rounds down", &millrace.RetryPolicy{InitialInterval: 1<<53 + 1}, 1, 0, 0, nil, 1<<53 + 1, again},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			delay, state := retry.Next(tt.policy, tt.attempt, tt.elapsed, tt.expiration, tt.failure)
			if delay != tt.delay || state != tt.state {
				t.Errorf("got %v, %v, want %v, %v", delay, state, tt.delay, tt.state)
			}
		})
	}
}

func TestValidateNamesFieldValueAndLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		policy millrace.RetryPolicy
		want   string
	}{
		{millrace.RetryPolicy{InitialInterval: -1}, "InitialInterval is -1ns, must be at least 0"},
		{millrace.RetryPolicy{BackoffCoefficient: 0.5}, "BackoffCoefficient is 0.5, must be 0 or a finite number of at least 1"},
		{millrace.RetryPolicy{BackoffCoefficient: -2}, "BackoffCoefficient is -2, must be"},
		{millrace.RetryPolicy{BackoffCoefficient: math.NaN()}, "BackoffCoefficient is NaN, must be"},
		{millrace.RetryPolicy{BackoffCoefficient: math.Inf(1)}, "BackoffCoefficient is +Inf, must be"},
		{millrace.RetryPolicy{MaximumInterval: -1}, "MaximumInterval is -1ns, must be at least 0"},
		{millrace.RetryPolicy{MaximumInterval: time.Millisecond}, "MaximumInterval is 1ms, must be at least InitialInterval, which is 1s"},
		{millrace.RetryPolicy{MaximumAttempts: -1}, "MaximumAttempts is -1, must be at least 0"},
		{millrace.RetryPolicy{NonRetryableErrorTypes: []string{"ok", "TemporalTimeout:Never"}},
			`NonRetryableErrorTypes[1] is "TemporalTimeout:Never", must be StartToClose or Heartbeat after the prefix`},
	}
	for _, tt := range tests {
		err := retry.Validate(&tt.policy)
		if !errors.Is(err, retry.ErrInvalidPolicy) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.policy, err, tt.want)
		}
	}
	for _, valid := range []*millrace.RetryPolicy{
		nil,
		{},
		{InitialInterval: time.Hour, BackoffCoefficient: 1, MaximumInterval: time.Hour, MaximumAttempts: 1},
		{NonRetryableErrorTypes: []string{"", "TemporalTimeout:Heartbeat"}},
	} {
		if err := retry.Validate(valid); err != nil {
			t.Errorf("%+v: %v", valid, err)
		}
	}
}

func TestWithDefaultsLeavesItsArgumentAlone(t *testing.T) {
	t.Parallel()
	p := &millrace.RetryPolicy{InitialInterval: time.Minute, NonRetryableErrorTypes: []string{"A"}}
	q := retry.WithDefaults(p)
	if q.MaximumInterval != 100*time.Minute || q.BackoffCoefficient != 2 || q.MaximumAttempts != 0 {
		t.Errorf("defaults: %+v", q)
	}
	q.NonRetryableErrorTypes[0] = "B"
	if p.MaximumInterval != 0 || p.BackoffCoefficient != 0 || p.NonRetryableErrorTypes[0] != "A" {
		t.Errorf("argument changed: %+v", p)
	}
	if n := retry.WithDefaults(nil); n.InitialInterval != time.Second || n.MaximumInterval != 100*time.Second {
		t.Errorf("defaults of nil: %+v", n)
	}
}

func genPolicy(t *rapid.T) *millrace.RetryPolicy {
	p := &millrace.RetryPolicy{
		InitialInterval: time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "initial")),
		MaximumAttempts: rapid.Int32Range(0, 20).Draw(t, "attempts"),
	}
	if rapid.Bool().Draw(t, "coefficient set") {
		p.BackoffCoefficient = rapid.Float64Range(1, 1e300).Draw(t, "coefficient")
	}
	if rapid.Bool().Draw(t, "maximum set") {
		p.MaximumInterval = time.Duration(rapid.Int64Range(int64(retry.WithDefaults(p).InitialInterval), math.MaxInt64).Draw(t, "maximum"))
	}
	return p
}

// Whatever a valid policy says: waits never shrink, stay between the initial and the maximum interval, end at the
// maximum number of attempts, and no attempt begins at or after expiration.
func TestNextKeepsItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := genPolicy(t)
		if err := retry.Validate(p); err != nil {
			t.Fatalf("generated policy: %v", err)
		}
		q := retry.WithDefaults(p)
		expiration := time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "expiration"))
		elapsed := time.Duration(0)
		last := time.Duration(0)
		for attempt := 1; attempt <= 100; attempt++ {
			delay, state := retry.Next(p, attempt, elapsed, expiration, nil)
			switch state {
			case enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED:
				if p.MaximumAttempts == 0 || attempt != int(p.MaximumAttempts) || delay != 0 {
					t.Fatalf("attempt %d: %v, delay %v", attempt, state, delay)
				}
				return
			case enums.RETRY_STATE_TIMEOUT:
				if expiration == 0 || delay != 0 {
					t.Fatalf("attempt %d: %v, delay %v", attempt, state, delay)
				}
				return
			case enums.RETRY_STATE_IN_PROGRESS:
			default:
				t.Fatalf("attempt %d: %v", attempt, state)
			}
			if delay < last || delay < q.InitialInterval || delay > q.MaximumInterval {
				t.Fatalf("attempt %d: delay %v after %v, not in [%v, %v]", attempt, delay, last, q.InitialInterval, q.MaximumInterval)
			}
			if expiration > 0 && (elapsed+delay >= expiration || elapsed+delay < elapsed) {
				t.Fatalf("attempt %d: begins at %v + %v of %v", attempt, elapsed, delay, expiration)
			}
			last = delay
			if expiration > 0 {
				elapsed += delay
			}
		}
		if p.MaximumAttempts > 0 {
			t.Fatalf("100 attempts of %d", p.MaximumAttempts)
		}
	})
}
