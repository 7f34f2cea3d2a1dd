package workflow_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/workflow"
)

func TestSelectorTakesReadyCasesInTheOrderAdded(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]string, error) {
		var log []string
		full := workflow.NewBufferedChannel(ctx, 2)
		full.Send(ctx, 1)
		full.Send(ctx, 2)
		done, set := workflow.NewFuture(ctx)
		set.SetValue("x")
		room := workflow.NewBufferedChannel(ctx, 1)
		s := workflow.NewSelector(ctx)
		s.AddFuture(done, func(f workflow.Future) { log = append(log, "future") })
		s.AddReceive(full, func(c workflow.ReceiveChannel, more bool) {
			var v int
			c.Receive(ctx, &v)
			log = append(log, fmt.Sprint("receive ", v))
		})
		s.AddSend(room, 3, func() { log = append(log, "send") })
		s.AddDefault(func() { log = append(log, "default") })
		log = append(log, fmt.Sprint(s.HasPending()))
		for range 5 {
			s.Select(ctx)
		}
		return append(log, fmt.Sprint(s.HasPending())), nil
	})
	wantResult(h, []string{"true", "future", "receive 1", "receive 2", "send", "default", "false"})
}

// What becomes ready first wins a blocked selector, whatever the order of the cases.
func TestBlockedSelectorTakesWhatCameFirst(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]string, error) {
		var log []string
		s := workflow.NewSelector(ctx)
		for _, name := range []string{"A", "B", "C"} {
			s.AddFuture(workflow.ExecuteActivity(withActivities(ctx), name), func(workflow.Future) { log = append(log, name) })
		}
		for range 3 {
			s.Select(ctx)
		}
		return log, nil
	})
	h.step(h.completed("C", nil), h.completed("B", nil))
	h.step(h.completed("A", nil))
	wantResult(h, []string{"C", "B", "A"})
}

func TestSelectorTimeoutPattern(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		won := ""
		timerCtx, cancel := workflow.WithCancel(ctx)
		s := workflow.NewSelector(ctx)
		s.AddFuture(workflow.NewTimer(timerCtx, time.Hour), func(f workflow.Future) { won = "timer" })
		s.AddFuture(workflow.ExecuteActivity(withActivities(ctx), "Train"), func(f workflow.Future) {
			_ = f.Get(ctx, &won)
			cancel()
		})
		s.Select(ctx)
		return won, nil
	})
	h.step(h.completed("Train", "model"))
	wantResult(h, "model")
	h.wantTrace("TimerStarted ActivityTaskScheduled", "ActivityTaskCompleted TimerCanceled WorkflowExecutionCompleted")
}

func TestSelectorOfDoneAndClosedChannelsFiresOnce(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]string, error) {
		var log []string
		s := workflow.NewSelector(ctx)
		s.AddReceive(ctx.Done(), func(_ workflow.ReceiveChannel, more bool) { log = append(log, fmt.Sprint("done ", more)) })
		s.AddReceive(workflow.GetSignalChannel(ctx, "s"), func(c workflow.ReceiveChannel, more bool) {
			var v string
			c.Receive(ctx, &v)
			log = append(log, v)
		})
		for range 3 {
			s.Select(ctx)
		}
		return log, nil
	})
	h.step(h.signal("s", "one"))
	h.step(h.cancel())
	h.step(h.signal("s", "two"))
	wantResult(h, []string{"one", "done false", "two"})
}

// A value handed to a blocked selector is not lost when its function does not receive it, and no other coroutine gets
// it before.
func TestSelectorKeepsTheValueForItsFunction(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]string, error) {
		var log []string
		c := workflow.NewChannel(ctx)
		workflow.Go(ctx, func(ctx workflow.Context) {
			c.Send(ctx, "first")
			var v string
			if c.ReceiveAsync(&v) {
				log = append(log, "stolen")
			}
			c.Send(ctx, "second")
		})
		seen := 0
		s := workflow.NewSelector(ctx)
		s.AddReceive(c, func(c workflow.ReceiveChannel, _ bool) {
			if seen++; seen == 1 {
				return
			}
			var v string
			c.Receive(ctx, &v)
			log = append(log, v)
		})
		for range 3 {
			s.Select(ctx)
		}
		return log, nil
	})
	wantResult(h, []string{"first", "second"})
}

func TestTwoSelectorsMeet(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]string, error) {
		var log []string
		c := workflow.NewChannel(ctx)
		other := workflow.NewChannel(ctx)
		workflow.Go(ctx, func(ctx workflow.Context) {
			workflow.NewSelector(ctx).
				AddReceive(other, func(workflow.ReceiveChannel, bool) { log = append(log, "other") }).
				AddSend(c, "hello", func() { log = append(log, "sent") }).
				Select(ctx)
			log = append(log, fmt.Sprint("left over ", c.Len(), other.SendAsync("nobody")))
		})
		_ = workflow.Sleep(ctx, time.Second)
		workflow.NewSelector(ctx).AddReceive(c, func(c workflow.ReceiveChannel, _ bool) {
			var v string
			c.Receive(ctx, &v)
			log = append(log, v)
		}).Select(ctx)
		return log, workflow.Await(ctx, func() bool { return len(log) == 3 })
	})
	h.advance(time.Second)
	wantResult(h, []string{"hello", "sent", "left over 0 false"})
}
