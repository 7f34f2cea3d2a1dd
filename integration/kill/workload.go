package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/workflow"
)

const (
	taskQueue     = "kill"
	nameOne       = "OneActivity"
	nameSequence  = "Sequential"
	nameStep      = "Step"
	prefixOne     = "one-"
	prefixSteps   = "sequence-"
	stepStartedTo = 30 * time.Second
)

// step is what an activity computes: a value that depends on all of its inputs.
func step(text string, n int) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", text, n)
	return fmt.Sprintf("%016x", h.Sum64())
}

// resultOf is what a workflow of n steps has to return.
func resultOf(input string, steps int) string {
	for i := range steps {
		input = step(input, i)
	}
	return input
}

// oneActivity is a workflow of one activity.
func oneActivity(ctx workflow.Context, input string) (string, error) {
	return sequential(ctx, input, 1)
}

// sequential is a workflow of activities each of which needs the result of the one before.
func sequential(ctx workflow.Context, input string, steps int) (string, error) {
	// No time-out of the run's own is set: so nothing is left waiting in the inbox's stream of wake-ups at the end.
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: stepStartedTo})
	for i := range steps {
		if err := workflow.ExecuteActivity(ctx, nameStep, input, i).Get(ctx, &input); err != nil {
			return "", fmt.Errorf("step %d: %w", i, err)
		}
	}
	return input, nil
}

// stepper is the activity, with the ledger of its process.
type stepper struct {
	ledger *ledger
	work   time.Duration
}

func (s *stepper) step(ctx context.Context, text string, n int) (string, error) {
	info := activity.GetInfo(ctx)
	e := execution{
		WorkflowID: info.WorkflowExecution.ID, RunID: info.WorkflowExecution.RunID,
		ActivityID: info.ActivityID, Attempt: info.Attempt,
	}
	if err := s.ledger.begin(e); err != nil {
		return "", err
	}
	select {
	case <-time.After(s.work):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if err := s.ledger.end(e); err != nil {
		return "", err
	}
	return step(text, n), nil
}
