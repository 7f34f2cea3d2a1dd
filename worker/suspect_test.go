package worker

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// live runs one worker for d, or until it has ended its process, and says what is lost of it.
func (f *fixture) live(d time.Duration) {
	f.Helper()
	stop := f.serve()
	time.Sleep(d)
	stop()
	f.faults(nil)
	time.Sleep(lossTimeout)
}

// ends is what an activity does to end its process: nothing that it says reaches the broker any more.
func (f *fixture) ends() {
	f.faults(func(streamstest.Op, history.Run, int) streamstest.Fault { return streamstest.Lost })
}

// TestAnActivityThatEndsProcessesRests: the third process has nothing else to do, and after it the task rests, longer each
// time, with the reason.
func TestAnActivityThatEndsProcessesRests(t *testing.T) {
	inBubble(t, func(f *fixture) {
		var began []time.Time
		f.register(func(context.Context) error {
			began = append(began, time.Now())
			f.ends()
			return nil
		})
		f.publish()
		for range 3 {
			f.live(time.Second)
		}
		if len(began) != 3 {
			t.Fatalf("%d processes ended, want 3: %v\n%s", len(began), began, f.logs)
		}
		if b := f.beat(); b == nil || !b.Alone || b.Lost != 2 {
			t.Fatalf("the third attempt left %+v", b)
		}
		f.serve()
		time.Sleep(4 * time.Second)
		if len(began) != 3 {
			t.Fatal("the activity did not rest")
		}
		b := f.beat()
		if b == nil || b.Failure == nil || !strings.Contains(b.Failure.Message, "3 attempts in a row ended the processes") || b.Killed != 1 {
			t.Fatalf("the activity rests for no reason: %+v", b)
		}
		for range 3 {
			time.Sleep(5 * time.Minute)
			f.faults(nil)
			f.live(time.Second)
		}
		if n := len(began); n < 5 || began[n-1].Sub(began[n-2]) < 10*time.Second {
			t.Errorf("attempts began at %v, want growing pauses", began)
		}
	})
}

// TestASuspectedActivityThatReturnsIsNotSuspectedAnyMore: its workers died of something else.
func TestASuspectedActivityThatReturnsIsNotSuspectedAnyMore(t *testing.T) {
	inBubble(t, func(f *fixture) {
		calls := 0
		f.register(func(context.Context) (string, error) {
			if calls++; calls == 1 {
				return "", context.DeadlineExceeded
			}
			return "alive", nil
		})
		f.publish()
		f.lose()
		time.Sleep(lossTimeout)
		f.lose()
		time.Sleep(lossTimeout)
		begun := time.Now()
		defer f.serve()()
		time.Sleep(time.Second)
		if b := f.beat(); b == nil || b.Lost != 0 || b.Alone || b.Failure == nil || strings.Contains(b.Failure.Message, "row") {
			t.Errorf("after a failure of its own the record is %+v", b)
		}
		if r := f.outcome(); decode[string](f, r.Result) != "alive" || time.Since(begun) > time.Minute {
			t.Errorf("outcome is %+v after %v", r, time.Since(begun))
		}
	})
}
