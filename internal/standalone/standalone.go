// Package standalone runs activities that no workflow has called: each is a run of a workflow that calls it and closes with
// its outcome. Daemons decide for these runs; the activities run on the workers of their own queues.
package standalone

import (
	"strings"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/workflow"
)

const (
	// WorkflowType is the type of the workflow around an activity.
	WorkflowType = "millrace.activity"

	workflowIDPrefix = "millrace-activity:"
)

// WorkflowID is the workflow ID of the activity id.
func WorkflowID(id string) string { return workflowIDPrefix + id }

// ActivityID is the inverse of WorkflowID.
func ActivityID(workflowID string) string { return strings.TrimPrefix(workflowID, workflowIDPrefix) }

// Spec is what is to be run, and how.
type Spec struct {
	ID        string           `json:"id"`
	Type      string           `json:"type"`
	TaskQueue string           `json:"taskQueue"`
	Args      *common.Payloads `json:"args,omitempty"`

	ScheduleToClose time.Duration         `json:"scheduleToClose,omitempty"`
	ScheduleToStart time.Duration         `json:"scheduleToStart,omitempty"`
	StartToClose    time.Duration         `json:"startToClose,omitempty"`
	Heartbeat       time.Duration         `json:"heartbeat,omitempty"`
	RetryPolicy     *millrace.RetryPolicy `json:"retryPolicy,omitempty"`
	Summary         string                `json:"summary,omitempty"`
	Priority        millrace.Priority     `json:"priority,omitzero"`
}

// Workflow calls the activity. Arguments and result pass as they are: only the caller and the activity know how they are
// encoded.
func Workflow(ctx workflow.Context, spec Spec) (interface{}, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              spec.TaskQueue,
		ActivityID:             spec.ID,
		ScheduleToCloseTimeout: spec.ScheduleToClose,
		ScheduleToStartTimeout: spec.ScheduleToStart,
		StartToCloseTimeout:    spec.StartToClose,
		HeartbeatTimeout:       spec.Heartbeat,
		RetryPolicy:            spec.RetryPolicy,
		Summary:                spec.Summary,
		Priority:               spec.Priority,
		WaitForCancellation:    true,
	})
	args := make([]interface{}, len(spec.Args.GetPayloads()))
	for i, p := range spec.Args.GetPayloads() {
		args[i] = converter.NewRawValue(p)
	}
	var result converter.RawValue
	if err := workflow.ExecuteActivity(ctx, spec.Type, args...).Get(ctx, &result); err != nil {
		return nil, err
	}
	if result.Payload() == nil {
		return nil, nil
	}
	return result, nil
}

// Interceptor lets what came along with the start of the workflow go along with the activity.
func Interceptor(ctx workflow.Context, next workflow.InboundInterceptor) workflow.InboundInterceptor {
	if workflow.GetInfo(ctx).WorkflowType.Name != WorkflowType {
		return next
	}
	return &inbound{workflow.InboundInterceptorBase{Next: next}, new(workflow.HeaderFields)}
}

type inbound struct {
	workflow.InboundInterceptorBase
	header *workflow.HeaderFields
}

func (i *inbound) Init(o workflow.OutboundInterceptor) error {
	return i.Next.Init(&outbound{workflow.OutboundInterceptorBase{Next: o}, i.header})
}

func (i *inbound) ExecuteWorkflow(ctx workflow.Context, in *workflow.ExecuteWorkflowInput) (interface{}, error) {
	*i.header = workflow.Header(ctx)
	return i.Next.ExecuteWorkflow(ctx, in)
}

type outbound struct {
	workflow.OutboundInterceptorBase
	header *workflow.HeaderFields
}

func (o *outbound) ExecuteActivity(ctx workflow.Context, activityType string, args ...interface{}) workflow.Future {
	to := workflow.Header(ctx)
	for key, value := range *o.header {
		to.Set(key, value)
	}
	return o.Next.ExecuteActivity(ctx, activityType, args...)
}
