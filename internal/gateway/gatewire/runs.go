package gatewire

import (
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

const (
	// MaxPayload bounds the arguments or results of one call in bytes.
	MaxPayload = 512 << 10
	// MaxBody bounds a request and its answer in bytes: JSON makes payloads larger by a third.
	MaxBody = 900 << 10
)

// Run names a run. An empty RunID is the workflow ID's newest one.
type Run struct {
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId,omitempty"`
}

// RunOf is a run of history.
func RunOf(r history.Run) Run { return Run{WorkflowID: r.WorkflowID, RunID: r.RunID} }

// InfoReply says what the gateway is.
type InfoReply struct {
	Namespace string `json:"namespace"`
	Version   string `json:"version"`
	// MaxPayload bounds the arguments or results of one call, in bytes; MaxBody a request.
	MaxPayload int `json:"maxPayload"`
	MaxBody    int `json:"maxBody"`
}

// StartRequest starts a run. The run's queue is in the subject.
type StartRequest struct {
	Run
	Type                   string                         `json:"type"`
	Input                  *common.Payloads               `json:"input,omitempty"`
	Header                 *common.Header                 `json:"header,omitempty"`
	Memo                   *common.Memo                   `json:"memo,omitempty"`
	SearchAttributes       *common.SearchAttributes       `json:"searchAttributes,omitempty"`
	StartDelayMillis       int64                          `json:"startDelayMillis,omitempty"`
	ExecutionTimeoutMillis int64                          `json:"executionTimeoutMillis,omitempty"`
	RunTimeoutMillis       int64                          `json:"runTimeoutMillis,omitempty"`
	TaskTimeoutMillis      int64                          `json:"taskTimeoutMillis,omitempty"`
	RetryPolicy            *RetryPolicy                   `json:"retryPolicy,omitempty"`
	CronSchedule           string                         `json:"cronSchedule,omitempty"`
	Identity               string                         `json:"identity,omitempty"`
	StaticSummary          string                         `json:"staticSummary,omitempty"`
	StaticDetails          string                         `json:"staticDetails,omitempty"`
	ReusePolicy            enums.WorkflowIdReusePolicy    `json:"reusePolicy,omitempty"`
	ConflictPolicy         enums.WorkflowIdConflictPolicy `json:"conflictPolicy,omitempty"`
	// Signal is for SignalWithStart.
	Signal *SignalBody `json:"signal,omitempty"`
}

// RetryPolicy is a retry policy; what is zero has its default.
type RetryPolicy struct {
	InitialIntervalMillis int64    `json:"initialIntervalMillis,omitempty"`
	MaximumIntervalMillis int64    `json:"maximumIntervalMillis,omitempty"`
	BackoffCoefficient    float64  `json:"backoffCoefficient,omitempty"`
	MaximumAttempts       int32    `json:"maximumAttempts,omitempty"`
	NonRetryable          []string `json:"nonRetryableErrorTypes,omitempty"`
}

// RetryPolicyOf is p on the wire, nil for nil.
func RetryPolicyOf(p *millrace.RetryPolicy) *RetryPolicy {
	if p == nil {
		return nil
	}
	return &RetryPolicy{InitialIntervalMillis: p.InitialInterval.Milliseconds(), MaximumIntervalMillis: p.MaximumInterval.Milliseconds(),
		BackoffCoefficient: p.BackoffCoefficient, MaximumAttempts: p.MaximumAttempts, NonRetryable: p.NonRetryableErrorTypes}
}

// Policy is the opposite of RetryPolicyOf.
func (p *RetryPolicy) Policy() *millrace.RetryPolicy {
	if p == nil {
		return nil
	}
	return &millrace.RetryPolicy{InitialInterval: millis(p.InitialIntervalMillis), MaximumInterval: millis(p.MaximumIntervalMillis),
		BackoffCoefficient: p.BackoffCoefficient, MaximumAttempts: p.MaximumAttempts, NonRetryableErrorTypes: p.NonRetryable}
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// SignalBody is a signal. ID tells it apart from others: a second one with the same ID is the first one.
type SignalBody struct {
	ID    string           `json:"id"`
	Name  string           `json:"name"`
	Input *common.Payloads `json:"input,omitempty"`
	// Header and Identity are left out of the signal of a SignalWithStart, which has them already.
	Header   *common.Header `json:"header,omitempty"`
	Identity string         `json:"identity,omitempty"`
}

// SignalRequest signals a run.
type SignalRequest struct {
	Run
	SignalBody
}

// CancelRequest asks a run to cancel, under an ID like that of a signal.
type CancelRequest struct {
	Run
	ID       string `json:"id"`
	Reason   string `json:"reason,omitempty"`
	Identity string `json:"identity,omitempty"`
	// FirstRunID, when set, is the first run of the chain that the run has to belong to, which is then the newest.
	FirstRunID string `json:"firstRunId,omitempty"`
}

// TerminateRequest closes a run, under an ID like that of a signal.
type TerminateRequest struct {
	CancelRequest
	Details *common.Payloads `json:"details,omitempty"`
}

// QueryRequest asks a query handler.
type QueryRequest struct {
	Run
	Type   string                     `json:"type"`
	Args   *common.Payloads           `json:"args,omitempty"`
	Header *common.Header             `json:"header,omitempty"`
	Reject enums.QueryRejectCondition `json:"rejectCondition,omitempty"`
}

// QueryReply is the answer: a result, or the status for which the query was rejected.
type QueryReply struct {
	Result   *common.Payloads              `json:"result,omitempty"`
	Rejected enums.WorkflowExecutionStatus `json:"rejectedStatus,omitempty"`
}

// UpdateRequest asks an update handler and waits for a stage: 1 admitted, 2 accepted, 3 completed.
type UpdateRequest struct {
	Run
	ID         string           `json:"id"`
	Name       string           `json:"name"`
	Input      *common.Payloads `json:"input,omitempty"`
	Header     *common.Header   `json:"header,omitempty"`
	Identity   string           `json:"identity,omitempty"`
	Stage      int              `json:"stage"`
	FirstRunID string           `json:"firstRunId,omitempty"`
	WaitMillis int64            `json:"waitMillis,omitempty"`
}

// OutcomeRequest asks what became of an update that was sent before.
type OutcomeRequest struct {
	Run
	ID         string `json:"id"`
	WaitMillis int64  `json:"waitMillis,omitempty"`
}

// UpdateReply says how far an update has come.
type UpdateReply struct {
	// Run is the one that was asked, or that has accepted the update.
	Run Run `json:"run"`
	// Waiting says that the time was over first: the same request goes on waiting.
	Waiting bool `json:"waiting,omitempty"`
	// Done says that the update has its outcome: Result, or else Failure.
	Done    bool             `json:"done,omitempty"`
	Result  *common.Payloads `json:"result,omitempty"`
	Failure *failure.Failure `json:"failure,omitempty"`
}

// ResultRequest waits for the end of a run.
type ResultRequest struct {
	Run
	WaitMillis int64 `json:"waitMillis,omitempty"`
}

// ResultReply is how a run ended.
type ResultReply struct {
	Run  Run    `json:"run"`
	Type string `json:"type,omitempty"`
	// Closed is false when the run was still open when the time was over: the same request goes on waiting.
	Closed  bool                          `json:"closed"`
	Status  enums.WorkflowExecutionStatus `json:"status,omitempty"`
	Result  *common.Payloads              `json:"result,omitempty"`
	Failure *failure.Failure              `json:"failure,omitempty"`
	// Successor is the run ID of the run that takes over, empty for none.
	Successor string `json:"successor,omitempty"`
}
