package workflow_test

import (
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/workflow"
)

// Approval waits for a signal, answers queries meanwhile, and gives up after a day.
func Approval(ctx workflow.Context) (string, error) {
	state := "waiting"
	err := workflow.SetQueryHandler(ctx, "state", func() (string, error) { return state, nil })
	if err != nil {
		return "", err
	}
	var by string
	ok, _ := workflow.GetSignalChannel(ctx, "approve").ReceiveWithTimeout(ctx, 24*time.Hour, &by)
	if !ok {
		state = "expired"
	} else {
		state = "approved by " + by
	}
	return state, nil
}

func ExampleGetSignalChannel() {
	t := &stage{}
	defer t.close()
	run := begin(t, Approval)
	run.step(run.signal("approve", "Ann"))
	var result string
	run.result(&result)
	fmt.Println(result)
	// Output: approved by Ann
}

func ExampleSetQueryHandler() {
	t := &stage{}
	defer t.close()
	run := begin(t, Approval)
	var state string
	fmt.Println(run.ask("state", &state), state)
	run.advance(24 * time.Hour)
	fmt.Println(run.ask("state", &state), state)
	// Output:
	// <nil> waiting
	// <nil> expired
}
