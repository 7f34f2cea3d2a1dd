// Package workflowservice has the answers of client.Client that Temporal's programs know by this package. There is no
// service behind it: Millrace's clients speak to NATS.
package workflowservice

import "github.com/millrace-dev/millrace/api/workflow"

// DescribeWorkflowExecutionResponse is the state of a run.
type DescribeWorkflowExecutionResponse struct {
	WorkflowExecutionInfo *workflow.WorkflowExecutionInfo
	PendingActivities     []*workflow.PendingActivityInfo
	PendingChildren       []*workflow.PendingChildExecutionInfo
}

// GetWorkflowExecutionInfo returns the run, nil for a nil receiver.
func (x *DescribeWorkflowExecutionResponse) GetWorkflowExecutionInfo() *workflow.WorkflowExecutionInfo {
	if x == nil {
		return nil
	}
	return x.WorkflowExecutionInfo
}

// GetPendingActivities returns the activities without an outcome.
func (x *DescribeWorkflowExecutionResponse) GetPendingActivities() []*workflow.PendingActivityInfo {
	if x == nil {
		return nil
	}
	return x.PendingActivities
}

// GetPendingChildren returns the children that have not closed.
func (x *DescribeWorkflowExecutionResponse) GetPendingChildren() []*workflow.PendingChildExecutionInfo {
	if x == nil {
		return nil
	}
	return x.PendingChildren
}
