package workflow_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/workflow"
)

func TestUnbufferedChannelHandsOverInOrder(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]string, error) {
		var log []string
		c := workflow.NewChannel(ctx)
		for i := range 3 {
			workflow.Go(ctx, func(ctx workflow.Context) {
				c.Send(ctx, i)
				log = append(log, fmt.Sprint("sent ", i))
			})
		}
		if err := workflow.Await(ctx, func() bool { return c.Len() == 3 }); err != nil {
			return nil, err
		}
		for range 3 {
			var v int
			c.Receive(ctx, &v)
			log = append(log, fmt.Sprint("got ", v))
		}
		return log, workflow.Await(ctx, func() bool { return len(log) == 6 })
	})
	wantResult(h, []string{"got 0", "got 1", "got 2", "sent 0", "sent 1", "sent 2"})
}

func TestBlockedReceiversAreServedInOrder(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]string, error) {
		var log []string
		c := workflow.NewChannel(ctx)
		wg := workflow.NewWaitGroup(ctx)
		for i := range 3 {
			wg.Go(ctx, func(ctx workflow.Context) {
				var v int
				more := c.Receive(ctx, &v)
				log = append(log, fmt.Sprintf("%d: %d %v", i, v, more))
			})
		}
		_ = workflow.Sleep(ctx, time.Second)
		if !c.SendAsync(7) || !c.SendAsync(8) {
			return nil, errors.New("receivers wait, but SendAsync refuses")
		}
		c.Close()
		wg.Wait(ctx)
		return log, nil
	})
	h.advance(time.Second)
	wantResult(h, []string{"0: 7 true", "1: 8 true", "2: 0 false"})
}

func TestBufferedChannel(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		c := workflow.NewBufferedChannel(ctx, 2)
		log := fmt.Sprint(c.SendAsync(1), c.SendAsync(2), c.SendAsync(3), c.Len())
		workflow.Go(ctx, func(ctx workflow.Context) {
			c.Send(ctx, 4)
			c.Close()
		})
		_ = workflow.Sleep(ctx, time.Second)
		for {
			var v int
			ok, more := c.ReceiveAsyncWithMoreFlag(&v)
			log += fmt.Sprintf(" %d/%v/%v", v, ok, more)
			if !more {
				return log, nil
			}
			if !ok {
				_ = workflow.Sleep(ctx, time.Second)
			}
		}
	})
	h.advance(time.Second)
	h.advance(time.Second)
	wantResult(h, "true true false 2 1/true/true 2/true/true 4/true/true 0/false/true 0/false/false")
}

// A value sent later must not overtake that of a sender who waits for room.
func TestBlockedSenderKeepsItsPlace(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]int, error) {
		c := workflow.NewBufferedChannel(ctx, 1)
		c.Send(ctx, 1)
		workflow.Go(ctx, func(ctx workflow.Context) { c.Send(ctx, 2) })
		_ = workflow.Sleep(ctx, time.Second)
		got := make([]int, 2)
		c.Receive(ctx, &got[0])
		if c.SendAsync(3) {
			return nil, errors.New("there is room though a sender waits")
		}
		c.Receive(ctx, &got[1])
		return got, nil
	})
	h.advance(time.Second)
	wantResult(h, []int{1, 2})
}

func TestReceiveWithTimeout(t *testing.T) {
	t.Parallel()
	receive := func(ctx workflow.Context) (string, error) {
		var v string
		ok, more := workflow.GetSignalChannel(ctx, "go").ReceiveWithTimeout(ctx, time.Minute, &v)
		return fmt.Sprint(v, ok, more), nil
	}
	t.Run("value", func(t *testing.T) {
		t.Parallel()
		h := begin(t, receive)
		h.step(h.signal("go", "now "))
		wantResult(h, "now true true")
		h.wantTrace("TimerStarted", "WorkflowExecutionSignaled TimerCanceled WorkflowExecutionCompleted")
	})
	t.Run("time-out", func(t *testing.T) {
		t.Parallel()
		h := begin(t, receive)
		h.advance(time.Minute)
		wantResult(h, "false true")
	})
	t.Run("value and time-out at once", func(t *testing.T) {
		t.Parallel()
		h := begin(t, receive)
		h.now = h.now.Add(time.Minute)
		h.step(h.signal("go", "now "))
		wantResult(h, "now true true")
	})
	t.Run("canceled", func(t *testing.T) {
		t.Parallel()
		h := begin(t, receive)
		h.step(h.cancel())
		wantResult(h, "false true")
	})
}

// A receiver that gave up must not swallow what comes later.
func TestReceiveAfterTimeoutLosesNothing(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (v string, err error) {
		c := workflow.GetSignalChannel(ctx, "go")
		if ok, _ := c.ReceiveWithTimeout(ctx, time.Minute, &v); ok {
			return "", errors.New("received without a signal")
		}
		c.Receive(ctx, &v)
		return v, nil
	})
	h.advance(time.Minute)
	h.step(h.signal("go", "later"))
	wantResult(h, "later")
}

func TestSignalThatCannotBeDecodedIsSkipped(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (v int, err error) {
		workflow.GetSignalChannel(ctx, "n").Receive(ctx, &v)
		return v, nil
	})
	h.step(h.signal("n", "text"))
	h.step(h.signal("n", "text"), h.signal("n", 5))
	wantResult(h, 5)
}

func TestChannelMisusePanics(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func(ctx workflow.Context){
		"send on closed": func(ctx workflow.Context) {
			c := workflow.NewNamedChannel(ctx, "c")
			c.Close()
			c.Send(ctx, 1)
		},
		"closed while sending": func(ctx workflow.Context) {
			c := workflow.NewNamedChannel(ctx, "c")
			workflow.Go(ctx, func(workflow.Context) { c.Close() })
			c.Send(ctx, 1)
		},
		"closed while selecting": func(ctx workflow.Context) {
			c := workflow.NewNamedChannel(ctx, "c")
			workflow.Go(ctx, func(workflow.Context) { c.Close() })
			workflow.NewSelector(ctx).AddSend(c, 1, func() {}).Select(ctx)
		},
		"wrong type": func(ctx workflow.Context) {
			c := workflow.NewBufferedChannel(ctx, 1)
			c.Send(ctx, 1)
			var s string
			c.Receive(ctx, &s)
		},
		"negative wait group": func(ctx workflow.Context) { workflow.NewWaitGroup(ctx).Done() },
		"future set twice": func(ctx workflow.Context) {
			_, s := workflow.NewFuture(ctx)
			s.SetValue(1)
			s.SetError(nil)
		},
		"foreign context": func(workflow.Context) { workflow.Now(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, func(ctx workflow.Context) error {
				body(ctx)
				return nil
			}, nil)
			var p *replay.PanicError
			if err := h.try(); !errors.As(err, &p) {
				t.Fatalf("got %v, want a panic", err)
			}
		})
	}
}
