package worker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

func TestResultIsSentBeforeTheTaskIsAcknowledged(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context, n int, who string) (string, error) {
			return strings.Repeat(who, n), nil
		})
		f.publish(2, "ab")
		defer f.serve()()
		r := f.outcome()
		if got := decode[string](f, r.Result); got != "abab" || r.Attempt != 1 || r.Identity != "w1" || r.Failure != nil {
			t.Errorf("outcome is %+v with result %q", r, got)
		}
		if f.queued() {
			t.Error("the task is still queued")
		}
		if got := f.sent(streamstest.OpSend, streamstest.OpAck); !slices.Equal(got, []streamstest.Op{streamstest.OpSend, streamstest.OpAck}) {
			t.Errorf("calls are %v", got)
		}
		if got := f.sent(streamstest.OpPutBeat, streamstest.OpDeleteBeats); len(got) > 0 {
			t.Errorf("a first attempt without heartbeats has written %v", got)
		}
	})
}

func TestFailedAttemptIsRepeatedAfterItsBackoff(t *testing.T) {
	inBubble(t, func(f *fixture) {
		var begun []time.Time
		f.register(func(ctx context.Context) (int32, error) {
			begun = append(begun, time.Now())
			info := activity.GetInfo(ctx)
			if info.Attempt < 3 {
				return 0, errors.New("not yet")
			}
			return info.Attempt, nil
		})
		f.publish()
		defer f.serve()()
		r := f.outcome()
		if r.Attempt != 3 || decode[int32](f, r.Result) != 3 {
			t.Errorf("outcome is %+v", r)
		}
		if len(begun) != 3 || begun[1].Sub(begun[0]) != time.Second || begun[2].Sub(begun[1]) != 2*time.Second {
			t.Errorf("attempts began at %v", begun)
		}
		synctest.Wait()
		if b := f.beat(); b != nil {
			t.Errorf("a finished activity leaves %+v", b)
		}
	})
}

func TestACancellationThatNobodyAskedForIsRetried(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context) (int32, error) {
			if n := activity.GetInfo(ctx).Attempt; n > 1 {
				return n, nil
			}
			return 0, millrace.NewCanceledError()
		})
		f.publish()
		defer f.serve()()
		if r := f.outcome(); r.Attempt != 2 || r.Failure != nil {
			t.Errorf("outcome is %+v", r)
		}
	})
}

func TestBenignFailuresAreLoggedAtDebugLevel(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context) error {
			switch activity.GetInfo(ctx).Attempt {
			case 1:
				return millrace.NewApplicationErrorWithOptions("nothing there", "Empty",
					millrace.ApplicationErrorOptions{Category: millrace.ApplicationErrorCategoryBenign})
			case 2:
				return errors.New("broken")
			}
			return nil
		})
		f.publish()
		defer f.serve()()
		f.outcome()
		var told []string
		for line := range strings.Lines(f.logs.String()) {
			if level, rest, _ := strings.Cut(line, " "); strings.HasPrefix(rest, "activity failed") {
				told = append(told, level)
			}
		}
		if !slices.Equal(told, []string{"debug", "warn"}) {
			t.Errorf("failures were logged at %v", told)
		}
	})
}

func TestFailureIsWrittenBeforeTheTaskIsHandedBack(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func() error { return millrace.NewApplicationError("boom", "Boom") })
		f.publish()
		stop := f.serve()
		time.Sleep(500 * time.Millisecond)
		b := f.beat()
		if b == nil || b.Attempt != 1 || b.Failure == nil || b.Failure.Message != "boom" || b.Ended.IsZero() || b.Identity != "w1" {
			t.Errorf("heartbeat record is %+v", b)
		}
		if got := f.sent(streamstest.OpPutBeat, streamstest.OpNak, streamstest.OpSend); !slices.Equal(got, []streamstest.Op{streamstest.OpPutBeat, streamstest.OpNak}) {
			t.Errorf("calls are %v", got)
		}
		stop()
	})
}

func TestFinalFailures(t *testing.T) {
	policy := &history.RetryPolicy{InitialInterval: 1000, MaximumAttempts: 2, NonRetryableErrorTypes: []string{"Fatal"}}
	tests := map[string]struct {
		fail    func() error
		attempt int32
		state   enums.RetryState
	}{
		"maximum attempts": {func() error { return errors.New("again") }, 2, enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED},
		"non-retryable":    {func() error { return millrace.NewNonRetryableApplicationError("no", "T", nil) }, 1, enums.RETRY_STATE_NON_RETRYABLE_FAILURE},
		"listed type":      {func() error { return millrace.NewApplicationError("no", "Fatal") }, 1, enums.RETRY_STATE_NON_RETRYABLE_FAILURE},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.task.RetryPolicy = policy
				f.register(test.fail)
				f.publish()
				defer f.serve()()
				r := f.outcome()
				if r.Failure == nil || r.Failure.ApplicationFailureInfo == nil || r.Attempt != test.attempt || r.Retry != test.state {
					t.Errorf("outcome is %+v", r)
				}
				if f.queued() {
					t.Error("the task is still queued")
				}
			})
		})
	}
}

func TestNoPolicyMeansTheDefaultPolicy(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy = nil
		f.register(func(ctx context.Context) error {
			if activity.GetInfo(ctx).Attempt < 4 {
				return errors.New("not yet")
			}
			return nil
		})
		f.publish()
		defer f.serve()()
		if r := f.outcome(); r.Attempt != 4 || r.Failure != nil {
			t.Errorf("outcome is %+v", r)
		}
	})
}

func TestWorkerLostUsesAnAttempt(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 3
		var seen []int32
		f.register(func(ctx context.Context) error {
			seen = append(seen, activity.GetInfo(ctx).Attempt)
			return errors.New("boom")
		})
		f.publish()
		f.lose()
		begun := time.Now()
		defer f.serve()()
		r := f.outcome()
		if !slices.Equal(seen, []int32{2, 3}) || r.Attempt != 3 || r.Retry != enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED {
			t.Errorf("attempts %v ran, outcome is %+v", seen, r)
		}
		if waited := time.Since(begun); waited < lossTimeout {
			t.Errorf("the lost worker was given up after %v", waited)
		}
	})
}

func TestWorkerLostInTheLastAttemptEndsTheActivity(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 2
		ran := false
		f.register(func() error { ran = true; return nil })
		f.publish()
		f.lose()
		time.Sleep(lossTimeout)
		f.lose()
		defer f.serve()()
		r := f.outcome()
		if ran || r.Failure == nil || r.Failure.Message != "worker lost" || r.Failure.TimeoutFailureInfo == nil {
			t.Fatalf("ran: %v, outcome is %+v", ran, r)
		}
		if r.Attempt != 2 || r.Retry != enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED {
			t.Errorf("outcome is %+v", r)
		}
	})
}

func TestAttemptOf(t *testing.T) {
	ended := time.Unix(1, 0)
	tests := map[string]struct {
		first      int32
		deliveries int
		beat       *history.Beat
		number     int32
		lost       bool
	}{
		"first delivery":                          {1, 1, nil, 1, false},
		"not the first attempt of the task":       {3, 1, nil, 3, false},
		"nothing was heard of the first":          {1, 2, nil, 2, true},
		"the first failed":                        {1, 2, &history.Beat{Attempt: 1, Ended: ended}, 2, false},
		"the second was lost":                     {1, 3, &history.Beat{Attempt: 2}, 3, true},
		"the second was lost before it could say": {1, 3, &history.Beat{Attempt: 1, Ended: ended}, 3, true},
		"the first was handed back":               {1, 2, &history.Beat{Attempt: 0, Ended: ended, Free: 1}, 1, false},
		"twice handed back, then failed":          {1, 4, &history.Beat{Attempt: 1, Ended: ended, Free: 2}, 2, false},
		"handed back after a lost one":            {1, 3, &history.Beat{Attempt: 1, Free: 1}, 2, true},
		"the consumer was created again":          {1, 1, &history.Beat{Attempt: 4, Ended: ended}, 5, false},
		"created again while the fourth ran":      {1, 1, &history.Beat{Attempt: 4}, 5, true},
		"created again, with hand-backs":          {1, 1, &history.Beat{Attempt: 0, Ended: ended, Free: 3}, 1, false},
	}
	for name, test := range tests {
		number, lost := attemptOf(&history.Task{FirstAttempt: test.first}, test.deliveries, test.beat)
		if number != test.number || lost != test.lost {
			t.Errorf("%s: attempt %d, lost %v; want %d, %v", name, number, lost, test.number, test.lost)
		}
	}
}
