package client

import (
	"context"

	"github.com/millrace-dev/millrace/api/enums"
)

// What a gateway does not offer.

// GetWorkflowHistory is not offered.
func (g *gatewayClient) GetWorkflowHistory(context.Context, string, string, bool, enums.HistoryEventFilterType) HistoryEventIterator {
	return failedIterator{notOffered("GetWorkflowHistory")}
}

// ScheduleClient is not offered.
func (g *gatewayClient) ScheduleClient() ScheduleClient {
	return scheduleClient{func(context.Context) (*workflowClient, error) { return nil, notOffered("ScheduleClient") }}
}

// WorkerDeploymentClient is not offered.
func (g *gatewayClient) WorkerDeploymentClient() WorkerDeploymentClient {
	return lazyDeployments{func(context.Context) (Client, error) { return nil, notOffered("WorkerDeploymentClient") }}
}

// UpdateWorkflowExecutionOptions is not offered.
func (g *gatewayClient) UpdateWorkflowExecutionOptions(context.Context, UpdateWorkflowExecutionOptionsRequest) (WorkflowExecutionOptions, error) {
	return WorkflowExecutionOptions{}, notOffered("UpdateWorkflowExecutionOptions")
}

// CompleteActivityByID is not offered: only a token shows who may complete an activity.
func (g *gatewayClient) CompleteActivityByID(context.Context, string, string, string, string, interface{}, error) error {
	return notOffered("CompleteActivityByID")
}

// CompleteActivityByIDWithOptions is not offered.
func (g *gatewayClient) CompleteActivityByIDWithOptions(context.Context, CompleteActivityByIDOptions) error {
	return notOffered("CompleteActivityByIDWithOptions")
}

// CompleteActivityByActivityID is not offered.
func (g *gatewayClient) CompleteActivityByActivityID(context.Context, string, string, string, interface{}, error) error {
	return notOffered("CompleteActivityByActivityID")
}

// CompleteActivityByActivityIDWithOptions is not offered.
func (g *gatewayClient) CompleteActivityByActivityIDWithOptions(context.Context, CompleteActivityByActivityIDOptions) error {
	return notOffered("CompleteActivityByActivityIDWithOptions")
}

// RecordActivityHeartbeatByID is not offered: only a token shows who may speak for an activity.
func (g *gatewayClient) RecordActivityHeartbeatByID(context.Context, string, string, string, string, ...interface{}) error {
	return notOffered("RecordActivityHeartbeatByID")
}

// RecordActivityHeartbeatByIDWithOptions is not offered.
func (g *gatewayClient) RecordActivityHeartbeatByIDWithOptions(context.Context, RecordActivityHeartbeatByIDOptions) error {
	return notOffered("RecordActivityHeartbeatByIDWithOptions")
}

// ExecuteActivity is not offered, as are the other methods for activities without a workflow.
func (o *gatewayOutbound) ExecuteActivity(context.Context, *ExecuteActivityInput) (ActivityHandle, error) {
	return nil, notOffered("ExecuteActivity")
}

// GetActivityHandle returns a handle that refuses everything.
func (o *gatewayOutbound) GetActivityHandle(in *GetActivityHandleInput) ActivityHandle {
	return &activityHandle{client: o.workflowClient, id: in.ActivityID, runID: in.RunID}
}

// PollActivityResult is not offered.
func (o *gatewayOutbound) PollActivityResult(context.Context, *PollActivityResultInput) (*PollActivityResultOutput, error) {
	return nil, notOffered("ActivityHandle")
}

// DescribeActivity is not offered.
func (o *gatewayOutbound) DescribeActivity(context.Context, *DescribeActivityInput) (*DescribeActivityOutput, error) {
	return nil, notOffered("ActivityHandle")
}

// CancelActivity is not offered.
func (o *gatewayOutbound) CancelActivity(context.Context, *CancelActivityInput) error {
	return notOffered("ActivityHandle")
}

// TerminateActivity is not offered.
func (o *gatewayOutbound) TerminateActivity(context.Context, *TerminateActivityInput) error {
	return notOffered("ActivityHandle")
}

// CreateSchedule is not offered.
func (o *gatewayOutbound) CreateSchedule(context.Context, *CreateScheduleInput) (ScheduleHandle, error) {
	return nil, notOffered("ScheduleClient")
}
