package worker

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// many queues n activities of as many runs.
func (f *fixture) many(n int) {
	f.Helper()
	for i := range n {
		task := *f.task
		task.Run.WorkflowID = string(rune('a' + i))
		ref := streams.TaskRef{Run: task.Run.Run, Queue: queue, Activity: scheduled}
		_, err := f.model.PublishTask(f.ctx, ref, must(history.Encode(&task)))
		f.check(err)
	}
}

func TestNoMoreActivitiesRunThanThereAreSlots(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.options.MaxConcurrentActivityExecutionSize = 3
		var mu sync.Mutex
		running, most := 0, 0
		done := make(chan struct{}, 10)
		f.register(func() error {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			done <- struct{}{}
			return nil
		})
		f.many(10)
		stop := f.serve()
		for range 10 {
			<-done
		}
		if most != 3 {
			t.Errorf("%d ran at a time", most)
		}
		stop()
	})
}

func TestRateLimit(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.options.WorkerActivitiesPerSecond = 0.5
		begun := make(chan time.Time, 10)
		f.register(func() error { begun <- time.Now(); return nil })
		f.many(4)
		stop := f.serve()
		last := <-begun
		for range 3 {
			next := <-begun
			if pause := next.Sub(last); pause < 2*time.Second-time.Millisecond {
				t.Errorf("next activity after %v", pause)
			}
			last = next
		}
		stop()
	})
}

func TestPanicBecomesAFailureWithStack(t *testing.T) {
	ends := map[string]func(){
		"panic": func() { panic("out of cheese") },
		"exit":  runtime.Goexit,
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.task.RetryPolicy.MaximumAttempts = 1
				f.register(func() error { end(); return nil })
				f.publish()
				defer f.serve()()
				failure := f.outcome().Failure
				if failure == nil || failure.ApplicationFailureInfo == nil || failure.ApplicationFailureInfo.Type != "PanicError" {
					t.Fatalf("failure is %+v", failure)
				}
				if !strings.Contains(failure.StackTrace, "activities_test.go") && name == "panic" {
					t.Errorf("stack is %s", failure.StackTrace)
				}
			})
		})
	}
}

func TestOversizedResultIsAClearFailure(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func() (string, error) { return strings.Repeat("x", maxPayload), nil })
		f.publish()
		defer f.serve()()
		failure := f.outcome().Failure
		if failure == nil || !failure.ApplicationFailureInfo.NonRetryable || !strings.Contains(failure.Message, "limit is 524288") {
			t.Errorf("failure is %+v", failure)
		}
	})
}

func TestOversizedFailureIsCut(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 1
		f.register(func() error { return errors.New("begin " + strings.Repeat("x", 2<<20)) })
		f.publish()
		defer f.serve()()
		failure := f.outcome().Failure
		if failure == nil || len(failure.Message) > 1100 || !strings.HasPrefix(failure.Message, "begin") || failure.ApplicationFailureInfo == nil {
			t.Errorf("failure is %+v", failure)
		}
	})
}

func TestUndecodableArgumentsFailForGood(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(n int) error { t.Error("the function runs"); return nil })
		f.publish("no number")
		defer f.serve()()
		failure := f.outcome().Failure
		if failure == nil || !failure.ApplicationFailureInfo.NonRetryable || !strings.Contains(failure.Message, "Act") {
			t.Errorf("failure is %+v", failure)
		}
	})
}

func TestStopWaitsForActivities(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.options.WorkerStopTimeout = time.Minute
		f.register(func(ctx context.Context) error {
			<-activity.GetWorkerStopChannel(ctx)
			time.Sleep(30 * time.Second)
			return ctx.Err()
		})
		f.publish()
		stop := f.serve()
		time.Sleep(time.Second)
		begun := time.Now()
		stop()
		if took := time.Since(begun); took != 30*time.Second {
			t.Errorf("stopping took %v", took)
		}
		if r := f.outcomeNow(); r == nil || r.Failure != nil {
			t.Errorf("outcome is %+v", r)
		}
	})
}

func TestStopLeavesTheFunctionThatIgnoresItsContext(t *testing.T) {
	inBubble(t, func(f *fixture) {
		release := make(chan struct{})
		f.register(func() error { <-release; return nil })
		f.publish()
		stop := f.serve()
		time.Sleep(time.Second)
		begun := time.Now()
		stop()
		if took := time.Since(begun); took != defaultStopTimeout+returnGrace {
			t.Errorf("stopping took %v", took)
		}
		if !strings.Contains(f.logs.String(), "ignores the end of its context") || !strings.Contains(f.logs.String(), "Act") {
			t.Errorf("logged:\n%s", f.logs)
		}
		if b := f.beat(); b == nil || b.Free != 1 {
			t.Errorf("heartbeat record is %+v", b)
		}
		close(release)
	})
}

func TestStopEndsAlthoughTheBrokerIsGone(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		f.publish()
		stop := f.serve()
		time.Sleep(time.Second)
		f.faults(func(streamstest.Op, history.Run, int) streamstest.Fault { return streamstest.Lost })
		begun := time.Now()
		stop()
		if took := time.Since(begun); took > defaultStopTimeout+returnGrace+reportGrace {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestInfoOfAnAttempt(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.Heartbeat, f.task.ScheduleToClose = 5000, history.MillisOf(2*time.Hour)
		var info activity.Info
		f.register(func(ctx context.Context) error {
			if !activity.IsActivity(ctx) || activity.IsActivity(context.Background()) {
				t.Error("IsActivity is wrong")
			}
			info = activity.GetInfo(ctx)
			activity.GetLogger(ctx).Info("from inside")
			return nil
		})
		f.publish()
		defer f.serve()()
		f.outcome()
		if info.WorkflowExecution.ID != "order-7" || info.WorkflowExecution.RunID != "r1" || info.WorkflowType.Name != "Order" ||
			info.ActivityID != "2" || info.ActivityType.Name != "Act" || info.TaskQueue != queue || info.Namespace != "ns" ||
			info.WorkflowNamespace != "ns" || info.HeartbeatTimeout != 5*time.Second || info.StartToCloseTimeout != time.Hour ||
			info.ScheduleToCloseTimeout != 2*time.Hour || info.Attempt != 1 || info.RetryPolicy.BackoffCoefficient != 2 ||
			!info.ScheduledTime.Equal(f.task.Scheduled) || info.StartedTime.IsZero() || len(info.TaskToken) == 0 {
			t.Errorf("info is %+v", info)
		}
		if log := f.logs.String(); !strings.Contains(log, "from inside") || !strings.Contains(log, "order-7") {
			t.Errorf("logged:\n%s", log)
		}
	})
}

func TestBackgroundContextReachesActivities(t *testing.T) {
	inBubble(t, func(f *fixture) {
		type key struct{}
		f.options.BackgroundActivityContext = context.WithValue(context.Background(), key{}, "shared")
		f.register(func(ctx context.Context) (string, error) { return ctx.Value(key{}).(string), nil })
		f.publish()
		defer f.serve()()
		if got := decode[string](f, f.outcome().Result); got != "shared" {
			t.Errorf("result is %q", got)
		}
	})
}
