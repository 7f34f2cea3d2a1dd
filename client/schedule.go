package client

import (
	"context"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/workflow"
)

// ScheduleClient creates and finds schedules. A daemon (`millrace daemon`, or `millrace dev`) serves them: without one they
// are stored, but take no actions. All methods are safe for concurrent use.
type ScheduleClient interface {
	// Create makes a schedule. It fails with millrace.ErrScheduleAlreadyRunning when the ID is taken, and with a
	// *serviceerror.InvalidArgument that names the field when something in the options is wrong.
	Create(ctx context.Context, options ScheduleOptions) (ScheduleHandle, error)
	// List yields the schedules of the namespace, newest first. Each is asked for when Next comes to it.
	List(ctx context.Context, options ScheduleListOptions) (ScheduleListIterator, error)
	// GetHandle is a handle on a schedule, without asking whether it exists.
	GetHandle(ctx context.Context, scheduleID string) ScheduleHandle
}

// ScheduleHandle is a handle on a schedule. It holds no resources and is safe for concurrent use. For a schedule that does
// not exist its methods fail with a *serviceerror.NotFound. All but GetID and Delete need a daemon, for which they wait 10
// seconds unless the context has a deadline.
type ScheduleHandle interface {
	GetID() string
	// Delete ends the schedule. Runs that it has started go on.
	Delete(ctx context.Context) error
	// Backfill takes the actions of times that have passed, or have yet to come, all at once.
	Backfill(ctx context.Context, options ScheduleBackfillOptions) error
	// Update changes the schedule to what a function makes of its description. Of two updates at the same time one may be
	// lost.
	Update(ctx context.Context, options ScheduleUpdateOptions) error
	// Describe tells what the schedule is and what it has done.
	Describe(ctx context.Context) (*ScheduleDescription, error)
	// Trigger takes the action now, even if the schedule is paused or has no actions left.
	Trigger(ctx context.Context, options ScheduleTriggerOptions) error
	// Pause keeps the schedule from taking actions; their times pass unused. It replaces the note.
	Pause(ctx context.Context, options SchedulePauseOptions) error
	// Unpause lets the schedule go on with the times to come. It replaces the note.
	Unpause(ctx context.Context, options ScheduleUnpauseOptions) error
}

// ScheduleListIterator yields schedules. It is for one goroutine.
type ScheduleListIterator interface {
	// HasNext says whether Next has something: a schedule or an error.
	HasNext() bool
	Next() (*ScheduleListEntry, error)
}

// ScheduleOptions say what schedule to create. ID and Action are required.
type ScheduleOptions struct {
	// ID is the schedule's, up to the limit for workflow IDs.
	ID string
	// Spec says when the action is taken.
	Spec ScheduleSpec
	// Action is a *ScheduleWorkflowAction.
	Action ScheduleAction
	// Overlap applies when an action is due while a run of an earlier one is open. Default: skip it.
	Overlap enums.ScheduleOverlapPolicy
	// CatchupWindow is how late an action may be taken, when nobody served the schedule at its time. Default a year, at
	// least 10 s.
	CatchupWindow time.Duration
	// PauseOnFailure pauses the schedule when a run fails or times out.
	PauseOnFailure bool
	// Note is for people. A pause replaces it.
	Note string
	// Paused creates the schedule as a paused one.
	Paused bool
	// RemainingActions is how many actions are taken; triggers and backfills do not count. 0 is no limit.
	RemainingActions int
	// TriggerImmediately takes the action once at the beginning.
	TriggerImmediately bool
	// ScheduleBackfill takes the actions of these times at the beginning.
	ScheduleBackfill []ScheduleBackfill
	// Memo is shown with the schedule.
	Memo map[string]interface{}
	// TypedSearchAttributes are shown with the schedule.
	TypedSearchAttributes millrace.SearchAttributes
	// SearchAttributes are those whose types follow from the Go types of their values, instead of TypedSearchAttributes.
	//
	// Deprecated: use TypedSearchAttributes.
	SearchAttributes map[string]interface{}
}

// ScheduleSpec is a set of times: those of Calendars, Intervals and CronExpressions, without those of Skip.
type ScheduleSpec struct {
	Calendars []ScheduleCalendarSpec `json:"calendars,omitempty"`
	Intervals []ScheduleIntervalSpec `json:"intervals,omitempty"`
	// CronExpressions have five fields: minute, hour, day of month, month and day of week, where both kinds of day have to
	// match; a sixth for the year, and one more at the front for the second. Or they are @yearly, @monthly, @weekly, @daily,
	// @hourly, or "@every 90m" or "@every 1d/6h" with a phase. "TZ=zone" in front sets TimeZoneName, "# text" at the end is
	// a comment. A description has calendars and intervals in their place.
	CronExpressions []string `json:"cronExpressions,omitempty"`
	// Skip has the times to leave out; all fields have to match, the second too.
	Skip []ScheduleCalendarSpec `json:"skip,omitempty"`
	// StartAt and EndAt bound the times and are included. Zero is no bound.
	StartAt time.Time `json:"startAt,omitzero"`
	EndAt   time.Time `json:"endAt,omitzero"`
	// Jitter postpones each time by up to this much, but not beyond the next time. How much depends on the schedule's ID
	// and the time.
	Jitter time.Duration `json:"jitter,omitempty"`
	// TimeZoneName is the IANA name of the zone of Calendars and Skip. What matches is the clock: 2:30 is left out on the
	// day on which the clock goes from 2 to 3, and is there twice when it goes back. The daemon has to know the zone.
	// Default UTC.
	TimeZoneName string `json:"timeZoneName,omitempty"`
}

// ScheduleCalendarSpec matches the times all of whose fields are in one of the ranges. Second, Minute and Hour without a
// range match 0; other fields without one match always.
type ScheduleCalendarSpec struct {
	Second     []ScheduleRange `json:"second,omitempty"`     // 0 to 59
	Minute     []ScheduleRange `json:"minute,omitempty"`     // 0 to 59
	Hour       []ScheduleRange `json:"hour,omitempty"`       // 0 to 23
	DayOfMonth []ScheduleRange `json:"dayOfMonth,omitempty"` // 1 to 31
	Month      []ScheduleRange `json:"month,omitempty"`      // 1 to 12
	Year       []ScheduleRange `json:"year,omitempty"`       // 1970 to 2100
	DayOfWeek  []ScheduleRange `json:"dayOfWeek,omitempty"`  // 0, Sunday, to 6
	// Comment is for people.
	Comment string `json:"comment,omitempty"`
}

// ScheduleIntervalSpec matches the times that are a multiple of Every, plus Offset, after the beginning of 1970 in UTC.
type ScheduleIntervalSpec struct {
	// Every is at least 100 ms.
	Every time.Duration `json:"every"`
	// Offset is less than Every.
	Offset time.Duration `json:"offset,omitempty"`
}

// ScheduleRange is Start, Start + Step and so on, up to and including End. An End before Start stands for Start, a Step of
// 0 for 1.
type ScheduleRange struct {
	Start int `json:"start"`
	End   int `json:"end,omitempty"`
	Step  int `json:"step,omitempty"`
}

// ScheduleAction is what a schedule does: a *ScheduleWorkflowAction.
type ScheduleAction interface{ isScheduleAction() }

// ScheduleWorkflowAction starts a workflow. Workflow and TaskQueue are required. The runs have the search attributes
// TemporalScheduledById and TemporalScheduledStartTime, the time without jitter.
type ScheduleWorkflowAction struct {
	// ID begins the workflow IDs; "-" and the scheduled time follow. Default: a new UUID.
	ID string `json:"id,omitempty"`
	// Workflow is a function or a registered name. In a description it is the name.
	Workflow interface{} `json:"workflow,omitempty"`
	// Args are the workflow's arguments. In a description each is a *common.Payload, and may be given back as such.
	Args []interface{} `json:"args,omitempty"`
	// TaskQueue is the queue whose workers run the workflow.
	TaskQueue string `json:"taskQueue,omitempty"`
	// WorkflowExecutionTimeout, WorkflowRunTimeout, WorkflowTaskTimeout, RetryPolicy, TypedSearchAttributes,
	// StaticSummary and StaticDetails are those of StartWorkflowOptions.
	WorkflowExecutionTimeout time.Duration         `json:"workflowExecutionTimeout,omitempty"`
	WorkflowRunTimeout       time.Duration         `json:"workflowRunTimeout,omitempty"`
	WorkflowTaskTimeout      time.Duration         `json:"workflowTaskTimeout,omitempty"`
	RetryPolicy              *millrace.RetryPolicy `json:"retryPolicy,omitempty"`
	// Memo is shown with the runs. In a description each value is a *common.Payload, and may be given back as such.
	Memo                  map[string]interface{}    `json:"memo,omitempty"`
	TypedSearchAttributes millrace.SearchAttributes `json:"-"`
	// UntypedSearchAttributes are those of a description whose type is not known. An update keeps them.
	//
	// Deprecated: use TypedSearchAttributes.
	UntypedSearchAttributes map[string]*common.Payload `json:"untypedSearchAttributes,omitempty"`
	StaticSummary           string                     `json:"staticSummary,omitempty"`
	StaticDetails           string                     `json:"staticDetails,omitempty"`
	// Priority is that of StartWorkflowOptions.
	Priority millrace.Priority `json:"priority,omitzero"`
	// VersioningOverride is that of StartWorkflowOptions.
	VersioningOverride VersioningOverride `json:"-"`
}

func (*ScheduleWorkflowAction) isScheduleAction() {}

// Schedule is the part of a schedule that Update can change.
type Schedule struct {
	Action ScheduleAction    `json:"action,omitempty"`
	Spec   *ScheduleSpec     `json:"spec,omitempty"`
	Policy *SchedulePolicies `json:"policy,omitempty"`
	State  *ScheduleState    `json:"state,omitempty"`
}

// SchedulePolicies are described at ScheduleOptions.
type SchedulePolicies struct {
	Overlap        enums.ScheduleOverlapPolicy `json:"overlap,omitempty"`
	CatchupWindow  time.Duration               `json:"catchupWindow,omitempty"`
	PauseOnFailure bool                        `json:"pauseOnFailure,omitempty"`
}

// ScheduleState says whether a schedule takes actions.
type ScheduleState struct {
	Note   string `json:"note,omitempty"`
	Paused bool   `json:"paused"`
	// LimitedActions makes RemainingActions count: the actions that are left, without triggers and backfills.
	LimitedActions   bool `json:"limitedActions,omitempty"`
	RemainingActions int  `json:"remainingActions,omitempty"`
}

// ScheduleDescription is what Describe tells.
type ScheduleDescription struct {
	Schedule              Schedule                  `json:"schedule,omitempty"`
	Info                  ScheduleInfo              `json:"info,omitempty"`
	Memo                  *common.Memo              `json:"memo,omitempty"`
	SearchAttributes      *common.SearchAttributes  `json:"searchAttributes,omitempty"`
	TypedSearchAttributes millrace.SearchAttributes `json:"-"`
}

// ScheduleInfo is what has become of a schedule.
type ScheduleInfo struct {
	// NumActions counts the runs that were started.
	NumActions int `json:"numActions,omitempty"`
	// NumActionsMissedCatchupWindow counts the times that were too late, at most 10,000 at a time.
	NumActionsMissedCatchupWindow int `json:"numActionsMissedCatchupWindow,omitempty"`
	// NumActionsSkippedOverlap counts the actions that met an open run.
	NumActionsSkippedOverlap int `json:"numActionsSkippedOverlap,omitempty"`
	// RunningWorkflows are the runs that are open, at most the last 100.
	RunningWorkflows []ScheduleWorkflowExecution `json:"runningWorkflows,omitempty"`
	// RecentActions are the last 10, oldest first.
	RecentActions []ScheduleActionResult `json:"recentActions,omitempty"`
	// NextActionTimes are the next 10, with jitter, as if the schedule were not paused.
	NextActionTimes []time.Time `json:"nextActionTimes,omitempty"`
	CreatedAt       time.Time   `json:"createdAt,omitzero"`
	// LastUpdateAt is zero before the first Update.
	LastUpdateAt time.Time `json:"lastUpdateAt,omitzero"`
}

// ScheduleActionResult is an action that was taken.
type ScheduleActionResult struct {
	// ScheduleTime is when it was due, with jitter; ActualTime when it was taken.
	ScheduleTime        time.Time                  `json:"scheduleTime,omitzero"`
	ActualTime          time.Time                  `json:"actualTime,omitzero"`
	StartWorkflowResult *ScheduleWorkflowExecution `json:"startWorkflowResult,omitempty"`
}

// ScheduleWorkflowExecution names a run that a schedule has started. Others may have taken over from it.
type ScheduleWorkflowExecution struct {
	WorkflowID          string `json:"workflowId,omitempty"`
	FirstExecutionRunID string `json:"firstExecutionRunId,omitempty"`
}

// ScheduleListOptions are the options of ScheduleClient.List.
type ScheduleListOptions struct {
	// PageSize is accepted and changes nothing.
	PageSize int
	// Query has to be empty: schedules cannot be searched yet.
	Query string
}

// ScheduleListEntry is a line of a list of schedules.
type ScheduleListEntry struct {
	ID     string        `json:"id,omitempty"`
	Spec   *ScheduleSpec `json:"spec,omitempty"`
	Note   string        `json:"note,omitempty"`
	Paused bool          `json:"paused"`
	// WorkflowType is that of the action.
	WorkflowType workflow.Type `json:"workflowType,omitempty"`
	// RecentActions are the last 5, oldest first; NextActionTimes the next 5.
	RecentActions    []ScheduleActionResult   `json:"recentActions,omitempty"`
	NextActionTimes  []time.Time              `json:"nextActionTimes,omitempty"`
	Memo             *common.Memo             `json:"memo,omitempty"`
	SearchAttributes *common.SearchAttributes `json:"searchAttributes,omitempty"`
}

// ScheduleTriggerOptions are the options of ScheduleHandle.Trigger.
type ScheduleTriggerOptions struct {
	// Overlap is used in place of the schedule's policy. Default: the schedule's policy.
	Overlap enums.ScheduleOverlapPolicy
}

// SchedulePauseOptions are the options of ScheduleHandle.Pause.
type SchedulePauseOptions struct {
	// Note says why. Default: that the schedule was paused.
	Note string
}

// ScheduleUnpauseOptions are the options of ScheduleHandle.Unpause.
type ScheduleUnpauseOptions struct {
	// Note says why. Default: that the schedule was unpaused.
	Note string
}

// ScheduleBackfill are the times from Start to End, both included.
type ScheduleBackfill struct {
	Start time.Time
	End   time.Time
	// Overlap is used in place of the schedule's policy. Default: the schedule's policy.
	Overlap enums.ScheduleOverlapPolicy
}

// ScheduleBackfillOptions are the options of ScheduleHandle.Backfill.
type ScheduleBackfillOptions struct {
	// Backfill are the times whose actions are taken, in this order.
	Backfill []ScheduleBackfill
}

// ScheduleUpdateOptions are the options of ScheduleHandle.Update.
type ScheduleUpdateOptions struct {
	// DoUpdate returns what the schedule is to be. An error ends the update; millrace.ErrSkipScheduleUpdate does so without
	// making it fail.
	DoUpdate func(ScheduleUpdateInput) (*ScheduleUpdate, error)
}

// ScheduleUpdateInput is what an update begins with.
type ScheduleUpdateInput struct {
	Description ScheduleDescription
}

// ScheduleUpdate is what a schedule is to be. Policy and State of the Schedule that are nil stay as they are.
type ScheduleUpdate struct {
	Schedule *Schedule
	// TypedSearchAttributes are the schedule's from now on. Nil leaves them as they are.
	TypedSearchAttributes *millrace.SearchAttributes
}
