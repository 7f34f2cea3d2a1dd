package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// Start is the body of a run's start message, and with it event 1 of its history.
type Start struct {
	Version int     `msgpack:"v"`
	Run     Address `msgpack:"r"`
	Type    string  `msgpack:"t"`

	Input  *common.Payloads         `msgpack:"in,omitempty"`
	Header *common.Header           `msgpack:"h,omitempty"`
	Memo   *common.Memo             `msgpack:"m,omitempty"`
	Search *common.SearchAttributes `msgpack:"sa,omitempty"`

	// Time is when the starter decided to start; transition times are never before it.
	Time time.Time `msgpack:"ti"`
	// Delay postpones the first transition to Time + Delay.
	Delay Millis `msgpack:"de,omitempty"`

	// ExecutionTimeout bounds the whole chain of retries and successors, RunTimeout this run, TaskTimeout one
	// stretch of workflow code; 0 is unlimited (for TaskTimeout: the coordinator's default).
	ExecutionTimeout Millis `msgpack:"et,omitempty"`
	RunTimeout       Millis `msgpack:"rt,omitempty"`
	TaskTimeout      Millis `msgpack:"tt,omitempty"`
	// ExecutionExpiry is when the chain times out, zero for never; a successor inherits it.
	ExecutionExpiry time.Time `msgpack:"ex,omitempty"`

	RetryPolicy *RetryPolicy `msgpack:"rp,omitempty"`
	// Attempt counts the runs of a workflow retry policy, from 1.
	Attempt      int32  `msgpack:"at,omitempty"`
	CronSchedule string `msgpack:"cr,omitempty"`

	// FirstRunID is the first run of the chain (of continue-as-new, retry and cron); empty when it is this run.
	FirstRunID string `msgpack:"fr,omitempty"`
	// ContinuedRunID is the run before this one in the chain, with why it was continued.
	ContinuedRunID string                       `msgpack:"co,omitempty"`
	Initiator      enums.ContinueAsNewInitiator `msgpack:"ci,omitempty"`
	// ContinuedFailure is the failure of that run: one of more than 8 KiB without causes, details and stack trace, and with
	// the first 1000 bytes of its message.
	ContinuedFailure     *failure.Failure `msgpack:"cf,omitempty"`
	LastCompletionResult *common.Payloads `msgpack:"lr,omitempty"`

	Parent *Parent `msgpack:"p,omitempty"`
	Root   *Run    `msgpack:"ro,omitempty"`

	// Signal is delivered before the first stretch of workflow code (signal-with-start), nil for none.
	Signal *Signal `msgpack:"s,omitempty"`

	Identity string `msgpack:"id,omitempty"`
	// RequestID is the starter's key for one logical start; a second start with it finds the first one's run.
	RequestID     string `msgpack:"rq,omitempty"`
	StaticSummary string `msgpack:"ss,omitempty"`
	StaticDetails string `msgpack:"sd,omitempty"`

	// Waiter is the subject token to which the run's close is told, empty for nobody; a successor inherits it.
	Waiter string `msgpack:"wa,omitempty"`

	// Priority is that of the run's tasks where they name none, nil for the default one.
	Priority *Priority `msgpack:"pr,omitempty"`
	// Versioning is the override that the run was started with, nil for none. Run.Build follows it.
	Versioning *VersioningOverride `msgpack:"vo,omitempty"`
}

// Parent is where a child reports its close: its parent's inbox and the event that initiated the child.
type Parent struct {
	Address   `msgpack:",inline"`
	Initiated int64 `msgpack:"i"`
}

// FirstRun is the first run ID of the chain that s belongs to.
func (s *Start) FirstRun() string {
	if s.FirstRunID != "" {
		return s.FirstRunID
	}
	return s.Run.RunID
}

// Deadline is when the run times out, zero for never: the earlier of its run time-out, counted from the end of its
// start delay, and the expiry of its chain.
func (s *Start) Deadline() time.Time {
	var d time.Time
	if s.RunTimeout > 0 {
		d = s.Time.Add(s.Delay.Duration() + s.RunTimeout.Duration())
	}
	if !s.ExecutionExpiry.IsZero() && (d.IsZero() || s.ExecutionExpiry.Before(d)) {
		d = s.ExecutionExpiry
	}
	return d
}
