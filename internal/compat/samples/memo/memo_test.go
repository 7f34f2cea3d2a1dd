package memo

import (
	"testing"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func TestMemo(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	if err := env.SetMemoOnStart(map[string]interface{}{"note": "hi"}); err != nil {
		t.Fatal(err)
	}
	env.OnUpsertMemo(mock.Anything).Return(nil).Once()
	env.ExecuteWorkflow(Workflow)
	var note string
	if err := env.GetWorkflowResult(&note); err != nil || note != "hi" {
		t.Fatalf("note %q, %v", note, err)
	}
	env.AssertExpectations(t)
}
