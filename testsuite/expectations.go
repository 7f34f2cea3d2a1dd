package testsuite

import (
	"github.com/stretchr/testify/mock"

	"github.com/millrace-dev/millrace/workflow"
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

// OnGetVersion mocks workflow.GetVersion for a change, or with mock.Anything for those without a mock of their own, and the
// supported versions of the call: Return the version that the run takes, or a function of the signature
// func(string, workflow.Version, workflow.Version) workflow.Version.
func (e *TestWorkflowEnvironment) OnGetVersion(changeID string, minSupported, maxSupported workflow.Version) *MockCallWrapper {
	return e.onRecorded(mockGetVersion+changeID, changeID, minSupported, maxSupported)
}

// OnSideEffect mocks workflow.SideEffect: Return the value. Several mocks are taken in order, each as often as it says.
func (e *TestWorkflowEnvironment) OnSideEffect() *MockCallWrapper {
	return e.onRecorded(mockSideEffect)
}

// OnMutableSideEffect mocks workflow.MutableSideEffect for an ID, or with mock.Anything for all: Return the value.
func (e *TestWorkflowEnvironment) OnMutableSideEffect(id string) *MockCallWrapper {
	return e.onRecorded(mockMutableSideEffect, id)
}

// OnUpsertSearchAttributes mocks workflow.UpsertSearchAttributes: Return nil, or the error that the workflow gets instead.
func (e *TestWorkflowEnvironment) OnUpsertSearchAttributes(attributes interface{}) *MockCallWrapper {
	return e.onRecorded(mockUpsertSearch, attributes)
}

// OnUpsertTypedSearchAttributes mocks workflow.UpsertTypedSearchAttributes: Return nil, or the error that the workflow gets
// instead. Attributes are a millrace.SearchAttributes or a matcher.
func (e *TestWorkflowEnvironment) OnUpsertTypedSearchAttributes(attributes interface{}) *MockCallWrapper {
	return e.onRecorded(mockUpsertTyped, attributes)
}

// OnUpsertMemo mocks workflow.UpsertMemo: Return nil, or the error that the workflow gets instead.
func (e *TestWorkflowEnvironment) OnUpsertMemo(attributes interface{}) *MockCallWrapper {
	return e.onRecorded(mockUpsertMemo, attributes)
}

// onRecorded mocks what workflow code records of itself.
func (e *TestWorkflowEnvironment) onRecorded(name string, args ...interface{}) *MockCallWrapper {
	if !e.engine.recording {
		e.engine.recording = true
		e.engine.registerAgain()
	}
	m := e.engine.mocks
	return newMockCall(e.engine, m.on(&m.workflows, name, args))
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
