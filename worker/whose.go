package worker

import (
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
)

// contextual says whether one of a client's converters works differently for each run or activity. Where none does,
// nobody is named: nil.
func contextual(core *client.Core) bool {
	return converter.DependsOnSerializationContext(core.DataConverter) || converter.DependsOnSerializationContext(core.FailureConverter)
}

// whose stands for the payloads of the attempt's activity.
func (a *attempt) whose() converter.SerializationContext {
	if !a.w.contextual {
		return nil
	}
	return converter.ActivitySerializationContext{Namespace: a.w.namespace, WorkflowID: a.task.Run.WorkflowID,
		WorkflowType: a.task.WorkflowType, ActivityType: a.task.Type, TaskQueue: a.task.Queue}
}

// failures is the failure converter of the attempt.
func (a *attempt) failures() converter.FailureConverter {
	return converter.WithFailureConverterSerializationContext(a.w.failureConverter, a.whose())
}

// whose stands for the payloads of the attempt's local activity.
func (at *localAttempt) whose() converter.SerializationContext {
	if !at.contextual {
		return nil
	}
	return converter.ActivitySerializationContext{Namespace: at.namespace, WorkflowID: at.start.Run.WorkflowID,
		WorkflowType: at.start.Type, ActivityType: at.task.Type, TaskQueue: at.start.Run.Queue, IsLocal: true}
}

// failures is the failure converter of the attempt.
func (at *localAttempt) failures() converter.FailureConverter {
	return converter.WithFailureConverterSerializationContext(at.failureConverter, at.whose())
}
