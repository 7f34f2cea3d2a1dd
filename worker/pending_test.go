package worker

import (
	"context"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
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
		time.Sleep(time.Hour) // StartToClose: somebody looks
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
