package serviceerror_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
)

func is[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

func TestEveryErrorIsFoundByItsTypeOnly(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err error
		is  func(error) bool
	}{
		{serviceerror.NewNotFound("m"), is[*serviceerror.NotFound]},
		{serviceerror.NewQueryFailed("m"), is[*serviceerror.QueryFailed]},
		{serviceerror.NewWorkflowNotReady("m"), is[*serviceerror.WorkflowNotReady]},
		{serviceerror.NewWorkflowExecutionAlreadyStarted("m", "q", "r"), is[*serviceerror.WorkflowExecutionAlreadyStarted]},
		{serviceerror.NewInvalidArgument("m"), is[*serviceerror.InvalidArgument]},
		{serviceerror.NewAlreadyExist("m"), is[*serviceerror.AlreadyExists]},
		{serviceerror.NewFailedPrecondition("m"), is[*serviceerror.FailedPrecondition]},
		{serviceerror.NewCanceled("m"), is[*serviceerror.Canceled]},
		{serviceerror.NewUnimplemented("m"), is[*serviceerror.Unimplemented]},
		{serviceerror.NewPermissionDenied("m", "why"), is[*serviceerror.PermissionDenied]},
		{serviceerror.NewUnavailable("m"), is[*serviceerror.Unavailable]},
		{serviceerror.NewDeadlineExceeded("m"), is[*serviceerror.DeadlineExceeded]},
		{serviceerror.NewInternal("m"), is[*serviceerror.Internal]},
		{serviceerror.NewDataLoss("m"), is[*serviceerror.DataLoss]},
		{serviceerror.NewResourceExhausted(enums.RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT, "m"), is[*serviceerror.ResourceExhausted]},
	}
	for i, tt := range tests {
		if tt.err.Error() != "m" {
			t.Errorf("%T: text %q", tt.err, tt.err)
		}
		for j, other := range tests {
			if got := other.is(fmt.Errorf("start: %w", tt.err)); got != (i == j) {
				t.Errorf("%T as %T: %v", tt.err, other.err, got)
			}
		}
	}
}

func TestFieldsOfTypedErrors(t *testing.T) {
	t.Parallel()
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if !errors.As(serviceerror.NewWorkflowExecutionAlreadyStarted("m", "q", "r"), &started) ||
		started.StartRequestId != "q" || started.RunId != "r" {
		t.Errorf("got %+v", started)
	}
	var namespace *serviceerror.NamespaceNotFound
	err := serviceerror.NewNamespaceNotFound("prod")
	if !errors.As(err, &namespace) || namespace.Namespace != "prod" || err.Error() != "namespace prod is not found" {
		t.Errorf("got %+v", namespace)
	}
}
