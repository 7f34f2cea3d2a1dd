// Package awaitsignals processes signals in their logical order, whatever the order they arrive in.
package awaitsignals

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

var names = [...]string{"first", "second", "third"}

// Workflow takes the three, each within the patience after the one before.
func Workflow(ctx workflow.Context, patience time.Duration) (string, error) {
	came := make(map[string]string)
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			s := workflow.NewSelector(ctx)
			for _, name := range names {
				s.AddReceive(workflow.GetSignalChannel(ctx, name), func(c workflow.ReceiveChannel, _ bool) {
					var value string
					c.Receive(ctx, &value)
					came[name] = value
				})
			}
			s.Select(ctx)
		}
	})
	var out []string
	for _, name := range names {
		ok, err := workflow.AwaitWithTimeout(ctx, patience, func() bool { return came[name] != "" })
		if err != nil {
			return "", err
		}
		if !ok {
			return "", temporal.NewApplicationError(fmt.Sprintf("no signal %s within %v", name, patience), "timeout")
		}
		out = append(out, came[name])
	}
	return strings.Join(out, " "), nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "awaitsignals", func(r worker.Registry) { r.RegisterWorkflow(Workflow) })
	if err != nil {
		return err
	}
	defer s.Close()
	run, err := s.Start(ctx, Workflow, time.Minute)
	if err != nil {
		return err
	}
	for i := range names {
		name := names[len(names)-1-i]
		if err := s.SignalWorkflow(ctx, run.GetID(), "", name, "the "+name); err != nil {
			return err
		}
	}
	return scene.Result(ctx, run, "the first the second the third")
}
