package failures

import (
	"testing"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
)

func result(t *testing.T, env *testsuite.TestWorkflowEnvironment, kind string) string {
	t.Helper()
	env.ExecuteWorkflow(Workflow, kind)
	var got string
	if err := env.GetWorkflowResult(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRealFailures(t *testing.T) {
	for kind, want := range map[string]string{"plain": "as plain as can be", "details": "lacks 7", "panic": "panic"} {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestWorkflowEnvironment()
		env.RegisterActivity(Fail)
		if got := result(t, env, kind); got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

func TestMockedTimeout(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnActivity(Fail, mock.Anything, "x").Return(temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil))
	if got := result(t, env, "x"); got != "timeout StartToClose" {
		t.Error(got)
	}
}
