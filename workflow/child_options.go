package workflow

import (
	"fmt"
	"maps"
	"slices"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/cron"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/retry"
)

// ChildWorkflowOptions say how the child workflows of a context run. Time-outs are rounded up to whole milliseconds.
type ChildWorkflowOptions struct {
	// Namespace must be empty or the workflow's own: children elsewhere are not supported yet.
	Namespace string

	// WorkflowID is the child's workflow ID. Empty means the parent's run ID, "_" and the number of the event that
	// starts the child.
	WorkflowID string

	// TaskQueue is the queue that runs the child. Empty means that of the context, by default the parent's own.
	TaskQueue string

	// WorkflowExecutionTimeout bounds the child with all its retries and successors. 0 means no limit.
	WorkflowExecutionTimeout time.Duration

	// WorkflowRunTimeout bounds each of its runs. 0 means no limit.
	WorkflowRunTimeout time.Duration

	// WorkflowTaskTimeout bounds one stretch of its code. 0 means the coordinator's default.
	WorkflowTaskTimeout time.Duration

	// WaitForCancellation lets the future of a canceled child wait until the child has closed, however it does. By
	// default the future gets ErrCanceled at once.
	WaitForCancellation bool

	// WorkflowIDReusePolicy says whether the child may start when an earlier run of its ID has closed.
	WorkflowIDReusePolicy enums.WorkflowIdReusePolicy

	// RetryPolicy says when a failed run of the child is followed by another. Nil means never.
	RetryPolicy *millrace.RetryPolicy

	// CronSchedule repeats the child, as in client.StartWorkflowOptions. The parent hears of its end when the chain ends: by
	// cancellation, termination or WorkflowExecutionTimeout.
	CronSchedule string

	// Memo is information for people about the child; the values are encoded by the data converter.
	Memo map[string]interface{}

	// SearchAttributes are indexed information about the child, whose types follow from the Go types of the values.
	//
	// Deprecated: use TypedSearchAttributes.
	SearchAttributes map[string]interface{}

	// TypedSearchAttributes are indexed information about the child. A child with these and SearchAttributes does not
	// start.
	TypedSearchAttributes millrace.SearchAttributes

	// ParentClosePolicy says what becomes of the child when the parent closes before it. Unspecified means that it is
	// terminated.
	ParentClosePolicy enums.ParentClosePolicy

	// StaticSummary says in a line, for people, what the child is for.
	StaticSummary string

	// StaticDetails says the same at length.
	StaticDetails string

	// Priority orders the child's tasks. What is zero in it is the parent's.
	Priority millrace.Priority
}

type childKey struct{}

// changeChild returns a context with a changed copy of its child options.
func changeChild(ctx Context, change func(o *ChildWorkflowOptions)) Context {
	o := GetChildWorkflowOptions(ctx)
	change(&o)
	return WithValue(ctx, childKey{}, &o)
}

// WithChildOptions returns a context whose child workflows have the given options in place of earlier ones; but an
// empty Namespace or TaskQueue keeps the earlier one. The run and task time-outs and the task queue are also those of
// a NewContinueAsNewError made with the context.
func WithChildOptions(ctx Context, options ChildWorkflowOptions) Context {
	return changeChild(ctx, func(o *ChildWorkflowOptions) {
		namespace, queue := o.Namespace, o.TaskQueue
		*o = options
		if o.Namespace == "" {
			o.Namespace = namespace
		}
		if o.TaskQueue == "" {
			o.TaskQueue = queue
		}
		o.RetryPolicy = cloneRetryPolicy(o.RetryPolicy)
		o.Memo, o.SearchAttributes = maps.Clone(o.Memo), maps.Clone(o.SearchAttributes)
	})
}

// GetChildWorkflowOptions returns the options of the context's child workflows. Where none were set the time-outs are
// the workflow's own.
func GetChildWorkflowOptions(ctx Context) ChildWorkflowOptions {
	if o, ok := ctx.Value(childKey{}).(*ChildWorkflowOptions); ok {
		c := *o
		c.RetryPolicy = cloneRetryPolicy(o.RetryPolicy)
		c.Memo, c.SearchAttributes = maps.Clone(o.Memo), maps.Clone(o.SearchAttributes)
		return c
	}
	start := runOf(ctx).start()
	return ChildWorkflowOptions{
		TaskQueue:                start.Run.Queue,
		WorkflowExecutionTimeout: start.ExecutionTimeout.Duration(),
		WorkflowRunTimeout:       start.RunTimeout.Duration(),
		WorkflowTaskTimeout:      start.TaskTimeout.Duration(),
	}
}

// WithWorkflowID sets ChildWorkflowOptions.WorkflowID.
func WithWorkflowID(ctx Context, workflowID string) Context {
	return changeChild(ctx, func(o *ChildWorkflowOptions) { o.WorkflowID = workflowID })
}

// WithWorkflowPriority sets ChildWorkflowOptions.Priority.
func WithWorkflowPriority(ctx Context, priority millrace.Priority) Context {
	return changeChild(ctx, func(o *ChildWorkflowOptions) { o.Priority = priority })
}

// WithWorkflowTaskQueue sets ChildWorkflowOptions.TaskQueue.
func WithWorkflowTaskQueue(ctx Context, name string) Context {
	return changeChild(ctx, func(o *ChildWorkflowOptions) { o.TaskQueue = name })
}

// WithWorkflowRunTimeout sets ChildWorkflowOptions.WorkflowRunTimeout.
func WithWorkflowRunTimeout(ctx Context, d time.Duration) Context {
	return changeChild(ctx, func(o *ChildWorkflowOptions) { o.WorkflowRunTimeout = d })
}

// WithWorkflowTaskTimeout sets ChildWorkflowOptions.WorkflowTaskTimeout.
func WithWorkflowTaskTimeout(ctx Context, d time.Duration) Context {
	return changeChild(ctx, func(o *ChildWorkflowOptions) { o.WorkflowTaskTimeout = d })
}

func (o *ChildWorkflowOptions) validate(namespace string) error {
	const what = "child workflow options"
	switch {
	case o.Namespace != "" && o.Namespace != namespace:
		return notSupported(what, fmt.Sprintf("Namespace %q other than the parent's %q", o.Namespace, namespace))
	case len(o.SearchAttributes) > 0 && o.TypedSearchAttributes.Size() > 0:
		return fmt.Errorf("%s: SearchAttributes and TypedSearchAttributes are set: use TypedSearchAttributes alone", what)
	}
	if err := history.CheckPriority(o.Priority); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := notNegative(what, []duration{
		{"WorkflowExecutionTimeout", o.WorkflowExecutionTimeout},
		{"WorkflowRunTimeout", o.WorkflowRunTimeout},
		{"WorkflowTaskTimeout", o.WorkflowTaskTimeout},
	}); err != nil {
		return err
	}
	if err := retry.Validate(o.RetryPolicy); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if o.CronSchedule == "" {
		return nil
	}
	if _, err := cron.Next(o.CronSchedule, time.Time{}, time.Time{}); err != nil {
		return fmt.Errorf("%s: CronSchedule: %w", what, err)
	}
	return nil
}

func (o *ChildWorkflowOptions) encodeSearch() (*common.SearchAttributes, error) {
	if len(o.SearchAttributes) > 0 {
		return history.EncodeUntypedSearch(o.SearchAttributes)
	}
	return history.EncodeSearch(o.TypedSearchAttributes)
}

// encodeMemo encodes the fields in a fixed order, so that the same one fails each time.
// It belongs to whose, nil for the run itself.
func (r *run) encodeMemo(memo map[string]interface{}, whose converter.SerializationContext) (*common.Memo, error) {
	if len(memo) == 0 {
		return nil, nil
	}
	fields := make(map[string]*common.Payload, len(memo))
	dc := r.usualConverter(nil, whose)
	for _, key := range slices.Sorted(maps.Keys(memo)) {
		p, err := dc.ToPayload(memo[key])
		if err != nil {
			return nil, fmt.Errorf("encode memo %q: %w", key, err)
		}
		fields[key] = p
	}
	return &common.Memo{Fields: fields}, nil
}
