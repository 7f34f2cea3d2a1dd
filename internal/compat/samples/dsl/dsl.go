// Package dsl interprets a small language of activities: sequences and parallel branches.
package dsl

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Statement is one of its fields.
type Statement struct {
	Call     *Call       `json:"call,omitempty"`
	Sequence []Statement `json:"sequence,omitempty"`
	Parallel []Statement `json:"parallel,omitempty"`
}

// Call calls an activity by its name with variables, and keeps its result in one.
type Call struct {
	Activity string
	Args     []string
	Result   string
}

// Workflow runs the program.
func Workflow(ctx workflow.Context, program Statement, variables map[string]string) (map[string]string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	if variables == nil {
		variables = make(map[string]string)
	}
	err := program.run(ctx, variables)
	return variables, err
}

func (s *Statement) run(ctx workflow.Context, variables map[string]string) error {
	switch {
	case s.Call != nil:
		return s.Call.run(ctx, variables)
	case s.Sequence != nil:
		for i := range s.Sequence {
			if err := s.Sequence[i].run(ctx, variables); err != nil {
				return err
			}
		}
		return nil
	case s.Parallel != nil:
		return runParallel(ctx, s.Parallel, variables)
	}
	return errors.New("empty statement")
}

// runParallel cancels the other branches when one fails.
func runParallel(ctx workflow.Context, branches []Statement, variables map[string]string) error {
	ctx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	s := workflow.NewSelector(ctx)
	var failure error
	for i := range branches {
		future, settable := workflow.NewFuture(ctx)
		workflow.Go(ctx, func(ctx workflow.Context) { settable.Set(nil, branches[i].run(ctx, variables)) })
		s.AddFuture(future, func(f workflow.Future) {
			if err := f.Get(ctx, nil); err != nil && failure == nil {
				failure = err
				cancel()
			}
		})
	}
	for range branches {
		s.Select(ctx)
	}
	return failure
}

func (c *Call) run(ctx workflow.Context, variables map[string]string) error {
	var args []string
	for _, a := range c.Args {
		args = append(args, variables[a])
	}
	var result string
	if err := workflow.ExecuteActivity(ctx, c.Activity, args).Get(ctx, &result); err != nil {
		return err
	}
	variables[c.Result] = result
	return nil
}

// Join is an activity.
func Join(_ context.Context, args []string) (joined string, err error) {
	for _, a := range args {
		joined += a
	}
	return joined, nil
}

// Fail is an activity.
func Fail(context.Context, []string) (string, error) { return "", errors.New("as told") }

// Example joins b and c beside twice b, and then both.
var Example = Statement{Sequence: []Statement{
	{Parallel: []Statement{
		{Call: &Call{"Join", []string{"b", "c"}, "x"}},
		{Sequence: []Statement{{Call: &Call{"Join", []string{"b"}, "y"}}, {Call: &Call{"Join", []string{"y", "b"}, "y"}}}},
	}},
	{Call: &Call{"Join", []string{"x", "y"}, "z"}},
}}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "dsl", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Join)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	want := map[string]string{"b": "1", "c": "2", "x": "12", "y": "11", "z": "1211"}
	return scene.Expect(ctx, s, want, Workflow, Example, map[string]string{"b": "1", "c": "2"})
}
