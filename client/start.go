package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/cron"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/retry"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/workflow"
)

// StartWorkflowOptions say how to start a workflow. TaskQueue is required.
type StartWorkflowOptions struct {
	// ID is the workflow ID: at most one run of it is open at a time. Default: a new UUID.
	ID string
	// TaskQueue is the queue whose workers run the workflow.
	TaskQueue string
	// WorkflowExecutionTimeout bounds the run with its retries and successors, WorkflowRunTimeout one run; 0 is
	// unlimited.
	WorkflowExecutionTimeout time.Duration
	WorkflowRunTimeout       time.Duration
	// WorkflowTaskTimeout is accepted and kept; what bounds one stretch of workflow code is
	// worker.Options.DeadlockDetectionTimeout.
	WorkflowTaskTimeout time.Duration
	// WorkflowIDReusePolicy applies when the last run of the ID is closed. Default: allow duplicate.
	WorkflowIDReusePolicy enums.WorkflowIdReusePolicy
	// WorkflowIDConflictPolicy applies when a run of the ID is open. Default: fail.
	WorkflowIDConflictPolicy enums.WorkflowIdConflictPolicy
	// WorkflowExecutionErrorWhenAlreadyStarted makes ExecuteWorkflow fail rather than return the run that is in the way.
	WorkflowExecutionErrorWhenAlreadyStarted bool
	// RetryPolicy retries the whole workflow when it fails or times out. Default: no retry.
	RetryPolicy *millrace.RetryPolicy
	// CronSchedule repeats the workflow: five fields (minute, hour, day of month, month, day of week), @daily and the like,
	// or @every with a duration; in UTC, unless it begins with CRON_TZ= and a time zone. The run, and each one after it,
	// begins at the next time that the schedule names after its predecessor has closed. It ends by cancellation, by
	// termination, or when WorkflowExecutionTimeout has passed. Default: no schedule. It excludes StartDelay.
	CronSchedule string
	// Memo is shown with the run. Default: none.
	Memo map[string]interface{}
	// TypedSearchAttributes are indexed information about the run. Default: none.
	TypedSearchAttributes millrace.SearchAttributes
	// SearchAttributes are those whose types follow from the Go types of their values, instead of TypedSearchAttributes.
	//
	// Deprecated: use TypedSearchAttributes.
	SearchAttributes map[string]interface{}
	// EnableEagerStart is accepted and changes nothing: a start is durable before anybody runs it, and reaches a worker of
	// this process like any other.
	EnableEagerStart bool
	// Priority orders the activity tasks of the run, and of its children, where they name none.
	Priority millrace.Priority
	// StartDelay postpones the first stretch of workflow code.
	StartDelay time.Duration
	// StaticSummary and StaticDetails are shown with the run.
	StaticSummary string
	StaticDetails string
	// VersioningOverride says which version of the workers decides for the run. Default: the workflow's versioning behavior
	// does. A version that no worker has run for the task queue is refused.
	VersioningOverride VersioningOverride
}

// ExecuteWorkflow is documented at Client.
func (c *workflowClient) ExecuteWorkflow(ctx context.Context, options StartWorkflowOptions, workflow interface{}, args ...interface{}) (WorkflowRun, error) {
	if c.interceptor != nil {
		name, err := calledName(workflow)
		if err != nil {
			return nil, err
		}
		return c.interceptor.ExecuteWorkflow(outgoing(ctx), &ExecuteWorkflowInput{Options: &options, WorkflowType: name, Args: args})
	}
	return c.executeWorkflow(ctx, options, workflow, args)
}

func (c *workflowClient) executeWorkflow(ctx context.Context, options StartWorkflowOptions, workflow interface{}, args []interface{}) (WorkflowRun, error) {
	start, err := c.newStart(ctx, options, workflow, args)
	if err != nil {
		return nil, err
	}
	n := c.expect(start)
	run, err := c.start(ctx, start, options, options.WorkflowIDConflictPolicy)
	if err != nil {
		var already *streams.AlreadyStartedError
		if !errors.As(err, &already) || options.WorkflowExecutionErrorWhenAlreadyStarted {
			c.forget(n)
			return nil, fmt.Errorf("execute workflow %q: %w", start.Run.WorkflowID, serviceError(err))
		}
		run = already.Run
	}
	c.discardUnused(ctx, start, run.Run)
	return c.handle(run.Run, start, n), nil
}

// expect prepares a start, before it is published, so that this client is told of the end of the run.
func (c *workflowClient) expect(start *history.Start) *notice {
	if c.notices == nil {
		return nil
	}
	n := c.notices.expect(start.Run.RunID)
	if n != nil {
		start.Waiter = c.notices.waiter
	}
	return n
}

func (c *workflowClient) forget(n *notice) {
	if n != nil {
		c.notices.forget(n)
	}
}

func (c *workflowClient) start(ctx context.Context, start *history.Start, o StartWorkflowOptions, conflict enums.WorkflowIdConflictPolicy) (history.Address, error) {
	if err := c.ns.Limits().CheckAside(start.Aside()); err != nil {
		return history.Address{}, err
	}
	return streams.StartRun(ctx, c.ns, streams.StartRequest{Start: start, Reuse: o.WorkflowIDReusePolicy, Conflict: conflict})
}

// maxTypeName and maxSignalName bound names in bytes, as for children and signals of workflow code.
const (
	maxTypeName   = 1000
	maxSignalName = 1000
)

// newStart makes a start of the options, the workflow and its arguments.
func (c *workflowClient) newStart(ctx context.Context, o StartWorkflowOptions, callee interface{}, args []interface{}) (*history.Start, error) {
	name, err := calledName(callee)
	if err != nil {
		return nil, err
	}
	if o.ID == "" {
		o.ID = uuid.NewString()
	}
	if name == "" || len(name) > maxTypeName {
		return nil, serviceerror.NewInvalidArgument(fmt.Sprintf("execute workflow %.100q: the workflow type has %d bytes, must be 1 to %d",
			name, len(name), maxTypeName))
	}
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("execute workflow %s: %w", name, err)
	}
	runID, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("execute workflow %s: choose a run ID: %w", name, err)
	}
	run := history.Run{WorkflowID: o.ID, RunID: runID.String()}
	input, err := c.encodeIn(ctx, c.ofWorkflow(o.ID), args)
	if err == nil {
		input, err = c.outsource(ctx, run, input)
	}
	if err != nil {
		return nil, fmt.Errorf("execute workflow %s: arguments: %w", name, err)
	}
	header, err := c.header(ctx)
	if err != nil {
		return nil, fmt.Errorf("execute workflow %s: %w", name, err)
	}
	memo, search, err := c.encodeNotes(o, run)
	if err != nil {
		return nil, fmt.Errorf("execute workflow %s: %w", name, err)
	}
	override, build, err := c.place(ctx, o, name)
	if err != nil {
		return nil, fmt.Errorf("execute workflow %s: choose a build: %w", name, serviceError(err))
	}
	start := &history.Start{
		Run:              history.Address{Run: run, Queue: o.TaskQueue, Build: build},
		Type:             name,
		Input:            input,
		Header:           header,
		Memo:             memo,
		Search:           search,
		Time:             time.Now().Round(0).UTC(),
		Delay:            history.MillisOf(o.StartDelay),
		ExecutionTimeout: history.MillisOf(o.WorkflowExecutionTimeout),
		RunTimeout:       history.MillisOf(o.WorkflowRunTimeout),
		TaskTimeout:      history.MillisOf(o.WorkflowTaskTimeout),
		RetryPolicy:      history.RetryPolicyOf(o.RetryPolicy),
		Attempt:          1,
		Identity:         c.options.Identity,
		CronSchedule:     o.CronSchedule,
		StaticSummary:    o.StaticSummary,
		StaticDetails:    o.StaticDetails,
		Versioning:       override,
		Priority:         history.PriorityOf(o.Priority),
	}
	return start, o.time(start)
}

// time sets what depends on when the run begins.
func (o StartWorkflowOptions) time(start *history.Start) error {
	if o.CronSchedule != "" {
		at, err := cron.Next(o.CronSchedule, start.Time, start.Time)
		if err != nil {
			return serviceerror.NewInvalidArgument(fmt.Sprintf("StartWorkflowOptions.CronSchedule: %v", err))
		}
		start.Delay = history.MillisOf(at.Sub(start.Time))
	}
	if o.WorkflowExecutionTimeout > 0 {
		start.ExecutionExpiry = start.Time.Add(start.Delay.Duration() + o.WorkflowExecutionTimeout)
	}
	return nil
}

// calledName is the type of a workflow that is given by its function or its registered name.
func calledName(callee interface{}) (string, error) {
	if name, ok := callee.(string); ok {
		return name, nil
	}
	name, err := workflow.FunctionName(callee)
	if err != nil {
		return "", fmt.Errorf("execute workflow: a function or a registered name is needed: %w", err)
	}
	return name, nil
}

// validate names the field that is wrong, its value and what it may be.
func (o StartWorkflowOptions) validate() error {
	if o.TaskQueue == "" {
		return serviceerror.NewInvalidArgument("StartWorkflowOptions.TaskQueue is empty: name the queue that the workers serve")
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{
		{"WorkflowExecutionTimeout", o.WorkflowExecutionTimeout},
		{"WorkflowRunTimeout", o.WorkflowRunTimeout},
		{"WorkflowTaskTimeout", o.WorkflowTaskTimeout},
		{"StartDelay", o.StartDelay},
	} {
		if d.value < 0 {
			return serviceerror.NewInvalidArgument(fmt.Sprintf("StartWorkflowOptions.%s is %v: it cannot be negative", d.field, d.value))
		}
	}
	if o.CronSchedule != "" && o.StartDelay > 0 {
		return serviceerror.NewInvalidArgument("StartWorkflowOptions.CronSchedule and StartDelay exclude each other")
	}
	if o.WorkflowIDReusePolicy == enums.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING &&
		o.WorkflowIDConflictPolicy != enums.WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED {
		return serviceerror.NewInvalidArgument("StartWorkflowOptions.WorkflowIDReusePolicy TerminateIfRunning contradicts " +
			"WorkflowIDConflictPolicy: set WorkflowIDConflictPolicy only")
	}
	if len(o.SearchAttributes) > 0 && o.TypedSearchAttributes.Size() > 0 {
		return serviceerror.NewInvalidArgument("StartWorkflowOptions.SearchAttributes contradicts TypedSearchAttributes: " +
			"set TypedSearchAttributes only")
	}
	if err := history.CheckPriority(o.Priority); err != nil {
		return serviceerror.NewInvalidArgument("StartWorkflowOptions." + err.Error())
	}
	if o.RetryPolicy != nil {
		if err := retry.Validate(retry.WithDefaults(o.RetryPolicy)); err != nil {
			return serviceerror.NewInvalidArgument("StartWorkflowOptions." + err.Error())
		}
	}
	return nil
}

// encode makes payloads of values, within the size that may be stored. Those too large for messages are still among them.
func (c *workflowClient) encode(whose converter.SerializationContext, values []interface{}) (*common.Payloads, error) {
	return c.encodeIn(context.Background(), whose, values)
}

// encodeIn is encode for a data converter that may depend on the caller's context.
func (c *workflowClient) encodeIn(ctx context.Context, whose converter.SerializationContext, values []interface{}) (*common.Payloads, error) {
	if len(values) == 0 {
		return nil, nil
	}
	p, err := c.converter(ctx, whose).ToPayloads(values...)
	if err != nil {
		return nil, err
	}
	if size, limit := p.Size(), c.payloads.MaxSize(); size > limit {
		return nil, serviceerror.NewInvalidArgument(fmt.Sprintf("%d bytes, the limit is %d", size, limit))
	}
	return p, nil
}

// encodeNotes encodes what describes the run: its memo and its search attributes.
func (c *workflowClient) encodeNotes(o StartWorkflowOptions, run history.Run) (*common.Memo, *common.SearchAttributes, error) {
	memo, err := c.encodeMemo(c.ofWorkflow(o.ID), o.Memo)
	if err != nil {
		return nil, nil, err
	}
	if memo != nil {
		c.warnOfMemo(run, memo)
	}
	search, err := o.encodeSearch()
	if err != nil {
		return nil, nil, serviceerror.NewInvalidArgument(fmt.Sprintf("StartWorkflowOptions: %v", err))
	}
	return memo, search, nil
}

func (o StartWorkflowOptions) encodeSearch() (*common.SearchAttributes, error) {
	if len(o.SearchAttributes) > 0 {
		return history.EncodeUntypedSearch(o.SearchAttributes)
	}
	return history.EncodeSearch(o.TypedSearchAttributes)
}

func (c *workflowClient) encodeMemo(whose converter.SerializationContext, memo map[string]interface{}) (*common.Memo, error) {
	if len(memo) == 0 {
		return nil, nil
	}
	fields := make(map[string]*common.Payload, len(memo))
	for key, value := range memo {
		p, err := c.converterOf(whose).ToPayload(value)
		if err != nil {
			return nil, fmt.Errorf("memo field %q: %w", key, err)
		}
		fields[key] = p
	}
	return &common.Memo{Fields: fields}, nil
}
