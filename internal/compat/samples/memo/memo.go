// Package memo keeps notes with a workflow that anybody may read without asking it.
package memo

import (
	"context"
	"errors"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Workflow reads the note it was started with and adds one.
func Workflow(ctx workflow.Context) (string, error) {
	var note string
	if memo := workflow.GetInfo(ctx).Memo; memo != nil && memo.Fields["note"] != nil {
		if err := converter.GetDefaultDataConverter().FromPayload(memo.Fields["note"], &note); err != nil {
			return "", err
		}
	}
	return note, workflow.UpsertMemo(ctx, map[string]interface{}{"answer": "to " + note})
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "memo", func(r worker.Registry) { r.RegisterWorkflow(Workflow) })
	if err != nil {
		return err
	}
	defer s.Close()
	start := s.Workflow()
	start.Memo = map[string]interface{}{"note": "hello"}
	run, err := s.ExecuteWorkflow(ctx, start, Workflow)
	if err != nil {
		return err
	}
	if err := scene.Result(ctx, run, "hello"); err != nil {
		return err
	}
	description, err := s.DescribeWorkflow(ctx, run.GetID(), run.GetRunID())
	if err != nil {
		return err
	}
	if description.Memo == nil || description.Memo.Fields["answer"] == nil {
		return errors.New("the memo has no answer")
	}
	var answer string
	if err := converter.GetDefaultDataConverter().FromPayload(description.Memo.Fields["answer"], &answer); err != nil {
		return err
	}
	return scene.Equal(answer, "to hello")
}
