package worker

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// complete does what a client does that completes an attempt from outside.
func (f *fixture) complete(token []byte, result any) {
	f.Helper()
	t := must(history.DecodeTaskToken(token))
	if t.Namespace != "ns" || t.Queue != queue || t.ActivityID != "2" || t.Type != "Act" {
		f.Errorf("token is %+v", t)
	}
	payloads := must(converter.GetDefaultDataConverter().ToPayloads(result))
	m := &history.Message{ID: "1", Activity: &history.ActivityResult{Scheduled: t.Event, Attempt: t.Attempt, Result: payloads}}
	f.check(f.model.Send(f.ctx, t.Run, m))
}

func TestPendingActivityIsCompletedFromOutside(t *testing.T) {
	inBubble(t, func(f *fixture) {
		var token []byte
		f.register(func(ctx context.Context) (string, error) {
			token = activity.GetInfo(ctx).TaskToken
			return "", activity.ErrResultPending
		})
		f.publish()
		stop := f.serve()
		time.Sleep(10 * time.Minute)
		if f.outcomeNow() != nil || !f.beat().Pending || !f.queued() {
			t.Fatalf("outcome %+v, heartbeat record %+v", f.outcomeNow(), f.beat())
		}
		f.complete(token, "from outside")
		time.Sleep(maxPendingRest) // somebody looks
		if got := decode[string](f, f.outcome().Result); got != "from outside" || f.queued() || f.beat() != nil {
			t.Errorf("result is %q, heartbeat record %+v", got, f.beat())
		}
		stop()
	})
}

func TestPendingActivityTimesOut(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 2
		var begun []time.Time
		f.register(func(ctx context.Context) error {
			if got := activity.GetInfo(ctx).Attempt; int(got) != len(begun)+1 {
				t.Errorf("attempt %d after %d others", got, len(begun))
			}
			begun = append(begun, time.Now())
			return activity.ErrResultPending
		})
		f.publish()
		defer f.serve()()
		r := f.outcome()
		if len(begun) != 2 || begun[1].Sub(begun[0]) != time.Hour+time.Second {
			t.Errorf("attempts began at %v", begun)
		}
		if r.Attempt != 2 || r.Failure == nil || r.Failure.TimeoutFailureInfo == nil ||
			r.Failure.TimeoutFailureInfo.TimeoutType != enums.TIMEOUT_TYPE_START_TO_CLOSE {
			t.Errorf("outcome is %+v", r)
		}
	})
}

func TestHeartbeatsFromOutsideKeepAPendingActivity(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.Heartbeat = history.MillisOf(time.Minute)
		f.task.RetryPolicy.MaximumAttempts = 1
		f.register(func() error { return activity.ErrResultPending })
		f.publish()
		defer f.serve()()
		for range 5 {
			time.Sleep(50 * time.Second)
			b := f.beat()
			if b == nil || f.outcomeNow() != nil {
				t.Fatalf("heartbeat record %+v, outcome %+v", b, f.outcomeNow())
			}
			b.Time = time.Now()
			f.putBeat(b)
		}
		last := time.Now()
		r := f.outcome()
		if r.Failure == nil || r.Failure.TimeoutFailureInfo.TimeoutType != enums.TIMEOUT_TYPE_HEARTBEAT || r.Attempt != 1 {
			t.Errorf("outcome is %+v", r)
		}
		if after := time.Since(last); after < time.Minute || after > 62*time.Second {
			t.Errorf("timed out %v after the last heartbeat", after)
		}
	})
}

// report does what a client does that reports the failure of an attempt, which may be retried.
func (f *fixture) report(attempt int32, message string) {
	f.Helper()
	r := &history.ActivityResult{Scheduled: scheduled, Attempt: attempt, Failure: &failure.Failure{Message: message, ApplicationFailureInfo: &failure.ApplicationFailureInfo{}}}
	m := &history.Message{ID: strconv.Itoa(int(attempt)), Activity: r}
	f.check(f.model.ReportFailure(f.ctx, f.task.Run.Run, scheduled, must(history.Encode(m))))
}

// left says whether HEARTBEATS holds a reported failure or a heartbeat record.
func (f *fixture) left() bool {
	f.Helper()
	_, err := f.model.ReportedFailure(f.ctx, f.task.Run.Run, scheduled)
	return !errors.Is(err, streams.ErrNotFound) || f.beat() != nil
}

// servePending serves an activity that is completed from outside, and returns the attempts as they begin.
func (f *fixture) servePending(maximumAttempts int32) <-chan int32 {
	f.Helper()
	f.task.RetryPolicy.MaximumAttempts = maximumAttempts
	begun := make(chan int32, 10)
	f.register(func(ctx context.Context) error {
		begun <- activity.GetInfo(ctx).Attempt
		return activity.ErrResultPending
	})
	f.publish()
	f.Cleanup(f.serve())
	return begun
}

func TestFailureFromOutsideIsRetried(t *testing.T) {
	inBubble(t, func(f *fixture) {
		begun := f.servePending(2)
		if got := <-begun; got != 1 {
			t.Fatalf("attempt %d is the first", got)
		}
		time.Sleep(20 * time.Minute) // many looks, which must not count as attempts
		f.report(1, "first")
		reported := time.Now()
		if got := <-begun; got != 2 {
			t.Fatalf("attempt %d follows the first", got)
		}
		if took := time.Since(reported); took < time.Second || took > time.Second+maxPendingRest {
			t.Errorf("the retry began %v after the report", took)
		}
		if b := f.beat(); b.Failure == nil || b.Failure.Message != "first" {
			t.Errorf("heartbeat record %+v", b)
		}
		f.report(2, "second")
		r := f.outcome()
		if r.Attempt != 2 || r.Failure == nil || r.Failure.Message != "second" || r.Retry != enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED {
			t.Errorf("outcome is %+v", r)
		}
		if f.queued() || f.left() {
			t.Error("something is left of the activity")
		}
	})
}

func TestReportedFailureOfAnOlderAttemptIsIgnored(t *testing.T) {
	inBubble(t, func(f *fixture) {
		begun := f.servePending(2)
		<-begun
		f.report(1, "first")
		<-begun
		f.report(1, "first again")
		time.Sleep(10 * time.Minute)
		if r := f.outcomeNow(); r != nil || !f.beat().Pending || f.beat().Attempt != 2 || len(begun) > 0 {
			t.Errorf("outcome %+v, heartbeat record %+v", r, f.beat())
		}
		f.report(2, "second")
		if r := f.outcome(); r.Attempt != 2 || r.Failure.Message != "second" {
			t.Errorf("outcome is %+v", r)
		}
	})
}

func TestReportedFailureMayPrecedeThePendingReturn(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 1
		f.register(func() error {
			f.report(1, "fast")
			return activity.ErrResultPending
		})
		f.publish()
		defer f.serve()()
		synctest.Wait()
		if r := f.outcomeNow(); r == nil || r.Failure.Message != "fast" {
			t.Errorf("outcome is %+v", r)
		}
		if f.queued() || f.left() {
			t.Error("something is left of the activity")
		}
	})
}

func TestReportedFailureIsNotRetriedAfterACancelRequest(t *testing.T) {
	inBubble(t, func(f *fixture) {
		begun := f.servePending(0)
		<-begun
		f.check(f.model.RequestCancel(f.ctx, f.task.Run.Run, scheduled))
		f.report(1, "undone")
		r := f.outcome()
		if r.Failure == nil || r.Failure.Message != "undone" || r.Retry != enums.RETRY_STATE_CANCEL_REQUESTED {
			t.Errorf("outcome is %+v", r)
		}
	})
}

// TestLooksAtAPendingActivityWriteNothing: a write would undo a heartbeat that comes from outside at the same moment.
func TestLooksAtAPendingActivityWriteNothing(t *testing.T) {
	inBubble(t, func(f *fixture) {
		begun := f.servePending(1)
		<-begun
		synctest.Wait()
		writes := len(f.sent(streamstest.OpPutBeat))
		time.Sleep(30 * time.Minute)
		if looks := len(f.sent(streamstest.OpNak)); looks < 30 || looks > 60 {
			t.Errorf("%d looks in half an hour", looks)
		}
		if got := len(f.sent(streamstest.OpPutBeat)); got != writes {
			t.Errorf("%d heartbeat records were written", got-writes)
		}
	})
}

func TestPendingRest(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	for _, c := range []struct {
		name                    string
		age, heartbeat, expires time.Duration
		want                    time.Duration
	}{
		{name: "young", age: 0, want: time.Second},
		{name: "a quarter of its age", age: time.Minute, want: 15 * time.Second},
		{name: "old", age: 24 * time.Hour, want: time.Minute},
		{name: "begun by a clock that is ahead", age: -time.Hour, want: time.Second},
		{name: "expires soon", age: time.Minute, expires: 61 * time.Second, want: time.Second},
		{name: "expired", age: time.Minute, expires: time.Minute, want: 0},
		{name: "heartbeat is due", age: time.Minute, heartbeat: 62 * time.Second, want: 2 * time.Second},
		{name: "heartbeat is overdue", age: time.Minute, heartbeat: 50 * time.Second, want: 0},
	} {
		b := &history.Beat{Attempt: 1, Started: start}
		if c.expires > 0 {
			b.Expires = start.Add(c.expires)
		}
		task := &history.Task{Heartbeat: history.MillisOf(c.heartbeat)}
		if got := pendingRest(task, b, start.Add(c.age)); got != c.want {
			t.Errorf("%s: rests for %v, want %v", c.name, got, c.want)
		}
	}
}

func TestFreeDeliveries(t *testing.T) {
	for _, c := range []struct {
		first             int32
		deliveries        int
		attempt, wantFree int32
	}{
		{first: 1, deliveries: 2, attempt: 1, wantFree: 1},
		{first: 1, deliveries: 50, attempt: 1, wantFree: 49},
		{first: 3, deliveries: 9, attempt: 4, wantFree: 7},
		{first: 1, deliveries: 1, attempt: 4, wantFree: 0}, // the consumer was created again
	} {
		task := &history.Task{FirstAttempt: c.first}
		free := freeDeliveries(task, c.deliveries, c.attempt)
		if free != c.wantFree {
			t.Errorf("%+v: %d free deliveries", c, free)
		}
		b := &history.Beat{Attempt: c.attempt, Free: free, Ended: time.Unix(1, 0)}
		if next, lost := attemptOf(task, c.deliveries+1, b); next != c.attempt+1 || lost {
			t.Errorf("%+v: attempt %d follows, lost %v", c, next, lost)
		}
	}
}
