package client_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
)

// That runs are deleted, and which are not, is tested with the streams.
func TestDeletionsAreRefusedByTypedErrors(t *testing.T) {
	f := setup(t)
	admin, err := client.NewAdmin(f.client)
	f.ok(err)
	open := f.start(long)
	closed := f.start(oneActivity)
	f.ok(closed.Get(f.ctx, nil))
	var invalid *serviceerror.InvalidArgument
	var early *serviceerror.FailedPrecondition
	var absent *serviceerror.NotFound
	for _, test := range []struct {
		options client.DeleteWorkflowOptions
		typed   any
		why     string
	}{
		{client.DeleteWorkflowOptions{WorkflowID: open.GetID()}, &early, "it is open"},
		{client.DeleteWorkflowOptions{WorkflowID: closed.GetID(), RunID: closed.GetRunID(), MinAge: 2 * time.Minute}, &early, "closed for 2m0s"},
		{client.DeleteWorkflowOptions{WorkflowID: closed.GetID()}, &early, "closed for 24h0m0s"},
		{client.DeleteWorkflowOptions{WorkflowID: closed.GetID(), MinAge: time.Minute}, &invalid, "MinAge"},
		{client.DeleteWorkflowOptions{WorkflowID: "absent"}, &absent, "absent"},
		{client.DeleteWorkflowOptions{WorkflowID: "absent", RunID: open.GetRunID()}, &absent, "nothing of it is stored"},
	} {
		if err := admin.DeleteWorkflow(f.ctx, test.options); !errors.As(err, test.typed) || !strings.Contains(err.Error(), test.why) {
			t.Errorf("%+v: %v, want %q", test.options, err, test.why)
		}
	}
	f.ok(closed.Get(f.ctx, nil)) // it is still there
}
