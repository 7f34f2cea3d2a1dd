package workflow_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/api/sdk"
	"github.com/millrace-dev/millrace/workflow"
)

func TestAWorkflowTellsWhatItUnderstands(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		err := workflow.SetQueryHandlerWithOptions(ctx, "state", func() (string, error) { return "", nil },
			workflow.QueryHandlerOptions{Description: "where it is"})
		if err == nil {
			err = workflow.SetQueryHandler(ctx, "count", func() (int, error) { return 0, nil })
		}
		if err == nil {
			err = workflow.SetUpdateHandlerWithOptions(ctx, "move", func(workflow.Context) error { return nil },
				workflow.UpdateHandlerOptions{Description: "moves it"})
		}
		if err != nil {
			return err
		}
		workflow.SetCurrentDetails(ctx, "**waits**")
		workflow.GetSignalChannelWithOptions(ctx, "go", workflow.SignalChannelOptions{Description: "lets it go"}).Receive(ctx, nil)
		return nil
	})
	var got sdk.WorkflowMetadata
	if err := h.ask("__temporal_workflow_metadata", &got); err != nil {
		t.Fatal(err)
	}
	want := sdk.WorkflowMetadata{CurrentDetails: "**waits**", Definition: &sdk.WorkflowDefinition{
		Type:              "Workflow",
		QueryDefinitions:  []*sdk.WorkflowInteractionDefinition{{Name: "count"}, {Name: "state", Description: "where it is"}},
		SignalDefinitions: []*sdk.WorkflowInteractionDefinition{{Name: "go", Description: "lets it go"}},
		UpdateDefinitions: []*sdk.WorkflowInteractionDefinition{{Name: "move", Description: "moves it"}},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("metadata differ (-want +got):\n%s", d)
	}
	h.step(h.signal("go", nil))
	if err := h.ask("__temporal_workflow_metadata", &got); err != nil { // closed runs answer, too
		t.Error(err)
	}
	var open []workflow.SessionInfo
	if err := h.ask("__open_sessions", &open); err != nil || open == nil || len(open) > 0 {
		t.Errorf("sessions of a run without any are %v (%v)", open, err)
	}
}
