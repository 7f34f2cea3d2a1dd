package workflow_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/workflow"
)

func TestSleepAndNow(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]time.Time, error) {
		seen := []time.Time{workflow.Now(ctx)}
		for _, d := range []time.Duration{-time.Second, 0, time.Minute} {
			if err := workflow.Sleep(ctx, d); err != nil {
				return nil, err
			}
			seen = append(seen, workflow.Now(ctx))
		}
		return seen, nil
	})
	h.advance(time.Minute + time.Second)
	wantResult(h, []time.Time{epoch, epoch, epoch, epoch.Add(time.Minute + time.Second)})
	h.wantTrace("TimerStarted", "TimerFired WorkflowExecutionCompleted")
}

func TestTimerOptions(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		return workflow.NewTimerWithOptions(ctx, time.Millisecond+1, workflow.TimerOptions{Summary: "grace"}).Get(ctx, nil)
	})
	if _, a := last[*history.TimerStarted](h); a.Summary != "grace" || a.Timeout != 2 {
		t.Errorf("timer %+v", a)
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (int, error) {
		n := 0
		workflow.Go(ctx, func(ctx workflow.Context) {
			for {
				workflow.GetSignalChannel(ctx, "more").Receive(ctx, nil)
				n++
			}
		})
		return n, errors.Join(
			workflow.Await(ctx, func() bool { return true }),
			workflow.Await(ctx, func() bool { return n >= 2 }))
	})
	h.step(h.signal("more", nil))
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
	h.step(h.signal("more", nil))
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
}

func TestAwaitWithTimeout(t *testing.T) {
	t.Parallel()
	code := func(ctx workflow.Context) (string, error) {
		met := false
		workflow.Go(ctx, func(ctx workflow.Context) {
			workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
			met = true
		})
		ok, err := workflow.AwaitWithTimeout(ctx, time.Minute, func() bool { return met })
		return fmt.Sprint(ok, err), nil
	}
	t.Run("met", func(t *testing.T) {
		t.Parallel()
		h := begin(t, code)
		h.step(h.signal("go", nil))
		wantResult(h, "true <nil>")
		h.wantTrace("TimerStarted", "WorkflowExecutionSignaled TimerCanceled WorkflowExecutionCompleted")
	})
	t.Run("time-out", func(t *testing.T) {
		t.Parallel()
		h := begin(t, code)
		h.advance(time.Minute)
		wantResult(h, "false <nil>")
	})
	t.Run("canceled", func(t *testing.T) {
		t.Parallel()
		h := begin(t, code)
		h.step(h.cancel())
		wantResult(h, "false canceled")
	})
	t.Run("met at once", func(t *testing.T) {
		t.Parallel()
		h := begin(t, func(ctx workflow.Context) error {
			ok, err := workflow.AwaitWithTimeout(ctx, time.Minute, func() bool { return true })
			if !ok {
				return errors.New("not ok")
			}
			return err
		})
		h.wantTrace("WorkflowExecutionCompleted")
	})
}

func TestAwaitReturnsCanceledError(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		return workflow.Await(ctx, func() bool { return false })
	})
	h.step(h.cancel())
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
}

func TestWaitGroup(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (int, error) {
		wg := workflow.NewWaitGroup(ctx)
		wg.Wait(ctx)
		sum := 0
		for i := range 3 {
			wg.Go(ctx, func(ctx workflow.Context) {
				_ = workflow.Sleep(ctx, time.Duration(i+1)*time.Minute)
				sum += i + 1
			})
		}
		wg.Wait(ctx)
		return sum, nil
	})
	h.advance(time.Minute)
	h.advance(time.Minute)
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
	h.advance(time.Minute)
	wantResult(h, 6)
}

func TestFutureSettableAndChain(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]string, error) {
		var log []string
		early, setEarly := workflow.NewFuture(ctx)
		late, setLate := workflow.NewFuture(ctx)
		broken, setBroken := workflow.NewFuture(ctx)
		source, set := workflow.NewFuture(ctx)
		setLate.Chain(source)
		log = append(log, fmt.Sprint(late.IsReady()))
		set.SetValue("v")
		setEarly.Chain(source)
		setBroken.Set("ignored", millrace.NewApplicationError("bad", "T"))
		for _, f := range []workflow.Future{early, late, broken} {
			var v string
			err := f.Get(ctx, &v)
			log = append(log, fmt.Sprint(f.IsReady(), v, err))
		}
		var n int
		log = append(log, fmt.Sprint(early.Get(ctx, &n)), fmt.Sprint(early.Get(ctx, n)), fmt.Sprint(early.Get(ctx, nil)))
		return log, nil
	})
	wantResult(h, []string{
		"false", "truev<nil>", "truev<nil>", "truebad (type: T, retryable: true)",
		"value of type string cannot be assigned through a *int",
		"value of type string cannot be assigned to a int: a pointer is needed",
		"<nil>",
	})
}

func TestPanicInCoroutineSurfaces(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		workflow.GoNamed(ctx, "worker", func(ctx workflow.Context) {
			_ = workflow.Sleep(ctx, time.Minute)
			panic("out of luck")
		})
		return workflow.Await(ctx, func() bool { return false })
	})
	h.now = h.now.Add(time.Minute)
	var p *replay.PanicError
	if err := h.try(); !errors.As(err, &p) || p.Value != "out of luck" || !strings.Contains(p.Coroutine, "worker") {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(p.Stack, "TestPanicInCoroutineSurfaces") {
		t.Errorf("stack does not show the author's code:\n%s", p.Stack)
	}
}

// A run may be unloaded at any time: its deferred calls then run, and whatever they try neither blocks nor panics.
func TestUnloadRunsDeferredCalls(t *testing.T) {
	t.Parallel()
	ran := 0
	h := begin(t, func(ctx workflow.Context) error {
		for _, f := range []func(ctx workflow.Context){
			func(ctx workflow.Context) {
				cleanup, cancel := workflow.NewDisconnectedContext(withActivities(ctx))
				defer cancel()
				_ = workflow.ExecuteActivity(cleanup, "Release").Get(cleanup, nil)
			},
			func(ctx workflow.Context) { _ = workflow.ExecuteChildWorkflow(ctx, "C").Get(ctx, nil) },
			func(ctx workflow.Context) { _ = workflow.Sleep(ctx, time.Second) },
			func(ctx workflow.Context) { workflow.NewChannel(ctx).Receive(ctx, nil) },
			func(ctx workflow.Context) { workflow.NewChannel(ctx).Send(ctx, 1) },
			func(ctx workflow.Context) { workflow.NewSelector(ctx).Select(ctx) },
			func(ctx workflow.Context) { _ = workflow.Await(ctx, func() bool { return false }) },
			func(ctx workflow.Context) { _, _ = workflow.GetSignalChannel(ctx, "s").ReceiveWithTimeout(ctx, 1, nil) },
			func(ctx workflow.Context) {
				wg := workflow.NewWaitGroup(ctx)
				wg.Go(ctx, func(workflow.Context) {})
				wg.Wait(ctx)
			},
			func(ctx workflow.Context) { _ = workflow.SignalExternalWorkflow(ctx, "w", "", "s", nil).Get(ctx, nil) },
		} {
			workflow.Go(ctx, func(ctx workflow.Context) {
				defer func() {
					defer func() { ran++ }()
					f(ctx)
				}()
				_ = workflow.Sleep(ctx, time.Hour)
			})
		}
		return workflow.Sleep(ctx, time.Hour)
	})
	before := h.trace()
	h.m.Destroy()
	if ran != 10 || h.trace() != before {
		t.Errorf("%d deferred calls ran, want 10; events:\n%s", ran, h.trace())
	}
}

// BenchmarkReplay replays a run of 1000 activities, one after another.
func BenchmarkReplay(b *testing.B) {
	h := begin(b, func(ctx workflow.Context) error {
		ctx = withActivities(ctx)
		for range 1000 {
			if err := workflow.ExecuteActivity(ctx, "A", "input").Get(ctx, nil); err != nil {
				return err
			}
		}
		return nil
	})
	for !h.m.State().Closed() {
		h.step(h.completed("A", "result"))
	}
	b.ReportAllocs()
	for b.Loop() {
		fresh := replay.New(replay.Config{Start: h.start, Body: h.def.Body()})
		for _, rec := range h.records {
			if err := fresh.Apply(rec); err != nil {
				b.Fatal(err)
			}
		}
		fresh.Destroy()
	}
}
