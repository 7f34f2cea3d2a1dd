// Package sleepfordays sends a mail now and then, until it is told to stop.
package sleepfordays

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Workflow counts the mails.
func Workflow(ctx workflow.Context, between time.Duration) (mails int, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	complete := false
	for !complete {
		if err = workflow.ExecuteActivity(ctx, Mail, mails).Get(ctx, nil); err != nil {
			return mails, err
		}
		mails++
		s := workflow.NewNamedSelector(ctx, "sleep or complete")
		s.AddFuture(workflow.NewTimerWithOptions(ctx, between, workflow.TimerOptions{Summary: "until the next mail"}), func(workflow.Future) {})
		s.AddReceive(workflow.GetSignalChannel(ctx, "complete"), func(c workflow.ReceiveChannel, _ bool) {
			c.Receive(ctx, nil)
			complete = true
		})
		s.Select(ctx)
	}
	return mails, nil
}

// Mail is an activity.
func Mail(context.Context, int) error { return nil }

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "sleepfordays", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Mail)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	run, err := s.Start(ctx, Workflow, 30*24*time.Hour)
	if err != nil {
		return err
	}
	if err := s.SignalWorkflow(ctx, run.GetID(), "", "complete", nil); err != nil {
		return err
	}
	return scene.Result(ctx, run, 1)
}
