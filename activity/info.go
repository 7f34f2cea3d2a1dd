package activity

import (
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/workflow"
)

// Info describes the attempt that a function is running.
type Info struct {
	// TaskToken names this attempt to a client that completes it from outside; see ErrResultPending.
	TaskToken []byte

	// What the activity's workflow is: nil and empty for an activity that no workflow called.
	WorkflowType      *workflow.Type
	WorkflowNamespace string
	WorkflowExecution workflow.Execution

	// ActivityID is what the workflow called the activity: unique in its run.
	ActivityID   string
	ActivityType Type
	TaskQueue    string
	Namespace    string

	// HeartbeatTimeout is the longest time between two heartbeats, 0 for none.
	HeartbeatTimeout time.Duration
	// ScheduleToCloseTimeout bounds all attempts together, StartToCloseTimeout each of them; 0 for no bound.
	ScheduleToCloseTimeout time.Duration
	StartToCloseTimeout    time.Duration

	// ScheduledTime is when the workflow scheduled the activity, StartedTime when this attempt began, Deadline when its
	// context ends at the latest, zero for never.
	ScheduledTime time.Time
	StartedTime   time.Time
	Deadline      time.Time

	// Attempt counts from 1.
	Attempt int32
	// RetryPolicy is the one that the workflow set, nil for none.
	RetryPolicy *millrace.RetryPolicy
	// Priority is that of the task: what the workflow set, and for the rest its own.
	Priority millrace.Priority
	// ActivityRunID is the run of an activity that no workflow called (client.Client.ExecuteActivity), empty for others.
	ActivityRunID string
	// IsLocalActivity says whether the activity runs in the process of the workflow code, without a task.
	IsLocalActivity bool
}

// IsWorkflowActivity says whether a workflow called the activity.
func (i *Info) IsWorkflowActivity() bool { return i.WorkflowExecution.ID != "" }
