// Package searchattributes starts a workflow with search attributes and changes them as it goes.
package searchattributes

import (
	"context"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// The keys.
var (
	Number = temporal.NewSearchAttributeKeyInt64("CustomIntField")
	Word   = temporal.NewSearchAttributeKeyKeyword("CustomKeywordField")
	Flag   = temporal.NewSearchAttributeKeyBool("CustomBoolField")
)

// Seen is what the workflow saw.
type Seen struct {
	Number  int64
	Word    string
	HasFlag bool
}

// Workflow doubles the number, sets the word and removes the flag.
func Workflow(ctx workflow.Context) (Seen, error) {
	n, _ := workflow.GetTypedSearchAttributes(ctx).GetInt64(Number)
	if err := workflow.UpsertTypedSearchAttributes(ctx, Number.ValueSet(2*n), Word.ValueSet("done"), Flag.ValueUnset()); err != nil {
		return Seen{}, err
	}
	now := workflow.GetTypedSearchAttributes(ctx)
	var seen Seen
	seen.Number, _ = now.GetInt64(Number)
	seen.Word, _ = now.GetKeyword(Word)
	seen.HasFlag = now.ContainsKey(Flag)
	return seen, nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "searchattributes", func(r worker.Registry) { r.RegisterWorkflow(Workflow) })
	if err != nil {
		return err
	}
	defer s.Close()
	start := s.Workflow()
	start.TypedSearchAttributes = temporal.NewSearchAttributes(Number.ValueSet(21), Flag.ValueSet(true))
	run, err := s.ExecuteWorkflow(ctx, start, Workflow)
	if err != nil {
		return err
	}
	if err := scene.Result(ctx, run, Seen{42, "done", false}); err != nil {
		return err
	}
	description, err := s.DescribeWorkflow(ctx, run.GetID(), run.GetRunID())
	if err != nil {
		return err
	}
	n, _ := description.TypedSearchAttributes.GetInt64(Number)
	return scene.Equal(n, int64(42))
}
