package safehandlers

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func TestNoNodeTwice(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnActivity(Configure, mock.Anything, mock.Anything, mock.Anything).Return(nil).After(5 * time.Second)
	failed := 0
	update := func(job string, n int) {
		env.UpdateWorkflow(assign, job, &testsuite.TestUpdateCallback{
			OnReject: func(err error) { t.Error(err) }, OnAccept: func() {},
			OnComplete: func(_ any, err error) {
				if err != nil {
					failed++
				}
			},
		}, job, n)
	}
	env.RegisterDelayedCallback(func() { update("a", 2); update("b", 1); update("c", 3) }, time.Second)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("shutdown", nil) }, 2*time.Second)
	env.ExecuteWorkflow(Workflow, 3)
	var nodes []string
	if err := env.GetWorkflowResult(&nodes); err != nil || !slices.Equal(nodes, []string{"a", "a", "b"}) || failed != 1 {
		t.Fatalf("nodes %v, %d failed, %v", nodes, failed, err)
	}
}
