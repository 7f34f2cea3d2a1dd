// Package expense waits for a person, who completes an activity from outside.
package expense

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Desk is where expenses wait for a decision, by their tokens.
type Desk struct{ Tokens chan []byte }

// Decide is an activity that a person completes.
func (d *Desk) Decide(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "REFUSED", nil
	}
	d.Tokens <- activity.GetInfo(ctx).TaskToken
	return "", activity.ErrResultPending
}

// Pay is an activity.
func (d *Desk) Pay(context.Context, string) error { return nil }

// Workflow pays what was approved.
func Workflow(ctx workflow.Context, id string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Minute})
	var d *Desk
	var decision string
	if err := workflow.ExecuteActivity(ctx, d.Decide, id).Get(ctx, &decision); err != nil {
		return "", err
	}
	if decision != "APPROVED" {
		return decision, nil
	}
	if err := workflow.ExecuteActivity(ctx, d.Pay, id).Get(ctx, nil); err != nil {
		return "", err
	}
	return "COMPLETED", nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	desk := &Desk{Tokens: make(chan []byte, 1)}
	s, err := scene.Open(options, "expense", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(desk)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	for decision, want := range map[string]string{"APPROVED": "COMPLETED", "REJECTED": "REJECTED"} {
		run, err := s.Start(ctx, Workflow, "flight")
		if err != nil {
			return err
		}
		select {
		case token := <-desk.Tokens:
			if err := s.CompleteActivity(ctx, token, decision, nil); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := scene.Result(ctx, run, want); err != nil {
			return err
		}
	}
	return nil
}
