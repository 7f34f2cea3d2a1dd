package client

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	apiworkflow "github.com/millrace-dev/millrace/api/workflow"
	"github.com/millrace-dev/millrace/api/workflowservice"
)

// DescribeWorkflowExecution is documented at Client.
func (c *workflowClient) DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	d, err := c.DescribeWorkflow(ctx, workflowID, runID)
	if err != nil {
		return nil, err
	}
	r := &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &apiworkflow.WorkflowExecutionInfo{
		Execution:        stored(&d.WorkflowExecution),
		Type:             &common.WorkflowType{Name: d.WorkflowType.Name},
		StartTime:        apiworkflow.NewTimestamp(d.WorkflowStartTime),
		CloseTime:        timestamp(d.WorkflowCloseTime),
		Status:           d.Status,
		HistoryLength:    int64(d.HistoryLength),
		ParentExecution:  stored(d.ParentWorkflowExecution),
		ExecutionTime:    timestamp(d.ExecutionTime),
		Memo:             d.Memo,
		SearchAttributes: d.SearchAttributes,
		TaskQueue:        d.TaskQueueName,
		RootExecution:    stored(d.RootWorkflowExecution),
		FirstRunId:       d.FirstRunID,
	}}
	for _, a := range d.PendingActivities {
		r.PendingActivities = append(r.PendingActivities, &apiworkflow.PendingActivityInfo{
			ActivityId:         a.ActivityID,
			ActivityType:       &a.ActivityType,
			State:              a.State,
			HeartbeatDetails:   a.HeartbeatDetails,
			LastHeartbeatTime:  timestamp(a.LastHeartbeat),
			LastStartedTime:    timestamp(a.LastStarted),
			Attempt:            a.Attempt,
			ScheduledTime:      apiworkflow.NewTimestamp(a.Scheduled),
			LastFailure:        a.LastFailure,
			LastWorkerIdentity: a.LastWorker,
			Paused:             a.Pause != nil,
		})
	}
	for _, child := range d.PendingChildren {
		r.PendingChildren = append(r.PendingChildren, &apiworkflow.PendingChildExecutionInfo{
			WorkflowId: child.WorkflowID, RunId: child.RunID, WorkflowTypeName: child.WorkflowType.Name})
	}
	return r, nil
}

func timestamp(t *time.Time) *apiworkflow.Timestamp {
	if t == nil {
		return nil
	}
	return apiworkflow.NewTimestamp(*t)
}
