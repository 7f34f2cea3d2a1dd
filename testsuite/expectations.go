package testsuite

import (
	"github.com/stretchr/testify/mock"
)

// OnActivity mocks an activity, given by its function or its registered name, for calls with the given arguments; the
// context is the first where the activity has one. Say with Return what the mock does. A function that is not
// registered is registered. Mocks run in goroutines of their own.
func (e *TestWorkflowEnvironment) OnActivity(activity interface{}, args ...interface{}) *MockCallWrapper {
	return newMockCall(e.engine, e.engine.onActivity(activity, args))
}

// OnWorkflow mocks a child workflow, given by its function or its registered name, for calls with the given arguments,
// the context included. Say with Return what the mock does: a function of the workflow's signature may call package
// workflow. With ErrMockStartChildWorkflowFailed as its error the child cannot be started.
func (e *TestWorkflowEnvironment) OnWorkflow(workflow interface{}, args ...interface{}) *MockCallWrapper {
	return newMockCall(e.engine, e.engine.onWorkflow(workflow, args))
}

// OnSignalExternalWorkflow mocks signals to workflows that the environment does not have: Return an error, nil for
// success, or a function of these arguments that returns one. The workflow sees every error as
// *millrace.UnknownExternalWorkflowExecutionError, as it does without a mock.
func (e *TestWorkflowEnvironment) OnSignalExternalWorkflow(namespace, workflowID, runID, signalName, arg interface{}) *MockCallWrapper {
	m := e.engine.mocks
	args := []any{namespace, workflowID, runID, signalName, e.engine.asReceived(arg)}
	return newMockCall(e.engine, m.on(&m.workflows, mockSignalExternal, args))
}

// OnRequestCancelExternalWorkflow mocks cancel requests to workflows that the environment does not have, as
// OnSignalExternalWorkflow does signals.
func (e *TestWorkflowEnvironment) OnRequestCancelExternalWorkflow(namespace, workflowID, runID string) *MockCallWrapper {
	m := e.engine.mocks
	return newMockCall(e.engine, m.on(&m.workflows, mockCancelExternal, []any{namespace, workflowID, runID}))
}

// InOrderMockCalls makes a mock panic that is called before those that come before it here.
func (e *TestWorkflowEnvironment) InOrderMockCalls(calls ...*MockCallWrapper) {
	for i, c := range calls {
		if i > 0 {
			c.NotBefore(calls[i-1])
		}
	}
}

// AssertExpectations fails t when a mock was not called as often as it says.
func (e *TestWorkflowEnvironment) AssertExpectations(t mock.TestingT) bool {
	activities := e.engine.mocks.activities.AssertExpectations(t)
	return e.engine.mocks.workflows.AssertExpectations(t) && activities
}

// AssertCalled fails t unless a mock of the activity or workflow was called with the arguments.
func (e *TestWorkflowEnvironment) AssertCalled(t mock.TestingT, methodName string, arguments ...interface{}) bool {
	return e.mockOf(methodName).AssertCalled(t, methodName, arguments...)
}

// AssertNotCalled fails t when a mock of the activity or workflow was called with the arguments.
func (e *TestWorkflowEnvironment) AssertNotCalled(t mock.TestingT, methodName string, arguments ...interface{}) bool {
	return e.mockOf(methodName).AssertNotCalled(t, methodName, arguments...)
}

// AssertNumberOfCalls fails t unless mocks of the activity or workflow were called so often.
func (e *TestWorkflowEnvironment) AssertNumberOfCalls(t mock.TestingT, methodName string, expectedCalls int) bool {
	return e.mockOf(methodName).AssertNumberOfCalls(t, methodName, expectedCalls)
}

// AssertActivityCalled is AssertCalled for activities only.
func (e *TestWorkflowEnvironment) AssertActivityCalled(t mock.TestingT, methodName string, arguments ...interface{}) bool {
	return e.engine.mocks.activities.AssertCalled(t, methodName, arguments...)
}

// AssertActivityNotCalled is AssertNotCalled for activities only.
func (e *TestWorkflowEnvironment) AssertActivityNotCalled(t mock.TestingT, methodName string, arguments ...interface{}) bool {
	return e.engine.mocks.activities.AssertNotCalled(t, methodName, arguments...)
}

// AssertActivityNumberOfCalls is AssertNumberOfCalls for activities only.
func (e *TestWorkflowEnvironment) AssertActivityNumberOfCalls(t mock.TestingT, methodName string, expectedCalls int) bool {
	return e.engine.mocks.activities.AssertNumberOfCalls(t, methodName, expectedCalls)
}

// AssertWorkflowCalled is AssertCalled for workflows only.
func (e *TestWorkflowEnvironment) AssertWorkflowCalled(t mock.TestingT, methodName string, arguments ...interface{}) bool {
	return e.engine.mocks.workflows.AssertCalled(t, methodName, arguments...)
}

// AssertWorkflowNotCalled is AssertNotCalled for workflows only.
func (e *TestWorkflowEnvironment) AssertWorkflowNotCalled(t mock.TestingT, methodName string, arguments ...interface{}) bool {
	return e.engine.mocks.workflows.AssertNotCalled(t, methodName, arguments...)
}

// AssertWorkflowNumberOfCalls is AssertNumberOfCalls for workflows only.
func (e *TestWorkflowEnvironment) AssertWorkflowNumberOfCalls(t mock.TestingT, methodName string, expectedCalls int) bool {
	return e.engine.mocks.workflows.AssertNumberOfCalls(t, methodName, expectedCalls)
}

// mockOf is the mock that a name belongs to: that of workflows only where nothing else has the name.
func (e *TestWorkflowEnvironment) mockOf(name string) *mock.Mock {
	m := e.engine.mocks
	if m.has(&m.workflows, name) && !m.has(&m.activities, name) {
		return &m.workflows
	}
	return &m.activities
}
