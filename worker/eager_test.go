package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// eagerWorker is a worker whose coordinator the test plays.
type eagerWorker struct {
	*fixture
	*activities
	stop func()
}

// serveEagerly starts a worker for short activities and waits until it serves.
func (f *fixture) serveEagerly() *eagerWorker {
	f.Helper()
	f.task.StartToClose = history.MillisOf(10 * time.Second)
	w, stop := f.serveBoth()
	synctest.Wait()
	return &eagerWorker{f, w, stop}
}

// runEager makes an attempt and returns its outcome, early or not.
func runEager(ctx context.Context, a coordinator.EagerAttempt) coordinator.EagerOutcome {
	early := make(chan coordinator.EagerOutcome, 1)
	go func() {
		if o, ended := a.Run(ctx, func(o coordinator.EagerOutcome) { early <- o }); ended {
			early <- o
		}
	}()
	return <-early
}

// reserve reserves a slot for the fixture's task, which must succeed.
func (w *eagerWorker) reserve() coordinator.EagerAttempt {
	w.Helper()
	a := w.Reserve(w.task)
	if a == nil {
		w.Fatal("no slot")
	}
	return a
}

// requeue does what the coordinator does with an activity that goes on in the queue.
func (w *eagerWorker) requeue(r *coordinator.EagerRequeue) {
	w.Helper()
	w.task.FirstAttempt, w.task.NotBefore = r.Attempt, r.NotBefore
	w.publish()
}

func TestEagerSuccess(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context, name string) (string, error) {
			info := activity.GetInfo(ctx)
			if info.Attempt != 1 || info.WorkflowExecution.ID != "order-7" || info.Deadline.IsZero() || activity.HasHeartbeatDetails(ctx) {
				t.Errorf("info is %+v", info)
			}
			activity.GetLogger(ctx).Info("from inside")
			return "Hello " + name, nil
		})
		w := f.serveEagerly()
		f.task.Input = must(converter.GetDefaultDataConverter().ToPayloads("Ada"))
		begun := time.Now()
		o := runEager(f.ctx, w.reserve())
		if o.Result == nil || o.Requeue != nil || o.Keys || o.Result.Failure != nil || decode[string](f, o.Result.Result) != "Hello Ada" {
			t.Fatalf("outcome is %+v", o)
		}
		if r := o.Result; r.Scheduled != scheduled || r.Attempt != 1 || r.Identity != "w1" || !r.Started.Equal(begun) {
			t.Errorf("result is %+v", r)
		}
		if log := f.logs.String(); !strings.Contains(log, "from inside") || !strings.Contains(log, "order-7") {
			t.Errorf("logged:\n%s", log)
		}
		w.stop()
		if calls := f.sent(streamstest.OpSend, streamstest.OpGetBeat, streamstest.OpPutBeat, streamstest.OpDeleteBeats, streamstest.OpCancelRequested); len(calls) > 0 {
			t.Errorf("the broker was asked for %v", calls)
		}
	})
}

func TestEagerFailureIsRetriedFromTheQueue(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy = &history.RetryPolicy{InitialInterval: 5000, BackoffCoefficient: 2, MaximumAttempts: 3}
		var attempts []int32
		var begun []time.Time
		f.register(func(ctx context.Context) error {
			attempts, begun = append(attempts, activity.GetInfo(ctx).Attempt), append(begun, time.Now())
			if len(attempts) > 1 {
				var details string
				f.check(activity.GetHeartbeatDetails(ctx, &details))
				if details != fmt.Sprint("attempt ", len(attempts)-1) {
					t.Errorf("attempt %d sees details %q", len(attempts), details)
				}
			}
			activity.RecordHeartbeat(ctx, fmt.Sprint("attempt ", len(attempts)))
			return errors.New("boom")
		})
		w := f.serveEagerly()
		o := runEager(f.ctx, w.reserve())
		if o.Result != nil || o.Requeue == nil || o.Requeue.Attempt != 2 || !o.Requeue.NotBefore.Equal(time.Now().Add(5*time.Second)) {
			t.Fatalf("outcome is %+v", o)
		}
		b := f.beat()
		if b == nil || b.Attempt != 1 || b.Ended.IsZero() || b.Failure == nil || b.Failure.Message != "boom" || decode[string](f, b.Details) != "attempt 1" || b.Identity != "w1" || b.Started.IsZero() {
			t.Fatalf("heartbeat record is %+v", b)
		}
		written := len(f.sent(streamstest.OpPutBeat))
		w.requeue(o.Requeue)
		synctest.Wait()
		if n := len(f.sent(streamstest.OpPutBeat)); n != written || len(f.sent(streamstest.OpNak)) != 1 {
			t.Errorf("the early delivery is answered with %d records and %v", n-written, f.sent(streamstest.OpNak))
		}
		r := f.outcome()
		if r.Attempt != 3 || r.Retry != enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED || fmt.Sprint(attempts) != "[1 2 3]" {
			t.Errorf("attempts %v, outcome is %+v", attempts, r)
		}
		if got := begun[1].Sub(begun[0]); got != 5*time.Second {
			t.Errorf("attempt 2 after %v", got)
		}
		if got := begun[2].Sub(begun[1]); got != 10*time.Second {
			t.Errorf("attempt 3 after %v", got)
		}
		w.stop()
		if strings.Contains(f.logs.String(), "lost") {
			t.Errorf("logged:\n%s", f.logs)
		}
	})
}

func TestDeliveriesBeforeTheirTimeUseNoAttempt(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy = &history.RetryPolicy{InitialInterval: history.MillisOf(5 * time.Minute), MaximumAttempts: 3}
		var attempts []int32
		var second time.Time
		f.register(func(ctx context.Context) error {
			attempts = append(attempts, activity.GetInfo(ctx).Attempt)
			if len(attempts) == 2 {
				second = time.Now()
			}
			return errors.New("boom")
		})
		w := f.serveEagerly()
		requeue := runEager(f.ctx, w.reserve()).Requeue
		w.stop()
		w.requeue(requeue)
		f.lose() // a worker that dies before it has looked at the time
		time.Sleep(lossTimeout + time.Second)
		f.late = true
		f.serve()() // a worker that stops
		f.late = false
		defer f.serve()()
		if r := f.outcome(); r.Attempt != 3 || fmt.Sprint(attempts) != "[1 2 3]" || !second.Equal(requeue.NotBefore) {
			t.Errorf("attempts %v, the second at %v for %v, outcome is %+v", attempts, second, requeue.NotBefore, r)
		}
		if strings.Contains(f.logs.String(), "lost") {
			t.Errorf("logged:\n%s", f.logs)
		}
	})
}

func TestEagerFailureForGood(t *testing.T) {
	failures := map[string]func(f *fixture) error{
		"not retryable": func(*fixture) error {
			return millrace.NewNonRetryableApplicationError("no", "Closed", nil)
		},
		"too large": func(f *fixture) error { return nil },
		"canceled": func(f *fixture) error {
			f.check(f.model.RequestCancel(f.ctx, f.task.Run.Run, scheduled))
			return context.Canceled
		},
	}
	states := map[string]enums.RetryState{
		"not retryable": enums.RETRY_STATE_NON_RETRYABLE_FAILURE,
		"too large":     enums.RETRY_STATE_NON_RETRYABLE_FAILURE,
		"canceled":      enums.RETRY_STATE_CANCEL_REQUESTED,
	}
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.register(func(ctx context.Context) (string, error) {
					err := fail(f)
					if errors.Is(err, context.Canceled) {
						activity.RecordHeartbeat(ctx) // brings the news
						<-ctx.Done()
						if !errors.Is(context.Cause(ctx), activity.ErrCanceled) {
							t.Errorf("the context ended because of %v", context.Cause(ctx))
						}
					}
					return strings.Repeat("x", maxPayload), err
				})
				w := f.serveEagerly()
				o := runEager(f.ctx, w.reserve())
				if o.Requeue != nil || o.Result == nil || o.Result.Failure == nil || o.Result.Retry != states[name] || o.Result.Attempt != 1 {
					t.Errorf("outcome is %+v", o)
				}
				if canceled := name == "canceled"; o.Keys != canceled || canceled != (f.beat() != nil) {
					t.Errorf("keys are left: %v; heartbeat record %+v", o.Keys, f.beat())
				}
				w.stop()
			})
		})
	}
}

func TestEagerTimeOuts(t *testing.T) {
	tests := map[string]struct {
		heartbeat history.Millis
		kind      enums.TimeoutType
		after     time.Duration
	}{
		"start to close": {0, enums.TIMEOUT_TYPE_START_TO_CLOSE, 10 * time.Second},
		"heartbeat":      {3000, enums.TIMEOUT_TYPE_HEARTBEAT, 3 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.options.MaxConcurrentActivityExecutionSize = 1
				f.task.Heartbeat = test.heartbeat
				release := make(chan struct{})
				var cause error
				f.register(func(ctx context.Context) error {
					<-release
					cause = context.Cause(ctx)
					return nil
				})
				w := f.serveEagerly()
				begun := time.Now()
				o := runEager(f.ctx, w.reserve())
				if o.Requeue == nil || o.Requeue.Attempt != 2 || time.Since(begun) != test.after {
					t.Fatalf("outcome after %v is %+v", time.Since(begun), o)
				}
				if b := f.beat(); b.Failure.TimeoutFailureInfo == nil || b.Failure.TimeoutFailureInfo.TimeoutType != test.kind {
					t.Errorf("heartbeat record is %+v", b)
				}
				if w.Reserve(f.task) != nil {
					t.Error("the slot of a function that still runs is free")
				}
				close(release)
				synctest.Wait()
				if !errors.Is(cause, activity.ErrTimedOut) {
					t.Errorf("the context ended because of %v", cause)
				}
				w.reserve().Release()
				w.stop()
			})
		})
	}
}

func TestEagerActivityIsCompletedFromOutside(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 2
		var token []byte
		f.register(func(ctx context.Context) error {
			if token != nil {
				t.Error("the function runs again")
			}
			token = activity.GetInfo(ctx).TaskToken
			return activity.ErrResultPending
		})
		w := f.serveEagerly()
		o := runEager(f.ctx, w.reserve())
		if o.Result != nil || o.Requeue == nil || o.Requeue.Attempt != 1 || !o.Requeue.NotBefore.After(time.Now()) {
			t.Fatalf("outcome is %+v", o)
		}
		if b := f.beat(); b == nil || !b.Pending || b.Attempt != 1 || b.Expires.IsZero() {
			t.Fatalf("heartbeat record is %+v", b)
		}
		w.requeue(o.Requeue)
		time.Sleep(5 * time.Second)
		f.complete(token, "from outside")
		if got := decode[string](f, f.outcome().Result); got != "from outside" {
			t.Errorf("result is %q", got)
		}
		time.Sleep(10 * time.Second)
		if f.queued() || f.beat() != nil {
			t.Errorf("task queued: %v, heartbeat record %+v", f.queued(), f.beat())
		}
		w.stop()
	})
}

func TestEagerPendingActivityTimesOut(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 2
		var begun []time.Time
		f.register(func(ctx context.Context) error {
			begun = append(begun, time.Now())
			if got := activity.GetInfo(ctx).Attempt; int(got) != len(begun) {
				t.Errorf("attempt %d is number %d", got, len(begun))
			}
			return activity.ErrResultPending
		})
		w := f.serveEagerly()
		w.requeue(runEager(f.ctx, w.reserve()).Requeue)
		r := f.outcome()
		if len(begun) != 2 || begun[1].Sub(begun[0]) != 11*time.Second || r.Attempt != 2 {
			t.Errorf("attempts at %v, outcome is %+v", begun, r)
		}
		w.stop()
	})
}

func TestEagerAttemptOfAStoppingWorkerDoesNotCount(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.options.WorkerStopTimeout = time.Second
		f.task.RetryPolicy.MaximumAttempts = 2
		var attempts []int32
		f.register(func(ctx context.Context) error {
			attempts = append(attempts, activity.GetInfo(ctx).Attempt)
			if len(attempts) == 1 {
				<-ctx.Done()
			}
			return errors.New("boom")
		})
		w := f.serveEagerly()
		attempt := w.reserve()
		outcome := make(chan coordinator.EagerOutcome)
		go func() { outcome <- runEager(f.ctx, attempt) }()
		go w.stop()
		o := <-outcome
		if o.Result != nil || o.Requeue == nil || o.Requeue.Attempt != 1 {
			t.Fatalf("outcome is %+v", o)
		}
		if w.Reserve(f.task) != nil {
			t.Error("a worker that stops takes eager attempts")
		}
		w.stop()
		w.requeue(o.Requeue)
		defer f.serve()()
		if r := f.outcome(); r.Attempt != 2 || fmt.Sprint(attempts) != "[1 1 2]" {
			t.Errorf("attempts %v, outcome is %+v", attempts, r)
		}
	})
}

func TestZombieOfAnEagerAttemptLeavesTheNewerOneAlone(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.RetryPolicy.MaximumAttempts = 2
		begun := make(chan struct{})
		f.register(func(ctx context.Context) (int32, error) {
			attempt := activity.GetInfo(ctx).Attempt
			if attempt == 2 {
				close(begun)
				time.Sleep(10 * time.Second)
				return attempt, nil
			}
			<-begun
			return 0, errors.New("boom")
		})
		w := f.serveEagerly()
		f.task.StartToClose = history.MillisOf(time.Minute)
		attempt := w.reserve()
		outcome := make(chan coordinator.EagerOutcome)
		go func() { outcome <- runEager(f.ctx, attempt) }()
		synctest.Wait()
		// Another coordinator was given the message and takes the attempt for lost.
		queued := *f.task
		f.task = &queued
		w.requeue(&coordinator.EagerRequeue{Attempt: 2})
		if o := <-outcome; o.Result != nil || o.Requeue != nil {
			t.Errorf("outcome is %+v", o)
		}
		if b := f.beat(); b == nil || b.Attempt != 2 {
			t.Errorf("heartbeat record is %+v", b)
		}
		if got := decode[int32](f, f.outcome().Result); got != 2 {
			t.Errorf("attempt %d", got)
		}
		w.stop()
	})
}

func TestReserveOnlyWhatCanBeRunHere(t *testing.T) {
	tasks := map[string]func(task *history.Task){
		"another queue":        func(task *history.Task) { task.Queue = "other" },
		"an unknown type":      func(task *history.Task) { task.Type = "Other" },
		"at most once":         func(task *history.Task) { task.RetryPolicy.MaximumAttempts = 1 },
		"with ScheduleToStart": func(task *history.Task) { task.ScheduleToStart = 1000 },
	}
	for name, change := range tasks {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.register(func() error { return nil })
				w := f.serveEagerly()
				change(f.task)
				if w.Reserve(f.task) != nil {
					t.Error("was reserved")
				}
				w.stop()
			})
		})
	}
}

func TestEagerAttemptsHaveABoundOfTheirOwn(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.options.MaxConcurrentEagerActivityExecutionSize = 2
		f.register(func() error { return nil })
		w := f.serveEagerly()
		first := w.reserve()
		w.reserve().Release()
		second := w.reserve()
		if w.Reserve(f.task) != nil {
			t.Error("a third slot")
		}
		runEager(f.ctx, first)
		synctest.Wait()
		third := w.reserve()
		second.Release()
		third.Release()
		w.stop()
		if w.Reserve(f.task) != nil {
			t.Error("a slot of a stopped worker")
		}
	})
}

func TestEagerAttemptsObeyTheRateLimit(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.options.WorkerActivitiesPerSecond = 1
		f.register(func() error { return nil })
		w := f.serveEagerly() // the first token is with the open pull
		for range 3 {
			if w.Reserve(f.task) != nil {
				t.Error("reserved beyond the rate")
			}
			time.Sleep(time.Second)
			runEager(f.ctx, w.reserve())
		}
		w.stop()
	})
}

func TestPulledTasksComeBeforeEagerOnes(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.options.MaxConcurrentActivityExecutionSize = 1
		var order []string
		f.register(func(ctx context.Context) error {
			order = append(order, activity.GetInfo(ctx).WorkflowExecution.ID)
			time.Sleep(time.Second)
			return nil
		})
		w := f.serveEagerly()
		attempt := w.reserve() // the slot that the open pull was asked for
		f.many(1)
		synctest.Wait()
		runEager(f.ctx, attempt)
		synctest.Wait()
		if w.Reserve(f.task) != nil {
			t.Error("an eager attempt comes before a task that waits")
		}
		time.Sleep(2 * time.Second)
		if fmt.Sprint(order) != "[order-7 a]" {
			t.Errorf("order is %v", order)
		}
		w.reserve().Release()
		w.stop()
	})
}

func TestSurplusTaskIsHandedBackByAStoppingWorker(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.options.MaxConcurrentActivityExecutionSize = 1
		var attempts []int32
		f.register(func(ctx context.Context) error {
			attempts = append(attempts, activity.GetInfo(ctx).Attempt)
			return nil
		})
		w := f.serveEagerly()
		attempt := w.reserve()
		f.publish()
		synctest.Wait()
		go w.stop()
		synctest.Wait()
		if b := f.beat(); b == nil || b.Free != 1 || len(attempts) > 0 {
			t.Errorf("attempts %v, heartbeat record %+v", attempts, b)
		}
		attempt.Release()
		w.stop()
		defer f.serve()()
		if r := f.outcome(); r.Attempt != 1 || fmt.Sprint(attempts) != "[1]" {
			t.Errorf("attempts %v, outcome is %+v", attempts, r)
		}
	})
}

func TestNeverMoreFunctionsThanSlots(t *testing.T) {
	inBubble(t, func(f *fixture) {
		const slots, each = 3, 40
		f.options.MaxConcurrentActivityExecutionSize = slots
		var mu sync.Mutex
		running, most, calls := 0, 0, 0
		f.register(func() error {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(10 * time.Millisecond)
			mu.Lock()
			running--
			calls++
			mu.Unlock()
			return nil
		})
		w := f.serveEagerly()
		var eager sync.WaitGroup
		ran := 0
		for i := range each {
			f.many(1 + i%3)
			eager.Go(func() {
				if a := w.Reserve(f.task); a != nil {
					runEager(f.ctx, a)
					mu.Lock()
					ran++
					mu.Unlock()
				}
			})
			time.Sleep(5 * time.Millisecond)
		}
		eager.Wait()
		time.Sleep(10 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if most != slots || ran == 0 || calls <= ran {
			t.Errorf("%d at a time, %d calls, %d of them eager", most, calls, ran)
		}
		w.stop()
	})
}
