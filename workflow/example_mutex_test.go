package workflow_test

import (
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/workflow"
)

// Transfers makes three transfers, of which only one may be between its two steps.
func Transfers(ctx workflow.Context) ([]string, error) {
	account := workflow.NewMutex(ctx)
	var log []string
	group := workflow.NewWaitGroup(ctx)
	for i := range 3 {
		group.Go(ctx, func(ctx workflow.Context) {
			if account.Lock(ctx) != nil {
				return // canceled
			}
			defer account.Unlock()
			log = append(log, fmt.Sprint("take ", i))
			_ = workflow.Sleep(ctx, time.Second) // asks the bank
			log = append(log, fmt.Sprint("give ", i))
		})
	}
	group.Wait(ctx)
	return log, nil
}

func ExampleNewMutex() {
	play(Transfers, nil)
	// Output: result: ["take 0","give 0","take 1","give 1","take 2","give 2"]
}

// Downloads fetches four files, two at a time.
func Downloads(ctx workflow.Context) (string, error) {
	lines := workflow.NewSemaphore(ctx, 2)
	begun := workflow.Now(ctx)
	group := workflow.NewWaitGroup(ctx)
	for range 4 {
		group.Go(ctx, func(ctx workflow.Context) {
			if lines.Acquire(ctx, 1) != nil {
				return // canceled
			}
			defer lines.Release(1)
			_ = workflow.Sleep(ctx, time.Minute)
		})
	}
	group.Wait(ctx)
	return workflow.Now(ctx).Sub(begun).String(), nil
}

func ExampleNewSemaphore() {
	play(Downloads, nil)
	// Output: result: "2m0s"
}
