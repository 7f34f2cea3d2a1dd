package testsuite

import (
	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

// outcome is the error that a client would get from a run, nil for success and for a run that is open.
func (e *engine) outcome(r *run) error {
	if r.broken != nil {
		return e.executionError(r, r.broken)
	}
	closing := r.state().Close
	if closing == nil {
		return nil
	}
	switch a := closing.Attributes.(type) {
	case *history.WorkflowExecutionCompleted:
		return nil
	case *history.WorkflowExecutionContinuedAsNew:
		return e.executionError(r, continueAsNewError(r.start, a.Successor))
	case *history.WorkflowExecutionCanceled:
		return e.failed(r, &failure.Failure{Message: "canceled", CanceledFailureInfo: &failure.CanceledFailureInfo{Details: a.Details}})
	case *history.WorkflowExecutionTimedOut:
		return e.failed(r, &failure.Failure{Message: "workflow timeout", TimeoutFailureInfo: &failure.TimeoutFailureInfo{
			TimeoutType: enums.TIMEOUT_TYPE_START_TO_CLOSE}})
	case *history.WorkflowExecutionTerminated:
		return e.executionError(r, millrace.NewTerminatedError())
	}
	_, f, _ := r.state().Result()
	return e.failed(r, f)
}

func (e *engine) failed(r *run, f *failure.Failure) error {
	return e.executionError(r, e.failureConverter.FailureToError(f))
}

func (e *engine) executionError(r *run, cause error) error {
	return millrace.NewWorkflowExecutionError(r.id().WorkflowID, r.id().RunID, r.start.Type, cause)
}

// continueAsNewError is what the code returned to hand over to a successor.
func continueAsNewError(start *history.Start, next *history.Successor) error {
	return &workflow.ContinueAsNewError{
		WorkflowType:             &workflow.Type{Name: next.Type},
		Input:                    next.Input,
		Header:                   next.Header,
		TaskQueueName:            next.Queue,
		WorkflowExecutionTimeout: start.ExecutionTimeout.Duration(),
		WorkflowRunTimeout:       next.RunTimeout.Duration(),
		WorkflowTaskTimeout:      next.TaskTimeout.Duration(),
		BackoffStartInterval:     next.Delay.Duration(),
		RetryPolicy:              next.RetryPolicy.Policy(),

		InitialVersioningBehavior: workflow.ContinueAsNewVersioningBehavior(next.Versioning),
	}
}
