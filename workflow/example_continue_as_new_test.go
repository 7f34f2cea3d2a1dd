package workflow_test

import (
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/workflow"
)

// Daily trains once a day for ever: each day is a run of its own, so that no history grows without bound.
func Daily(ctx workflow.Context, day int) error {
	if err := workflow.Sleep(ctx, 24*time.Hour); err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, Daily, day+1)
}

func ExampleNewContinueAsNewError() {
	t := &stage{}
	defer t.close()
	run := begin(t, Daily, 1)
	run.advance(24 * time.Hour)
	next := run.m.State().SuccessorStart()
	fmt.Println(run.m.State().Status, next.Type, string(next.Input.Payloads[0].Data))
	// Output: ContinuedAsNew Daily 2
}
