package alone_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-dev/millrace/internal/alone"
)

// enter enters in a goroutine of its own and says when that was.
func enter(ctx context.Context, g *alone.Gate) <-chan time.Time {
	entered := make(chan time.Time, 1)
	go func() {
		g.Enter(ctx)
		entered <- time.Now()
	}()
	return entered
}

func TestTheHolderIsAloneAndOthersWaitForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g alone.Gate
		g.Enter(t.Context())
		time.AfterFunc(time.Second, g.Leave)
		begun := time.Now()
		h := g.Close(t.Context(), time.Minute)
		if !h.Alone() || time.Since(begun) != time.Second {
			t.Fatalf("alone %v after %v, want alone after 1s", h.Alone(), time.Since(begun))
		}
		late := enter(t.Context(), &g)
		g.Enter(h.Context(t.Context())) // its own
		g.Leave()
		time.Sleep(time.Second)
		h.Open()
		h.Open()
		if at := <-late; at.Sub(begun) != 2*time.Second {
			t.Fatalf("somebody entered %v after the gate was to be closed", at.Sub(begun))
		}
		g.Leave()
	})
}

func TestWhoStaysInsideKeepsTheHolderFromBeingAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g alone.Gate
		g.Enter(t.Context())
		h := g.Close(t.Context(), time.Second)
		if h.Alone() {
			t.Fatal("alone although somebody is inside")
		}
		g.Leave()
		late := enter(t.Context(), &g)
		synctest.Wait()
		select {
		case <-late:
			t.Fatal("somebody entered a closed gate")
		default:
		}
		h.Open()
		<-late
		g.Leave()
		if h := g.Close(t.Context(), 0); !h.Alone() {
			t.Fatal("not alone in an empty gate")
		}
	})
}

func TestOneHolderAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g alone.Gate
		first := g.Close(t.Context(), 0)
		second := make(chan *alone.Holder)
		go func() { second <- g.Close(t.Context(), 0) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		third := make(chan *alone.Holder)
		go func() { third <- g.Close(ctx, 0) }()
		synctest.Wait()
		cancel()
		if h := <-third; h != nil {
			t.Fatal("closed although the context has ended")
		}
		first.Open()
		h := <-second
		first.Open() // not his any more
		g2, cancel2 := context.WithTimeout(t.Context(), time.Second)
		defer cancel2()
		begun := time.Now()
		g.Enter(g2) // the context's end lets it in: what it enters for finds that out by itself
		if time.Since(begun) != time.Second {
			t.Fatal("the gate was open")
		}
		g.Leave()
		h.Open()
	})
}
