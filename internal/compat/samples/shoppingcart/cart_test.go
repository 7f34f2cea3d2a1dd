package shoppingcart

import (
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"
)

func TestCart(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	put := func(id, item string, n int) {
		env.UpdateWorkflow(add, id, &testsuite.TestUpdateCallback{
			OnReject: func(err error) { t.Errorf("%s rejected: %v", id, err) },
			OnAccept: func() {},
			OnComplete: func(_ any, err error) {
				if err != nil {
					t.Error(err)
				}
			},
		}, item, n)
	}
	env.RegisterDelayedCallback(func() { put("1", "apple", 2) }, time.Second)
	env.RegisterDelayedCallback(func() { put("2", "apple", 3) }, 2*time.Second)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("checkout", nil) }, 3*time.Second)
	env.ExecuteWorkflow(Cart)
	var items map[string]int
	if err := env.GetWorkflowResult(&items); err != nil || items["apple"] != 5 {
		t.Fatalf("items %v, %v", items, err)
	}
}
