package client

import (
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/standalone"
)

// Converters may work differently for each run or activity. Where none does, and for schedules, which have no run, nobody
// is named: nil.

// ofWorkflow stands for the payloads of a run.
func (c *workflowClient) ofWorkflow(id string) converter.SerializationContext {
	if !c.contextual {
		return nil
	}
	return converter.WorkflowSerializationContext{Namespace: c.options.Namespace, WorkflowID: id}
}

// ofActivity stands for the payloads of an activity that is completed from outside. The type of its workflow is not known
// there, and stays empty.
func (c *workflowClient) ofActivity(token *history.TaskToken) converter.SerializationContext {
	if !c.contextual {
		return nil
	}
	return converter.ActivitySerializationContext{Namespace: c.options.Namespace, WorkflowID: token.Run.WorkflowID,
		ActivityType: token.Type, TaskQueue: token.Queue}
}

// ofStandalone stands for the payloads of an activity that no workflow of the user's calls.
func (c *workflowClient) ofStandalone(id, activityType, queue string) converter.SerializationContext {
	if !c.contextual {
		return nil
	}
	return converter.ActivitySerializationContext{Namespace: c.ns.Name(), WorkflowID: standalone.WorkflowID(id),
		WorkflowType: standalone.WorkflowType, ActivityType: activityType, TaskQueue: queue}
}

// converterOf is the data converter for what belongs to whose.
func (c *workflowClient) converterOf(whose converter.SerializationContext) converter.DataConverter {
	return converter.WithDataConverterSerializationContext(c.options.DataConverter, whose)
}

// failuresOf is the failure converter for what belongs to whose.
func (c *workflowClient) failuresOf(whose converter.SerializationContext) converter.FailureConverter {
	return converter.WithFailureConverterSerializationContext(c.options.FailureConverter, whose)
}
