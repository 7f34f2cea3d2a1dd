// Package accumulator collects what signals bring, and starts with the first of them if there is nobody yet.
package accumulator

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

const greet = "greet"

// Greeting is what a signal brings. Greetings with a key that came before do not count.
type Greeting struct{ Key, Text string }

// Workflow collects until nothing comes for a while.
func Workflow(ctx workflow.Context, patience time.Duration) (texts []string, err error) {
	seen := make(map[string]bool)
	signals := workflow.GetSignalChannel(ctx, greet)
	take := func(g Greeting) {
		if !seen[g.Key] {
			seen[g.Key] = true
			texts = append(texts, g.Text)
		}
	}
	for quiet := false; !quiet; {
		timerCtx, cancel := workflow.WithCancel(ctx)
		workflow.NewSelector(ctx).
			AddReceive(signals, func(c workflow.ReceiveChannel, _ bool) {
				var g Greeting
				c.Receive(ctx, &g)
				take(g)
			}).
			AddFuture(workflow.NewTimer(timerCtx, patience), func(f workflow.Future) { quiet = f.Get(ctx, nil) == nil }).
			Select(ctx)
		cancel()
	}
	var last Greeting
	for signals.ReceiveAsync(&last) { // what came with the timer
		take(last)
	}
	return texts, nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "accumulator", func(r worker.Registry) { r.RegisterWorkflow(Workflow) })
	if err != nil {
		return err
	}
	defer s.Close()
	start := s.Workflow()
	var run client.WorkflowRun
	for _, g := range []Greeting{{"a", "hi"}, {"b", "ho"}, {"a", "again"}, {"c", "hey"}} {
		if run, err = s.SignalWithStartWorkflow(ctx, start.ID, greet, g, start, Workflow, 500*time.Millisecond); err != nil {
			return err
		}
	}
	return scene.Result(ctx, run, []string{"hi", "ho", "hey"})
}
