package client

import (
	"context"
	"errors"
	"fmt"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/schedule"
	"github.com/millrace-dev/millrace/internal/standalone"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/workflow"
)

// ExecuteActivity is documented at Client.
func (c *workflowClient) ExecuteActivity(ctx context.Context, options StartActivityOptions, activity any, args ...any) (ActivityHandle, error) {
	name, ok := activity.(string)
	if !ok {
		var err error
		if name, err = workflow.FunctionName(activity); err != nil {
			return nil, fmt.Errorf("execute activity: a function or a registered name is needed: %w", err)
		}
	}
	if c.interceptor != nil {
		return c.interceptor.ExecuteActivity(outgoing(ctx), &ExecuteActivityInput{Options: &options, ActivityType: name, Args: args})
	}
	return c.executeActivity(ctx, options, name, args)
}

func (c *workflowClient) executeActivity(ctx context.Context, o StartActivityOptions, name string, args []interface{}) (ActivityHandle, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("execute activity %s: %w", name, err)
	}
	payloads, err := c.encodeIn(ctx, c.ofStandalone(o.ID, name, o.TaskQueue), args)
	if err != nil {
		return nil, fmt.Errorf("execute activity %q: arguments: %w", o.ID, err)
	}
	spec := standalone.Spec{ID: o.ID, Type: name, TaskQueue: o.TaskQueue, Args: payloads, ScheduleToClose: o.ScheduleToCloseTimeout,
		ScheduleToStart: o.ScheduleToStartTimeout, StartToClose: o.StartToCloseTimeout, Heartbeat: o.HeartbeatTimeout,
		RetryPolicy: o.RetryPolicy, Summary: o.Summary, Priority: o.Priority}
	run, err := c.startStandalone(ctx, &o, spec)
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &already) {
		err = serviceerror.NewActivityExecutionAlreadyStarted(fmt.Sprintf("it is already there, as run %s", already.RunId), "", already.RunId)
	}
	if err != nil {
		return nil, fmt.Errorf("execute activity %q: %w", o.ID, err)
	}
	return &activityHandle{client: c, id: o.ID, runID: run.RunID}, nil
}

func (c *workflowClient) startStandalone(ctx context.Context, o *StartActivityOptions, spec standalone.Spec) (history.Run, error) {
	options := StartWorkflowOptions{ID: standalone.WorkflowID(o.ID), TaskQueue: schedule.TaskQueue, StartDelay: o.StartDelay,
		TypedSearchAttributes: o.TypedSearchAttributes, StaticSummary: o.Summary, StaticDetails: o.Details}
	var err error
	if options.WorkflowIDReusePolicy, err = reuseOf(o.ActivityIDReusePolicy); err != nil {
		return history.Run{}, err
	}
	conflict := enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL
	switch o.ActivityIDConflictPolicy {
	case enums.ACTIVITY_ID_CONFLICT_POLICY_UNSPECIFIED, enums.ACTIVITY_ID_CONFLICT_POLICY_FAIL:
	case enums.ACTIVITY_ID_CONFLICT_POLICY_USE_EXISTING:
		conflict = enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	default:
		return history.Run{}, serviceerror.NewInvalidArgument(
			fmt.Sprintf("StartActivityOptions.ActivityIDConflictPolicy is %v: it must be Fail or UseExisting", o.ActivityIDConflictPolicy))
	}
	system, err := c.system() // the daemons, which read the spec, have the default converter
	if err != nil {
		return history.Run{}, err
	}
	start, err := system.newStart(ctx, options, standalone.WorkflowType, []interface{}{spec})
	if err != nil {
		return history.Run{}, err
	}
	if start.Header, err = c.header(ctx); err != nil {
		return history.Run{}, err
	}
	run, err := c.start(ctx, start, options, conflict)
	var already *streams.AlreadyStartedError
	if errors.As(err, &already) && conflict == enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING {
		run, err = already.Run, nil
	}
	if err != nil {
		return history.Run{}, serviceError(err)
	}
	c.discardUnused(ctx, start, run.Run)
	return run.Run, nil
}

func reuseOf(p enums.ActivityIdReusePolicy) (enums.WorkflowIdReusePolicy, error) {
	switch p {
	case enums.ACTIVITY_ID_REUSE_POLICY_UNSPECIFIED, enums.ACTIVITY_ID_REUSE_POLICY_ALLOW_DUPLICATE:
		return enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, nil
	case enums.ACTIVITY_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY:
		return enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY, nil
	case enums.ACTIVITY_ID_REUSE_POLICY_REJECT_DUPLICATE:
		return enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, nil
	}
	return 0, serviceerror.NewInvalidArgument(fmt.Sprintf("StartActivityOptions.ActivityIDReusePolicy is %v, which is unknown", p))
}

// GetActivityHandle is documented at Client.
func (c *workflowClient) GetActivityHandle(options GetActivityHandleOptions) ActivityHandle {
	if c.interceptor != nil {
		return c.interceptor.GetActivityHandle(&GetActivityHandleInput{ActivityID: options.ActivityID, RunID: options.RunID})
	}
	return &activityHandle{client: c, id: options.ActivityID, runID: options.RunID}
}

// CompleteActivityByActivityID is documented at Client.
func (c *workflowClient) CompleteActivityByActivityID(ctx context.Context, namespace, activityID, activityRunID string, result interface{}, err error) error {
	return c.CompleteActivityByID(ctx, namespace, standalone.WorkflowID(activityID), activityRunID, activityID, result, err)
}

// CompleteActivityByActivityIDWithOptions is documented at Client.
func (c *workflowClient) CompleteActivityByActivityIDWithOptions(ctx context.Context, o CompleteActivityByActivityIDOptions) error {
	return c.CompleteActivityByActivityID(ctx, o.Namespace, o.ActivityID, o.ActivityRunID, o.Result, o.Err)
}

// activityHandle is an ActivityHandle.
type activityHandle struct {
	client    *workflowClient
	id, runID string
}

func (h *activityHandle) GetID() string    { return h.id }
func (h *activityHandle) GetRunID() string { return h.runID }

func (h *activityHandle) Get(ctx context.Context, valuePtr any) error {
	in := &PollActivityResultInput{ActivityID: h.id, RunID: h.runID}
	poll := h.client.pollActivityResult
	if h.client.interceptor != nil {
		poll = h.client.interceptor.PollActivityResult
	}
	out, err := poll(ctx, in)
	switch {
	case err != nil:
		return err
	case out.Error != nil:
		return out.Error
	case valuePtr == nil || out.Result == nil || !out.Result.HasValue():
		return nil
	}
	return out.Result.Get(valuePtr)
}

// PollActivityResultOutput is the outcome of an activity: an error, or else a result, which may be nil.
type PollActivityResultOutput struct {
	Result converter.EncodedValue
	Error  error
}

func (c *workflowClient) pollActivityResult(ctx context.Context, in *PollActivityResultInput) (*PollActivityResultOutput, error) {
	run := history.Run{WorkflowID: standalone.WorkflowID(in.ActivityID), RunID: in.RunID}
	if run.RunID == "" {
		start, err := c.find(ctx, run.WorkflowID, "")
		if err != nil {
			return nil, fmt.Errorf("get result of activity %q: %w", in.ActivityID, serviceError(err))
		}
		run = start.Run.Run
	}
	closed, err := c.awaitClose(ctx, run, nil, false)
	if err != nil {
		return nil, fmt.Errorf("get result of activity %q: %w", in.ActivityID, serviceError(err))
	}
	var whose converter.SerializationContext
	if c.contextual {
		_, spec, err := c.readStandalone(ctx, &DescribeActivityInput{ActivityID: in.ActivityID, RunID: run.RunID})
		if err != nil {
			return nil, fmt.Errorf("get result of activity %q: %w", in.ActivityID, serviceError(err))
		}
		whose = c.ofStandalone(in.ActivityID, spec.Type, spec.TaskQueue)
	}
	e := closed.Closing.Events[len(closed.Closing.Events)-1]
	payloads, cause := activityOutcome(e)
	if cause == nil {
		return &PollActivityResultOutput{Result: converter.NewEncodedValue(payloads, c.converterOf(whose))}, nil
	}
	if e.ClosedStatus() == enums.WORKFLOW_EXECUTION_STATUS_TERMINATED {
		return &PollActivityResultOutput{Error: millrace.NewTerminatedError()}, nil
	}
	return &PollActivityResultOutput{Error: c.failuresOf(whose).FailureToError(cause)}, nil
}

func (h *activityHandle) Cancel(ctx context.Context, options CancelActivityOptions) error {
	in := &CancelActivityInput{ActivityID: h.id, RunID: h.runID, Reason: options.Reason}
	if h.client.interceptor != nil {
		return h.client.interceptor.CancelActivity(ctx, in)
	}
	return h.client.cancelActivity(ctx, in)
}

func (c *workflowClient) cancelActivity(ctx context.Context, in *CancelActivityInput) error {
	return c.cancelWorkflow(ctx, CancelWorkflowOptions{WorkflowID: standalone.WorkflowID(in.ActivityID), RunID: in.RunID, Reason: in.Reason})
}

func (h *activityHandle) Terminate(ctx context.Context, options TerminateActivityOptions) error {
	in := &TerminateActivityInput{ActivityID: h.id, RunID: h.runID, Reason: options.Reason}
	if h.client.interceptor != nil {
		return h.client.interceptor.TerminateActivity(ctx, in)
	}
	return h.client.terminateActivity(ctx, in)
}

func (c *workflowClient) terminateActivity(ctx context.Context, in *TerminateActivityInput) error {
	return c.terminateWorkflow(ctx, TerminateWorkflowOptions{WorkflowID: standalone.WorkflowID(in.ActivityID), RunID: in.RunID, Reason: in.Reason})
}

func (h *activityHandle) Describe(ctx context.Context, _ DescribeActivityOptions) (*ActivityExecutionDescription, error) {
	in := &DescribeActivityInput{ActivityID: h.id, RunID: h.runID}
	if h.client.interceptor == nil {
		return h.client.describeStandalone(ctx, in)
	}
	out, err := h.client.interceptor.DescribeActivity(ctx, in)
	if err != nil {
		return nil, err
	}
	return out.Description, nil
}

// activityOutcome is outcome for the workflow around an activity: its failure is the activity's.
func activityOutcome(e history.Event) (*common.Payloads, *failure.Failure) {
	payloads, cause := outcome(e)
	if cause != nil && cause.ActivityFailureInfo != nil && cause.Cause != nil {
		cause = cause.Cause
	}
	return payloads, cause
}

// readStandalone reads what is known of an activity.
func (c *workflowClient) readStandalone(ctx context.Context, in *DescribeActivityInput) (*history.State, *standalone.Spec, error) {
	h, err := c.readHistory(ctx, standalone.WorkflowID(in.ActivityID), in.RunID)
	if err != nil {
		return nil, nil, err
	}
	s, err := h.State()
	if err != nil {
		return nil, nil, err
	}
	if s.Start.Type != standalone.WorkflowType {
		return nil, nil, fmt.Errorf("run %s is no activity: %w", s.Start.Run.Run, streams.ErrNotFound)
	}
	var spec standalone.Spec
	if err := c.payloads.Converter(converter.GetDefaultDataConverter()).FromPayloads(s.Start.Input, &spec); err != nil {
		return nil, nil, fmt.Errorf("run %s: %w", s.Start.Run.Run, err)
	}
	return s, &spec, nil
}
