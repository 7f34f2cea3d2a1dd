package schedule

import (
	"fmt"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

const (
	// WorkflowType is the type of the workflow that is a schedule, TaskQueue the queue that daemons serve for it.
	WorkflowType = "millrace.schedule"
	TaskQueue    = "millrace-system"

	// The updates that the workflow takes, with a Pause, a Trigger, a list of Backfill and a Change.
	UpdatePause, UpdateTrigger, UpdateBackfill, UpdateChange = "pause", "trigger", "backfill", "change"
	// QueryDescribe gives the State.
	QueryDescribe = "describe"

	// DefaultCatchupWindow and MinCatchupWindow are the window when none is given, and the shortest.
	DefaultCatchupWindow = 365 * 24 * time.Hour
	MinCatchupWindow     = 10 * time.Second

	workflowIDPrefix = "millrace-schedule:"
)

// WorkflowID is the workflow ID of the schedule id.
func WorkflowID(id string) string { return workflowIDPrefix + id }

// Definition is what a user says about a schedule.
type Definition struct {
	Action   Action   `json:"action"`
	Spec     Spec     `json:"spec"`
	Policies Policies `json:"policies"`

	Note             string `json:"note,omitempty"`
	Paused           bool   `json:"paused,omitempty"`
	LimitedActions   bool   `json:"limitedActions,omitempty"`
	RemainingActions int    `json:"remainingActions,omitempty"`
}

// Action starts a workflow.
type Action struct {
	// ID is the workflow ID to which each run's time is appended.
	ID               string                   `json:"id"`
	Type             string                   `json:"type"`
	TaskQueue        string                   `json:"taskQueue"`
	Args             *common.Payloads         `json:"args,omitempty"`
	ExecutionTimeout time.Duration            `json:"executionTimeout,omitempty"`
	RunTimeout       time.Duration            `json:"runTimeout,omitempty"`
	TaskTimeout      time.Duration            `json:"taskTimeout,omitempty"`
	RetryPolicy      *millrace.RetryPolicy    `json:"retryPolicy,omitempty"`
	Header           *common.Header           `json:"header,omitempty"`
	Memo             *common.Memo             `json:"memo,omitempty"`
	Search           *common.SearchAttributes `json:"search,omitempty"`
	StaticSummary    string                   `json:"staticSummary,omitempty"`
	Priority         millrace.Priority        `json:"priority,omitzero"`
	StaticDetails    string                   `json:"staticDetails,omitempty"`
	Override         *Override                `json:"versioningOverride,omitempty"`
}

// Override says which build decides for the runs: one of a deployment, or with empty names the one that new runs go to.
type Override struct {
	Deployment string `json:"deploymentName,omitempty"`
	Build      string `json:"buildId,omitempty"`
}

// Policies say what happens when actions meet, come late, or fail.
type Policies struct {
	Overlap        enums.ScheduleOverlapPolicy `json:"overlap"`
	CatchupWindow  time.Duration               `json:"catchupWindow"`
	PauseOnFailure bool                        `json:"pauseOnFailure,omitempty"`
}

// Resolved is d with defaults filled in. The error names the field that is wrong, its value and what it may be.
func (d Definition) Resolved() (Definition, error) {
	var err error
	if d.Spec, err = d.Spec.Resolved(); err != nil {
		return d, fmt.Errorf("ScheduleSpec.%w", err)
	}
	if d.Policies.Overlap == enums.SCHEDULE_OVERLAP_POLICY_UNSPECIFIED {
		d.Policies.Overlap = enums.SCHEDULE_OVERLAP_POLICY_SKIP
	}
	if err := CheckOverlap(d.Policies.Overlap); err != nil {
		return d, err
	}
	switch w := d.Policies.CatchupWindow; {
	case w < 0:
		return d, fmt.Errorf("CatchupWindow is %v: it cannot be negative", w)
	case w == 0:
		d.Policies.CatchupWindow = DefaultCatchupWindow
	default:
		d.Policies.CatchupWindow = max(w, MinCatchupWindow)
	}
	if d.RemainingActions < 0 {
		return d, fmt.Errorf("RemainingActions is %d: it cannot be negative", d.RemainingActions)
	}
	return d, nil
}

// CheckOverlap fails for a policy that does not exist.
func CheckOverlap(p enums.ScheduleOverlapPolicy) error {
	if p < enums.SCHEDULE_OVERLAP_POLICY_UNSPECIFIED || p > enums.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL {
		return fmt.Errorf("the overlap policy %d does not exist", p)
	}
	return nil
}

// Pause pauses a schedule or lets it go on.
type Pause struct {
	Paused bool   `json:"paused"`
	Note   string `json:"note"`
}

// Trigger takes the action at once.
type Trigger struct {
	Overlap enums.ScheduleOverlapPolicy `json:"overlap,omitempty"`
}

// Backfill takes the actions of the times from Start to End, both included.
type Backfill struct {
	Start   time.Time                   `json:"start"`
	End     time.Time                   `json:"end"`
	Overlap enums.ScheduleOverlapPolicy `json:"overlap,omitempty"`
}

// Change replaces the definition and, unless it is nil, the search attributes.
type Change struct {
	Definition Definition               `json:"definition"`
	Search     *common.SearchAttributes `json:"search,omitempty"`
}

// Run names a run that a schedule has started: its first one, if others have taken over.
type Run struct {
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId"`
}

// Taken is an action that was taken.
type Taken struct {
	// Scheduled is when it was due, Actual when it was taken.
	Scheduled time.Time `json:"scheduled"`
	Actual    time.Time `json:"actual"`
	Run       Run       `json:"run"`
}

// Start is what an activity needs to start a run.
type Start struct {
	ScheduleID string           `json:"scheduleId"`
	Run        Run              `json:"run"`
	Nominal    time.Time        `json:"nominal"`
	Action     Action           `json:"action"`
	LastResult *common.Payload  `json:"lastResult,omitempty"`
	LastError  *failure.Failure `json:"lastError,omitempty"`
}

// Outcome is how a run ended; one that is still open has none.
type Outcome struct {
	Run    Run                           `json:"run"`
	Status enums.WorkflowExecutionStatus `json:"status"`
	Result *common.Payload               `json:"result,omitempty"`
	Error  *failure.Failure              `json:"error,omitempty"`
}
