package workflow_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

func TestContinueAsNewIsSuggestedForLongAndForLargeHistories(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) (seen []string, err error) {
		for range 4 {
			i := workflow.GetInfo(ctx)
			seen = append(seen, fmt.Sprint(i.GetCurrentHistorySize(), i.GetContinueAsNewSuggested(), i.GetContinueAsNewSuggestedReasons()))
			if err := workflow.Sleep(ctx, time.Second); err != nil {
				return nil, err
			}
		}
		return seen, nil
	}, nil)
	for _, size := range []int64{100, 4<<20 - 1, 4 << 20, 5 << 20, 5 << 20} {
		d := h.m.State().Draft(h.now)
		d.SetHistorySize(size)
		d.AddDue(nil)
		events, err := h.m.Decide(d)
		if err != nil {
			t.Fatal(err)
		}
		n := h.m.State().Transitions + 1
		rec := h.roundTrip(&history.Transition{RunID: h.start.Run.RunID, Number: n, CommitID: fmt.Sprint(n), Cover: "test",
			Time: d.Time(), Events: events, HistorySize: size})
		if err := h.m.Commit(rec); err != nil {
			t.Fatal(err)
		}
		h.records = append(h.records, rec)
		h.now = h.now.Add(time.Second)
	}
	wantResult(h, []string{"100 false []", "4194303 false []", "4194304 true [1]", "5242880 true [1]"})

	long := begin(t, func(ctx workflow.Context) (int, error) {
		for n := 1; ; n++ {
			if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
				return n, nil
			}
			for range 500 {
				workflow.SideEffect(ctx, func(workflow.Context) interface{} { return nil })
			}
			if err := workflow.Sleep(ctx, time.Second); err != nil {
				return 0, err
			}
		}
	})
	for range 9 {
		long.advance(time.Second)
	}
	wantResult(long, 10)
}
