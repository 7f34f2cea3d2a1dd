// Package sideeffect records what may differ each time.
package sideeffect

import (
	"context"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Workflow returns an ID, and says whether it is the same after waiting.
func Workflow(ctx workflow.Context) (same bool, err error) {
	var id string
	if err := workflow.SideEffect(ctx, func(workflow.Context) interface{} { return uuid.NewString() }).Get(&id); err != nil {
		return false, err
	}
	limit := func(n int) (got int, err error) {
		err = workflow.MutableSideEffect(ctx, "limit",
			func(workflow.Context) interface{} { return n },
			func(a, b interface{}) bool { return a == b }).Get(&got)
		return got, err
	}
	first, err := limit(5)
	if err != nil {
		return false, err
	}
	err = workflow.SetQueryHandler(ctx, "id", func() (string, error) { return id, nil })
	if err != nil {
		return false, err
	}
	if err := workflow.Sleep(ctx, 10*time.Millisecond); err != nil {
		return false, err
	}
	second, err := limit(7)
	return first == 5 && second == 7 && id != "", err
}

// Run is the scenario on a server: the ID must be the same for queries from another worker.
func Run(ctx context.Context, options client.Options) error {
	register := func(r worker.Registry) { r.RegisterWorkflow(Workflow) }
	s, err := scene.Open(options, "sideeffect", register)
	if err != nil {
		return err
	}
	run, err := s.Start(ctx, Workflow)
	if err != nil {
		s.Close()
		return err
	}
	err = scene.Result(ctx, run, true)
	before, queryErr := ask(ctx, s, run)
	s.Close()
	if err != nil || queryErr != nil {
		return errorsOf(err, queryErr)
	}
	if s, err = scene.Open(options, "sideeffect", register); err != nil {
		return err
	}
	defer s.Close()
	after, err := ask(ctx, s, run)
	if err != nil {
		return err
	}
	return scene.Equal(after, before)
}

func errorsOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func ask(ctx context.Context, s *scene.Scene, run client.WorkflowRun) (id string, err error) {
	value, err := s.QueryWorkflow(ctx, run.GetID(), run.GetRunID(), "id")
	if err != nil {
		return "", err
	}
	err = value.Get(&id)
	return id, err
}
