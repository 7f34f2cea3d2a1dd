package coordinator

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnIdleTickerRestsAndGoesOnInStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		begun := time.Now()
		ticker := newIdleTicker(time.Second)
		var needed bool
		var at []time.Duration
		var loop sync.WaitGroup
		loop.Go(func() {
			for now := range ticker.ticks(ctx, func() bool { return !needed }) {
				at = append(at, now.Sub(begun))
			}
		})
		need := func(n bool) {
			synctest.Wait()
			needed = n
			if n {
				ticker.needed()
			}
		}
		time.Sleep(10*time.Second + 300*time.Millisecond)
		need(true)
		time.Sleep(2 * time.Second)
		need(false)
		time.Sleep(10 * time.Second)
		need(true)
		need(true)
		time.Sleep(time.Second)
		stop()
		loop.Wait()
		want := []time.Duration{1, 11, 12, 13, 23}
		if len(at) != len(want) {
			t.Fatalf("ticks at %v, want seconds %d", at, want)
		}
		for i, w := range want {
			if at[i] != w*time.Second {
				t.Fatalf("ticks at %v, want seconds %d", at, want)
			}
		}
	})
}
