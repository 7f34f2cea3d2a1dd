package splitmerge

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func TestBoth(t *testing.T) {
	for _, wf := range []any{Futures, Selector} {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestWorkflowEnvironment()
		env.RegisterActivity(Chunk)
		env.ExecuteWorkflow(wf, 3)
		var got Result
		if err := env.GetWorkflowResult(&got); err != nil || got != (Result{6, 14}) {
			t.Errorf("result %v, %v", got, err)
		}
	}
}

func TestOneFails(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnActivity(Chunk, mock.Anything, mock.Anything).Return(func(context.Context, int) (*Result, error) { return nil, errors.New("bad") })
	env.ExecuteWorkflow(Selector, 3)
	if env.GetWorkflowError() == nil {
		t.Error("no error")
	}
}
