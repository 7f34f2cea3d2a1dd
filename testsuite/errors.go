package testsuite

import "errors"

// ErrMockStartChildWorkflowFailed is what a mock of a child workflow returns for a child that cannot be started.
var ErrMockStartChildWorkflowFailed = errors.New("start of the mocked child workflow failed")
