package client

import (
	"context"

	"github.com/millrace-dev/millrace/api/workflowservice"
	"github.com/millrace-dev/millrace/converter"
)

// The methods of a lazyClient that are those of the client behind it.

func (l *lazyClient) ExecuteWorkflow(ctx context.Context, options StartWorkflowOptions, workflow interface{}, args ...interface{}) (WorkflowRun, error) {
	c, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.ExecuteWorkflow(ctx, options, workflow, args...)
}

func (l *lazyClient) SignalWorkflow(ctx context.Context, workflowID string, runID string, signalName string, arg interface{}) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.SignalWorkflow(ctx, workflowID, runID, signalName, arg)
}

func (l *lazyClient) SignalWithStartWorkflow(ctx context.Context, workflowID string, signalName string, signalArg interface{}, options StartWorkflowOptions, workflow interface{}, workflowArgs ...interface{}) (WorkflowRun, error) {
	c, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.SignalWithStartWorkflow(ctx, workflowID, signalName, signalArg, options, workflow, workflowArgs...)
}

func (l *lazyClient) CancelWorkflow(ctx context.Context, workflowID string, runID string) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.CancelWorkflow(ctx, workflowID, runID)
}

func (l *lazyClient) CancelWorkflowWithOptions(ctx context.Context, options CancelWorkflowOptions) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.CancelWorkflowWithOptions(ctx, options)
}

func (l *lazyClient) TerminateWorkflow(ctx context.Context, workflowID string, runID string, reason string, details ...interface{}) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.TerminateWorkflow(ctx, workflowID, runID, reason, details...)
}

func (l *lazyClient) TerminateWorkflowWithOptions(ctx context.Context, options TerminateWorkflowOptions) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.TerminateWorkflowWithOptions(ctx, options)
}

func (l *lazyClient) QueryWorkflow(ctx context.Context, workflowID string, runID string, queryType string, args ...interface{}) (converter.EncodedValue, error) {
	c, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.QueryWorkflow(ctx, workflowID, runID, queryType, args...)
}

func (l *lazyClient) QueryWorkflowWithOptions(ctx context.Context, request *QueryWorkflowWithOptionsRequest) (*QueryWorkflowWithOptionsResponse, error) {
	c, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.QueryWorkflowWithOptions(ctx, request)
}

func (l *lazyClient) UpdateWorkflow(ctx context.Context, options UpdateWorkflowOptions) (WorkflowUpdateHandle, error) {
	c, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.UpdateWorkflow(ctx, options)
}

func (l *lazyClient) UpdateWithStartWorkflow(ctx context.Context, options UpdateWithStartWorkflowOptions) (WorkflowUpdateHandle, error) {
	c, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.UpdateWithStartWorkflow(ctx, options)
}

func (l *lazyClient) DescribeWorkflow(ctx context.Context, workflowID string, runID string) (*WorkflowExecutionDescription, error) {
	c, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.DescribeWorkflow(ctx, workflowID, runID)
}

func (l *lazyClient) CompleteActivity(ctx context.Context, taskToken []byte, result interface{}, err error) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.CompleteActivity(ctx, taskToken, result, err)
}

func (l *lazyClient) CompleteActivityWithOptions(ctx context.Context, opts CompleteActivityOptions) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.CompleteActivityWithOptions(ctx, opts)
}

func (l *lazyClient) CompleteActivityByID(ctx context.Context, namespace, workflowID, runID, activityID string, result interface{}, err error) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.CompleteActivityByID(ctx, namespace, workflowID, runID, activityID, result, err)
}

func (l *lazyClient) CompleteActivityByIDWithOptions(ctx context.Context, opts CompleteActivityByIDOptions) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.CompleteActivityByIDWithOptions(ctx, opts)
}

func (l *lazyClient) RecordActivityHeartbeat(ctx context.Context, taskToken []byte, details ...interface{}) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.RecordActivityHeartbeat(ctx, taskToken, details...)
}

func (l *lazyClient) RecordActivityHeartbeatWithOptions(ctx context.Context, opts RecordActivityHeartbeatOptions) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.RecordActivityHeartbeatWithOptions(ctx, opts)
}

func (l *lazyClient) RecordActivityHeartbeatByID(ctx context.Context, namespace, workflowID, runID, activityID string, details ...interface{}) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.RecordActivityHeartbeatByID(ctx, namespace, workflowID, runID, activityID, details...)
}

func (l *lazyClient) RecordActivityHeartbeatByIDWithOptions(ctx context.Context, opts RecordActivityHeartbeatByIDOptions) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.RecordActivityHeartbeatByIDWithOptions(ctx, opts)
}

func (l *lazyClient) CheckHealth(ctx context.Context, request *CheckHealthRequest) (*CheckHealthResponse, error) {
	c, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.CheckHealth(ctx, request)
}

func (l *lazyClient) UpdateWorkflowExecutionOptions(ctx context.Context, options UpdateWorkflowExecutionOptionsRequest) (WorkflowExecutionOptions, error) {
	c, err := l.dial(ctx)
	if err != nil {
		return WorkflowExecutionOptions{}, err
	}
	return c.UpdateWorkflowExecutionOptions(ctx, options)
}

func (l *lazyClient) DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	c, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.DescribeWorkflowExecution(ctx, workflowID, runID)
}

func (l *lazyClient) ExecuteActivity(ctx context.Context, options StartActivityOptions, activity any, args ...any) (ActivityHandle, error) {
	c, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.ExecuteActivity(ctx, options, activity, args...)
}

func (l *lazyClient) CompleteActivityByActivityID(ctx context.Context, namespace, activityID, activityRunID string, result interface{}, err error) error {
	c, derr := l.dial(ctx)
	if derr != nil {
		return derr
	}
	return c.CompleteActivityByActivityID(ctx, namespace, activityID, activityRunID, result, err)
}

func (l *lazyClient) CompleteActivityByActivityIDWithOptions(ctx context.Context, opts CompleteActivityByActivityIDOptions) error {
	c, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return c.CompleteActivityByActivityIDWithOptions(ctx, opts)
}
