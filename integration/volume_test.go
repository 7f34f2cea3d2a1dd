package integration

import (
	"fmt"
	"sync"
	"testing"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/workflow"
)

func TestTwoThousandActivitiesInARow(t *testing.T) {
	e := engineOn(t, devtest.Server(t)) // by itself: beside others it would only measure the machine
	const n = 2000
	e.serve(code{"wf": func(ctx workflow.Context) (sum int, err error) {
		ctx = quick(ctx)
		for i := range n {
			var got int
			if err := workflow.ExecuteActivity(ctx, "next", i).Get(ctx, &got); err != nil {
				return 0, err
			}
			sum += got - i
		}
		return sum, nil
	}}, code{"next": func(i int) (int, error) { return i + 1, nil }})
	if got := result[int](e, e.execute("long", "wf")); got != n {
		t.Errorf("got %d", got)
	}
	if d := e.describe("long"); d.HistoryLength != 2*n+2 {
		t.Errorf("the history has %d events, want %d", d.HistoryLength, 2*n+2)
	}
}

// TestTenThousandSignals sends to one run from several senders: it hears each sender in order and each signal once.
func TestTenThousandSignals(t *testing.T) {
	e := engineOn(t, devtest.Server(t)) // by itself: beside others it would only measure the machine
	const senders, each = 10, 1000
	e.serve(code{"wf": func(ctx workflow.Context) ([]int, error) {
		heard := make([]int, senders)
		ch := workflow.GetSignalChannel(ctx, "say")
		for range senders * each {
			var s [2]int
			ch.Receive(ctx, &s)
			if heard[s[0]] != s[1] {
				return nil, fmt.Errorf("sender %d: heard %d, want %d", s[0], s[1], heard[s[0]])
			}
			heard[s[0]]++
		}
		return heard, nil
	}}, nil)
	run := e.execute("popular", "wf")
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for j := range each {
				if err := e.client.SignalWorkflow(e.ctx, "popular", "", "say", [2]int{i, j}); err != nil {
					t.Errorf("signal %d of sender %d: %v", j, i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	for i, n := range result[[]int](e, run) {
		if n != each {
			t.Errorf("heard %d signals of sender %d", n, i)
		}
	}
}
