package activity_test

import (
	"context"
	"fmt"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/converter"
)

// copyPages goes on where the attempt before it came to.
func copyPages(ctx context.Context, pages []string) (int, error) {
	done := 0
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &done); err != nil {
			return 0, err
		}
	}
	for _, page := range pages[done:] {
		if err := ctx.Err(); err != nil {
			return done, err // canceled, timed out, or the worker stops
		}
		fmt.Println("copy", page)
		done++
		activity.RecordHeartbeat(ctx, done)
	}
	return done, nil
}

func Example_heartbeat() {
	// A worker makes such a context; here the attempt before came to the first page.
	before, err := converter.GetDefaultDataConverter().ToPayloads(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := activity.NewContext(context.Background(), &attempt{before: before})
	fmt.Println(copyPages(ctx, []string{"a", "b", "c"}))
	// Output:
	// copy b
	// copy c
	// 3 <nil>
}
