package client

import "context"

// CompleteActivityOptions are the options of Client.CompleteActivityWithOptions. TaskToken is required.
type CompleteActivityOptions struct {
	TaskToken []byte
	// Result completes the activity, Err fails or cancels it; with both, Err counts.
	Result interface{}
	Err    error
	// The other fields describe the activity for converters that want to know. None does so far: they are not used.
	Namespace    string
	WorkflowID   string
	ActivityType string
	WorkflowType string
	TaskQueue    string
}

// CompleteActivityByIDOptions are the options of Client.CompleteActivityByIDWithOptions. WorkflowID and ActivityID are
// required.
type CompleteActivityByIDOptions struct {
	// Namespace is the client's, or empty.
	Namespace  string
	WorkflowID string
	// RunID is the run. Default: the newest one.
	RunID      string
	ActivityID string
	// The other fields are as in CompleteActivityOptions.
	Result       interface{}
	Err          error
	ActivityType string
	WorkflowType string
	TaskQueue    string
}

// RecordActivityHeartbeatOptions are the options of Client.RecordActivityHeartbeatWithOptions. TaskToken is required.
type RecordActivityHeartbeatOptions struct {
	TaskToken []byte
	// Details are what the next attempt can read.
	Details []interface{}
	// The other fields are as in CompleteActivityOptions.
	Namespace    string
	WorkflowID   string
	ActivityType string
	WorkflowType string
	TaskQueue    string
}

// RecordActivityHeartbeatByIDOptions are the options of Client.RecordActivityHeartbeatByIDWithOptions. WorkflowID and
// ActivityID are required.
type RecordActivityHeartbeatByIDOptions struct {
	// Namespace is the client's, or empty.
	Namespace  string
	WorkflowID string
	// RunID is the run. Default: the newest one.
	RunID      string
	ActivityID string
	// Details are what the next attempt can read.
	Details []interface{}
	// The other fields are as in CompleteActivityOptions.
	ActivityType string
	WorkflowType string
	TaskQueue    string
}

// CompleteActivityWithOptions is documented at Client.
func (c *workflowClient) CompleteActivityWithOptions(ctx context.Context, o CompleteActivityOptions) error {
	return c.CompleteActivity(ctx, o.TaskToken, o.Result, o.Err)
}

// CompleteActivityByIDWithOptions is documented at Client.
func (c *workflowClient) CompleteActivityByIDWithOptions(ctx context.Context, o CompleteActivityByIDOptions) error {
	return c.CompleteActivityByID(ctx, o.Namespace, o.WorkflowID, o.RunID, o.ActivityID, o.Result, o.Err)
}

// RecordActivityHeartbeatWithOptions is documented at Client.
func (c *workflowClient) RecordActivityHeartbeatWithOptions(ctx context.Context, o RecordActivityHeartbeatOptions) error {
	return c.RecordActivityHeartbeat(ctx, o.TaskToken, o.Details...)
}

// RecordActivityHeartbeatByIDWithOptions is documented at Client.
func (c *workflowClient) RecordActivityHeartbeatByIDWithOptions(ctx context.Context, o RecordActivityHeartbeatByIDOptions) error {
	return c.RecordActivityHeartbeatByID(ctx, o.Namespace, o.WorkflowID, o.RunID, o.ActivityID, o.Details...)
}
