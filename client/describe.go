package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/workflow"
)

// WorkflowExecutionDescription is the state of a run.
type WorkflowExecutionDescription struct {
	WorkflowExecutionMetadata
	FirstRunID string
	Attempt    int32
	// SearchAttributes are TypedSearchAttributes as they are stored.
	SearchAttributes             *common.SearchAttributes
	StaticSummary, StaticDetails string
	CancelRequested              bool
	// BuildID is the build that the run is pinned to, empty for none.
	BuildID string
	// VersioningOverride is nil for none.
	VersioningOverride VersioningOverride

	PendingActivities []PendingActivity
	PendingChildren   []PendingChild
	PendingTimers     []PendingTimer
	// Stuck says what keeps the run from going on, empty when nothing is known to: a panic, a change of its code that
	// does not fit its history, code that blocks, or a replay that kills processes. StuckSince is when that was first seen.
	Stuck      string
	StuckSince *time.Time

	dataConverter converter.DataConverter
}

// WorkflowExecutionMetadata is what runs have in common.
type WorkflowExecutionMetadata struct {
	WorkflowExecution workflow.Execution
	WorkflowType      workflow.Type
	TaskQueueName     string
	Status            enums.WorkflowExecutionStatus
	// Memo and TypedSearchAttributes are those that the run has now. WorkflowExecutionDescription.GetMemoValue decodes the
	// former.
	Memo                  *common.Memo
	TypedSearchAttributes millrace.SearchAttributes
	// ParentWorkflowExecution is nil for a run without a parent, RootWorkflowExecution the run itself then.
	ParentWorkflowExecution *workflow.Execution
	RootWorkflowExecution   *workflow.Execution
	WorkflowStartTime       time.Time
	// WorkflowCloseTime is nil while the run is open.
	WorkflowCloseTime *time.Time
	// ExecutionTime is when the code begins, at the earliest: WorkflowStartTime and the delay of the start.
	ExecutionTime *time.Time
	// HistoryLength is the number of events.
	HistoryLength int
}

// GetMemoValue decodes a field of the memo with the client's data converter. It fails when there is none.
func (d *WorkflowExecutionDescription) GetMemoValue(key string, valuePtr interface{}) error {
	p, ok := d.Memo.GetFields()[key]
	if !ok {
		return fmt.Errorf("memo of run %s has no field %q", d.WorkflowExecution.RunID, key)
	}
	if err := d.dataConverter.FromPayload(p, valuePtr); err != nil {
		return fmt.Errorf("memo field %q of run %s: %w", key, d.WorkflowExecution.RunID, err)
	}
	return nil
}

// GetStaticSummary returns StaticSummary. It does not fail.
func (d *WorkflowExecutionDescription) GetStaticSummary() (string, error) {
	return d.StaticSummary, nil
}

// GetStaticDetails returns StaticDetails. It does not fail.
func (d *WorkflowExecutionDescription) GetStaticDetails() (string, error) {
	return d.StaticDetails, nil
}

// MarshalJSON writes executions and types as histories do.
func (d WorkflowExecutionDescription) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Execution         *common.WorkflowExecution     `json:"workflowExecution"`
		Type              common.WorkflowType           `json:"workflowType"`
		TaskQueue         string                        `json:"taskQueue"`
		Status            enums.WorkflowExecutionStatus `json:"status"`
		Start             time.Time                     `json:"startTime"`
		Close             *time.Time                    `json:"closeTime,omitempty"`
		HistoryLength     int                           `json:"historyLength"`
		Parent            *common.WorkflowExecution     `json:"parent,omitempty"`
		Root              *common.WorkflowExecution     `json:"root,omitempty"`
		FirstRunID        string                        `json:"firstRunId"`
		Attempt           int32                         `json:"attempt"`
		Memo              *common.Memo                  `json:"memo,omitempty"`
		SearchAttributes  *common.SearchAttributes      `json:"searchAttributes,omitempty"`
		StaticSummary     string                        `json:"staticSummary,omitempty"`
		StaticDetails     string                        `json:"staticDetails,omitempty"`
		CancelRequested   bool                          `json:"cancelRequested,omitempty"`
		BuildID           string                        `json:"buildId,omitempty"`
		Override          string                        `json:"versioningOverride,omitempty"`
		PendingActivities []PendingActivity             `json:"pendingActivities,omitempty"`
		PendingChildren   []PendingChild                `json:"pendingChildren,omitempty"`
		PendingTimers     []PendingTimer                `json:"pendingTimers,omitempty"`
		Stuck             string                        `json:"stuck,omitempty"`
		StuckSince        *time.Time                    `json:"stuckSince,omitempty"`
	}{
		stored(&d.WorkflowExecution), common.WorkflowType{Name: d.WorkflowType.Name}, d.TaskQueueName, d.Status, d.WorkflowStartTime,
		d.WorkflowCloseTime, d.HistoryLength, stored(d.ParentWorkflowExecution), stored(d.RootWorkflowExecution), d.FirstRunID,
		d.Attempt, d.Memo, d.SearchAttributes, d.StaticSummary, d.StaticDetails, d.CancelRequested, d.BuildID, OverrideName(d.VersioningOverride), d.PendingActivities,
		d.PendingChildren, d.PendingTimers, d.Stuck, d.StuckSince,
	})
}

// stored is an execution as histories have it.
func stored(e *workflow.Execution) *common.WorkflowExecution {
	if e == nil {
		return nil
	}
	return &common.WorkflowExecution{WorkflowId: e.ID, RunId: e.RunID}
}

// PendingActivity is an activity without an outcome.
type PendingActivity struct {
	ActivityID   string                     `json:"activityId"`
	ActivityType common.ActivityType        `json:"activityType"`
	TaskQueue    string                     `json:"taskQueue"`
	State        enums.PendingActivityState `json:"state"`
	Scheduled    time.Time                  `json:"scheduledTime"`
	// Attempt is the newest attempt known to have begun, 0 for none; LastWorker ran it since LastStarted. A first attempt is
	// known by its first heartbeat: without one, State stays scheduled.
	Attempt     int32      `json:"attempt"`
	LastWorker  string     `json:"lastWorker,omitempty"`
	LastStarted *time.Time `json:"lastStartedTime,omitempty"`
	// LastFailure ended the attempt before.
	LastFailure      *failure.Failure `json:"lastFailure,omitempty"`
	HeartbeatDetails *common.Payloads `json:"heartbeatDetails,omitempty"`
	LastHeartbeat    *time.Time       `json:"lastHeartbeatTime,omitempty"`
	// Pause says who has paused the activity, nil when it is not paused.
	Pause *ActivityPause `json:"pauseInfo,omitempty"`

	// running says that an attempt is known to be made.
	running bool
}

// ActivityPause says who has paused an activity, why and when.
type ActivityPause struct {
	Time     time.Time `json:"pauseTime"`
	Identity string    `json:"identity,omitempty"`
	Reason   string    `json:"reason,omitempty"`
}

// PendingChild is a child that has not closed. RunID is empty until it has started.
type PendingChild struct {
	WorkflowID   string              `json:"workflowId"`
	RunID        string              `json:"runId,omitempty"`
	WorkflowType common.WorkflowType `json:"workflowType"`
}

// PendingTimer is a timer that has not fired.
type PendingTimer struct {
	StartedEventID int64     `json:"startedEventId"`
	Due            time.Time `json:"due"`
}

// DescribeWorkflow is documented at Client.
func (c *workflowClient) DescribeWorkflow(ctx context.Context, workflowID string, runID string) (*WorkflowExecutionDescription, error) {
	if c.interceptor != nil {
		out, err := c.interceptor.DescribeWorkflow(ctx, &DescribeWorkflowInput{WorkflowID: workflowID, RunID: runID})
		if err != nil {
			return nil, err
		}
		return out.Response, nil
	}
	return c.describeWorkflow(ctx, workflowID, runID)
}

func (c *workflowClient) describeWorkflow(ctx context.Context, workflowID, runID string) (*WorkflowExecutionDescription, error) {
	d, err := c.describe(ctx, workflowID, runID)
	if err != nil {
		return nil, fmt.Errorf("describe workflow %q: %w", workflowID, serviceError(err))
	}
	return d, nil
}

func (c *workflowClient) describe(ctx context.Context, workflowID, runID string) (*WorkflowExecutionDescription, error) {
	h, err := c.readHistory(ctx, workflowID, runID)
	if err != nil {
		return nil, err
	}
	s, err := h.State()
	if err != nil {
		return nil, err
	}
	d := describeState(s)
	d.dataConverter = c.converterOf(c.ofWorkflow(s.Start.Run.WorkflowID))
	if s.Closed() {
		return d, nil
	}
	for _, id := range slices.Sorted(maps.Keys(s.Activities)) {
		a, err := c.describeActivity(ctx, s.Start.Run.Run, s.Activities[id])
		if err != nil {
			return nil, err
		}
		d.PendingActivities = append(d.PendingActivities, a)
	}
	return d, c.describeTrouble(ctx, s.Start.Run.Run, s.Transitions, d)
}

func describeState(s *history.State) *WorkflowExecutionDescription {
	start := s.Start
	begins := start.Time.Add(start.Delay.Duration())
	d := &WorkflowExecutionDescription{
		WorkflowExecutionMetadata: WorkflowExecutionMetadata{
			WorkflowExecution:     execution(start.Run.Run),
			WorkflowType:          workflow.Type{Name: start.Type},
			TaskQueueName:         start.Run.Queue,
			Status:                s.Status,
			Memo:                  s.Memo,
			TypedSearchAttributes: history.DecodeSearch(s.Search),
			WorkflowStartTime:     start.Time,
			ExecutionTime:         &begins,
			HistoryLength:         int(s.LastEvent),
		},
		FirstRunID:       start.FirstRun(),
		Attempt:          max(start.Attempt, 1),
		SearchAttributes: s.Search,
		StaticSummary:    start.StaticSummary,
		StaticDetails:    start.StaticDetails,
		CancelRequested:  s.CancelRequested,
		BuildID:          s.Bound(),

		VersioningOverride: publicOverride(s.Versioning),
	}
	root := execution(start.Run.Run)
	if start.Root != nil {
		root = execution(*start.Root)
	}
	d.RootWorkflowExecution = &root
	if start.Parent != nil {
		parent := execution(start.Parent.Run)
		d.ParentWorkflowExecution = &parent
	}
	if s.Closed() {
		closed := s.Time
		d.WorkflowCloseTime = &closed
		return d
	}
	for _, id := range slices.Sorted(maps.Keys(s.Children)) {
		child := s.Children[id]
		d.PendingChildren = append(d.PendingChildren, PendingChild{WorkflowID: child.Initiated.WorkflowID,
			RunID: child.RunID, WorkflowType: common.WorkflowType{Name: child.Initiated.Type}})
	}
	for _, id := range slices.Sorted(maps.Keys(s.Timers)) {
		d.PendingTimers = append(d.PendingTimers, PendingTimer{StartedEventID: id, Due: s.Timers[id].Due})
	}
	return d
}

func execution(run history.Run) workflow.Execution {
	return workflow.Execution{ID: run.WorkflowID, RunID: run.RunID}
}

func (c *workflowClient) describeActivity(ctx context.Context, run history.Run, a *history.PendingActivity) (PendingActivity, error) {
	p := PendingActivity{
		ActivityID:   a.Scheduled.ActivityID,
		ActivityType: common.ActivityType{Name: a.Scheduled.Type},
		TaskQueue:    a.Scheduled.Queue,
		State:        enums.PENDING_ACTIVITY_STATE_SCHEDULED,
		Scheduled:    a.At,
	}
	data, _, err := c.ns.GetBeat(ctx, run, a.Event)
	if err != nil && !errors.Is(err, streams.ErrNotFound) {
		return p, err
	}
	if beat, err := history.DecodeBeat(data); err == nil {
		p.State, p.Attempt, p.LastWorker = enums.PENDING_ACTIVITY_STATE_STARTED, beat.Attempt, beat.Identity
		p.LastStarted, p.LastHeartbeat = timeOrNil(beat.Started), timeOrNil(beat.Time)
		p.LastFailure, p.HeartbeatDetails = beat.Failure, beat.Details
		p.running = beat.Ended.IsZero()
	}
	p.control(a.Control)
	if a.CancelRequested {
		p.State = enums.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED
	}
	return p, nil
}

// control adds what was asked of the activity. An attempt that may be running makes a pause one that is requested only.
func (p *PendingActivity) control(c *history.Control) {
	if c == nil {
		return
	}
	running := p.State == enums.PENDING_ACTIVITY_STATE_STARTED && p.running
	if c.Parked {
		p.State, running = enums.PENDING_ACTIVITY_STATE_SCHEDULED, false
		p.Attempt = c.Attempt - 1
		if c.Forget {
			p.HeartbeatDetails, p.LastHeartbeat = nil, nil
		}
	}
	if !c.Paused {
		return
	}
	p.Pause = &ActivityPause{Time: c.PausedAt, Identity: c.Identity, Reason: c.Reason}
	if p.State = enums.PENDING_ACTIVITY_STATE_PAUSED; running {
		p.State = enums.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED
	}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// describeTrouble adds what the coordinators noted about a run that does not go on since its last transition.
func (c *workflowClient) describeTrouble(ctx context.Context, run history.Run, transitions uint64, d *WorkflowExecutionDescription) error {
	data, _, err := c.ns.GetBeat(ctx, run, 0)
	if errors.Is(err, streams.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if t, err := history.DecodeTrouble(data); err == nil && t.Reason != "" && t.Transition == transitions {
		d.Stuck, d.StuckSince = t.Reason, timeOrNil(t.Since)
	}
	return nil
}
