package sleepfordays

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"
)

func TestAYear(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.OnActivity(Mail, mock.Anything, mock.Anything).Return(nil).Times(13)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("complete", nil) }, 365*24*time.Hour)
	env.ExecuteWorkflow(Workflow, 30*24*time.Hour)
	var mails int
	if err := env.GetWorkflowResult(&mails); err != nil || mails != 13 {
		t.Fatalf("mails %d, %v", mails, err)
	}
	env.AssertExpectations(t)
}
