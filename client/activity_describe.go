package client

import (
	"context"
	"fmt"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
)

// ActivityExecutionInfo is what activities that were started by ExecuteActivity have in common.
type ActivityExecutionInfo struct {
	ActivityID    string
	ActivityRunID string
	ActivityType  string
	// ScheduleTime is when the activity was started, CloseTime zero while it is open.
	ScheduleTime          time.Time
	CloseTime             time.Time
	Status                enums.ActivityExecutionStatus
	TypedSearchAttributes millrace.SearchAttributes
	TaskQueue             string
	// ExecutionDuration is the time from ScheduleTime to CloseTime, 0 while the activity is open.
	ExecutionDuration time.Duration
}

// ActivityExecutionDescription is the state of an activity that was started by ExecuteActivity. What concerns attempts is
// zero for a closed one.
type ActivityExecutionDescription struct {
	ActivityExecutionInfo
	// RunState says more about an activity that is running.
	RunState          enums.PendingActivityState
	LastHeartbeatTime time.Time
	LastStartedTime   time.Time
	// Attempt is the newest attempt known to have begun, 0 for none. A first attempt is known by its first heartbeat: without
	// one, RunState stays scheduled until the activity is retried or closed.
	Attempt     int32
	RetryPolicy *millrace.RetryPolicy
	// ExpirationTime is when ScheduleToCloseTimeout ends, zero for never.
	ExpirationTime     time.Time
	LastWorkerIdentity string
	Priority           millrace.Priority
	// CanceledReason is what the request to cancel gave, empty without one.
	CanceledReason string

	summary, details string
	heartbeat        *common.Payloads
	lastFailure      *failure.Failure
	dataConverter    converter.DataConverter
	failureConverter converter.FailureConverter
}

// GetSummary returns StartActivityOptions.Summary. It does not fail.
func (d *ActivityExecutionDescription) GetSummary() (string, error) { return d.summary, nil }

// GetDetails returns StartActivityOptions.Details. It does not fail.
func (d *ActivityExecutionDescription) GetDetails() (string, error) { return d.details, nil }

// HasHeartbeatDetails says whether a heartbeat had details.
func (d *ActivityExecutionDescription) HasHeartbeatDetails() bool {
	return len(d.heartbeat.GetPayloads()) > 0
}

// GetHeartbeatDetails decodes the details of the last heartbeat. It fails with millrace.ErrNoData when there are none.
func (d *ActivityExecutionDescription) GetHeartbeatDetails(valuePtrs ...any) error {
	if !d.HasHeartbeatDetails() {
		return millrace.ErrNoData
	}
	return d.dataConverter.FromPayloads(d.heartbeat, valuePtrs...)
}

// GetLastFailure returns how the attempt before ended, or, for a closed activity, the activity; nil for no failure.
func (d *ActivityExecutionDescription) GetLastFailure() error {
	if d.lastFailure == nil {
		return nil
	}
	return d.failureConverter.FailureToError(d.lastFailure)
}

func (c *workflowClient) describeStandalone(ctx context.Context, in *DescribeActivityInput) (*ActivityExecutionDescription, error) {
	d, err := c.standaloneState(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("describe activity %q: %w", in.ActivityID, serviceError(err))
	}
	return d, nil
}

func (c *workflowClient) standaloneState(ctx context.Context, in *DescribeActivityInput) (*ActivityExecutionDescription, error) {
	s, spec, err := c.readStandalone(ctx, in)
	if err != nil {
		return nil, err
	}
	d := &ActivityExecutionDescription{
		ActivityExecutionInfo: ActivityExecutionInfo{
			ActivityID: spec.ID, ActivityRunID: s.Start.Run.RunID, ActivityType: spec.Type, ScheduleTime: s.Start.Time,
			Status: enums.ACTIVITY_EXECUTION_STATUS_RUNNING, TypedSearchAttributes: history.DecodeSearch(s.Search), TaskQueue: spec.TaskQueue,
		},
		RetryPolicy: spec.RetryPolicy, Priority: spec.Priority, summary: spec.Summary, details: s.Start.StaticDetails,
	}
	whose := c.ofStandalone(spec.ID, spec.Type, spec.TaskQueue)
	d.dataConverter, d.failureConverter = c.converterOf(whose), c.failuresOf(whose)
	if spec.ScheduleToClose > 0 {
		d.ExpirationTime = s.Start.Time.Add(s.Start.Delay.Duration() + spec.ScheduleToClose)
	}
	if s.Closed() {
		d.CloseTime, d.ExecutionDuration = s.Time, s.Time.Sub(s.Start.Time)
		d.Status, d.lastFailure = standaloneStatus(s)
		return d, nil
	}
	d.RunState = enums.PENDING_ACTIVITY_STATE_SCHEDULED
	for _, a := range s.Activities { // there is one, once the first transition is made
		p, err := c.describeActivity(ctx, s.Start.Run.Run, a)
		if err != nil {
			return nil, err
		}
		d.RunState, d.Attempt, d.LastWorkerIdentity = p.State, p.Attempt, p.LastWorker
		d.heartbeat, d.lastFailure = p.HeartbeatDetails, p.LastFailure
		if p.LastHeartbeat != nil {
			d.LastHeartbeatTime = *p.LastHeartbeat
		}
		if p.LastStarted != nil {
			d.LastStartedTime = *p.LastStarted
		}
	}
	return d, nil
}

// standaloneStatus is the status of a closed activity, and how it failed, nil if it did not.
func standaloneStatus(s *history.State) (enums.ActivityExecutionStatus, *failure.Failure) {
	_, f, _ := s.Result()
	if f != nil && f.ActivityFailureInfo != nil && f.Cause != nil {
		f = f.Cause
	}
	switch s.Status {
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return enums.ACTIVITY_EXECUTION_STATUS_COMPLETED, nil
	case enums.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return enums.ACTIVITY_EXECUTION_STATUS_CANCELED, f
	case enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return enums.ACTIVITY_EXECUTION_STATUS_TERMINATED, f
	}
	if f != nil && f.TimeoutFailureInfo != nil {
		return enums.ACTIVITY_EXECUTION_STATUS_TIMED_OUT, f
	}
	return enums.ACTIVITY_EXECUTION_STATUS_FAILED, f
}
