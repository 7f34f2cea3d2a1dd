// Package versioning changes a workflow while runs of the old code are under way.
package versioning

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

const change = "shorter greeting"

// Old is the code of yesterday, registered by the name of today's.
func Old(ctx workflow.Context) (string, error) {
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	return greet(ctx, "long")
}

// Workflow is the code of today: runs that have not passed the change yet take the new way, others the old one.
func Workflow(ctx workflow.Context) (string, error) {
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	if workflow.GetVersion(ctx, change, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return greet(ctx, "long")
	}
	return greet(ctx, "short")
}

func greet(ctx workflow.Context, kind string) (result string, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	err = workflow.ExecuteActivity(ctx, Greet, kind).Get(ctx, &result)
	if err == nil {
		workflow.GetSignalChannel(ctx, "end").Receive(ctx, nil)
	}
	return result, err
}

// Greet is an activity.
func Greet(_ context.Context, kind string) (string, error) { return kind + " greeting", nil }

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	open := func(fn any) (*scene.Scene, error) {
		return scene.Open(options, "versioning", func(r worker.Registry) {
			r.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: "greeting"})
			r.RegisterActivity(Greet)
		})
	}
	yesterday, err := open(Old)
	if err != nil {
		return err
	}
	passed, err := yesterday.Start(ctx, "greeting")
	if err == nil {
		err = yesterday.SignalWorkflow(ctx, passed.GetID(), "", "go", nil)
	}
	if err == nil {
		err = untilActivity(ctx, yesterday, passed)
	}
	yesterday.Close()
	if err != nil {
		return err
	}
	today, err := open(Workflow)
	if err != nil {
		return err
	}
	defer today.Close()
	fresh, err := today.Start(ctx, "greeting")
	if err != nil {
		return err
	}
	if err := today.SignalWorkflow(ctx, fresh.GetID(), "", "go", nil); err != nil {
		return err
	}
	for run, want := range map[client.WorkflowRun]string{passed: "long greeting", fresh: "short greeting"} {
		if err := today.SignalWorkflow(ctx, run.GetID(), "", "end", nil); err != nil {
			return err
		}
		if err := scene.Result(ctx, today.GetWorkflow(ctx, run.GetID(), run.GetRunID()), want); err != nil {
			return err
		}
	}
	return nil
}

// untilActivity waits until the run has scheduled its activity.
func untilActivity(ctx context.Context, s *scene.Scene, run client.WorkflowRun) error {
	for ctx.Err() == nil {
		events := s.GetWorkflowHistory(ctx, run.GetID(), run.GetRunID(), false, 0)
		for events.HasNext() {
			e, err := events.Next()
			if err != nil {
				return err
			}
			if e.GetEventType().String() == "ActivityTaskScheduled" {
				return nil
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	return ctx.Err()
}
