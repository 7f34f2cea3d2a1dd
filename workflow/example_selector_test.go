package workflow_test

import (
	"time"

	"github.com/millrace-dev/millrace/workflow"
)

// An activity against a timer: whichever comes first, the other is canceled.
func ExampleSelector() {
	race := func(ctx workflow.Context) (string, error) {
		raceCtx, cancel := workflow.WithCancel(workflow.WithStartToCloseTimeout(ctx, time.Hour))
		defer cancel()
		winner := ""
		workflow.NewSelector(ctx).
			AddFuture(workflow.ExecuteActivity(raceCtx, CountRows, "t"), func(f workflow.Future) { winner = "activity" }).
			AddFuture(workflow.NewTimer(raceCtx, time.Minute), func(f workflow.Future) { winner = "timer" }).
			Select(ctx)
		return winner, nil
	}
	play(race, []any{CountRows})
	// Output: result: "activity"
}

// A fixed number of coroutines share the work that comes through a channel.
func ExampleChannel() {
	pool := func(ctx workflow.Context, tables []string) (map[string]int, error) {
		ctx = workflow.WithStartToCloseTimeout(ctx, time.Minute)
		work := workflow.NewChannel(ctx)
		counts := map[string]int{}
		wg := workflow.NewWaitGroup(ctx)
		for range 2 {
			wg.Go(ctx, func(ctx workflow.Context) {
				var table string
				for work.Receive(ctx, &table) {
					var n int
					if err := workflow.ExecuteActivity(ctx, CountRows, table).Get(ctx, &n); err == nil {
						counts[table] = n
					}
				}
			})
		}
		for _, table := range tables {
			work.Send(ctx, table)
		}
		work.Close()
		wg.Wait(ctx)
		return counts, nil
	}
	play(pool, []any{CountRows}, []string{"a", "bb", "ccc"})
	// Output: result: {"a":100,"bb":200,"ccc":300}
}
