package gatewire

import (
	"errors"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

// The bounds of a lease: how long a worker that holds a task may say nothing.
const (
	MinLease     = time.Second
	DefaultLease = 30 * time.Second
	MaxLease     = 5 * time.Minute
)

// PollRequest asks for one activity task of the queue in the subject.
type PollRequest struct {
	Identity string `json:"identity,omitempty"`
	// WaitMillis is how long to wait for one.
	WaitMillis int64 `json:"waitMillis,omitempty"`
	// LeaseMillis is how long the worker may say nothing once it has the task. Default 30,000.
	LeaseMillis int64 `json:"leaseMillis,omitempty"`
	// Types are the activity types that the worker knows; none means all.
	Types []string `json:"types,omitempty"`
}

// MaxTypes bounds the activity types of a poll.
const MaxTypes = 1000

// Check refuses what no worker asks for.
func (r *PollRequest) Check() error {
	if n := time.Duration(r.LeaseMillis) * time.Millisecond; r.LeaseMillis != 0 && (n < MinLease || n > MaxLease) {
		return Refuse("leaseMillis is %d: must be %d to %d", r.LeaseMillis, MinLease.Milliseconds(), MaxLease.Milliseconds())
	}
	if len(r.Types) > MaxTypes {
		return Refuse("types has %d entries, the limit is %d", len(r.Types), MaxTypes)
	}
	return checkText("identity", r.Identity)
}

// Lease is the lease that is asked for.
func (r *PollRequest) Lease() time.Duration {
	if r.LeaseMillis == 0 {
		return DefaultLease
	}
	return time.Duration(r.LeaseMillis) * time.Millisecond
}

// PollReply is a task; without a token there was none.
type PollReply struct {
	Token        []byte `json:"token,omitempty"`
	Run          Run    `json:"run,omitzero"`
	WorkflowType string `json:"workflowType,omitempty"`
	// Activity is the number of the event that scheduled the activity.
	Activity     int64            `json:"activity,omitempty"`
	ActivityID   string           `json:"activityId,omitempty"`
	ActivityType string           `json:"activityType,omitempty"`
	Input        *common.Payloads `json:"input,omitempty"`
	Header       *common.Header   `json:"header,omitempty"`
	Attempt      int32            `json:"attempt,omitempty"`
	// HeartbeatDetails are those of the last attempt that left some.
	HeartbeatDetails      *common.Payloads `json:"heartbeatDetails,omitempty"`
	Scheduled             time.Time        `json:"scheduled,omitzero"`
	ScheduleToCloseMillis int64            `json:"scheduleToCloseMillis,omitempty"`
	StartToCloseMillis    int64            `json:"startToCloseMillis,omitempty"`
	HeartbeatMillis       int64            `json:"heartbeatMillis,omitempty"`
	RetryPolicy           *RetryPolicy     `json:"retryPolicy,omitempty"`
	LeaseMillis           int64            `json:"leaseMillis,omitempty"`
}

// PollReplyOf is a task on the gatewire.
func PollReplyOf(t *history.Task, attempt int32) *PollReply {
	return &PollReply{
		Run: RunOf(t.Run.Run), WorkflowType: t.WorkflowType, Activity: t.Event, ActivityID: t.ActivityID, ActivityType: t.Type,
		Input: t.Input, Header: t.Header, Attempt: attempt, Scheduled: t.Scheduled,
		ScheduleToCloseMillis: t.ScheduleToClose.Duration().Milliseconds(), StartToCloseMillis: t.StartToClose.Duration().Milliseconds(),
		HeartbeatMillis: t.Heartbeat.Duration().Milliseconds(), RetryPolicy: RetryPolicyOf(t.RetryPolicy.Policy()),
	}
}

// Task is the opposite of PollReplyOf, for a worker that knows the queue. That of the run itself is not said; the
// activity's stands in its place.
func (r *PollReply) Task(queue string) *history.Task {
	return &history.Task{
		Run:          history.Address{Run: history.Run{WorkflowID: r.Run.WorkflowID, RunID: r.Run.RunID}, Queue: queue},
		WorkflowType: r.WorkflowType, Event: r.Activity, ActivityID: r.ActivityID, Type: r.ActivityType, Queue: queue,
		Input: r.Input, Header: r.Header, Scheduled: r.Scheduled, FirstAttempt: r.Attempt,
		ScheduleToClose: history.MillisOf(millis(r.ScheduleToCloseMillis)), StartToClose: history.MillisOf(millis(r.StartToCloseMillis)),
		Heartbeat: history.MillisOf(millis(r.HeartbeatMillis)), RetryPolicy: history.RetryPolicyOf(r.RetryPolicy.Policy()),
	}
}

// CompleteRequest says what became of a task: Result, unless one of the others is set.
type CompleteRequest struct {
	Token    []byte           `json:"token"`
	Identity string           `json:"identity,omitempty"`
	Result   *common.Payloads `json:"result,omitempty"`
	// Failure ended the attempt; the retry policy decides what follows.
	Failure *failure.Failure `json:"failure,omitempty"`
	// Pending says that the activity will be completed later, with the same token, by whoever may.
	Pending bool `json:"pending,omitempty"`
	// HandBack gives the task back without using an attempt: another worker is to have it.
	HandBack bool `json:"handBack,omitempty"`
	// Details, unless absent, are those of a last heartbeat that was not sent, for the next attempt. A result needs none.
	Details *common.Payloads `json:"details,omitempty"`
}

// Check refuses more than one outcome.
func (r *CompleteRequest) Check() error {
	n := 0
	for _, set := range []bool{r.Result != nil, r.Failure != nil, r.Pending, r.HandBack} {
		if set {
			n++
		}
	}
	if n > 1 {
		return Refuse("only one of result, failure, pending and handBack can be set")
	}
	return errors.Join(checkText("identity", r.Identity), checkPayloads(r.Result, r.Details), checkFailure(r.Failure))
}

// HeartbeatRequest says that a task is being worked on.
type HeartbeatRequest struct {
	Token []byte `json:"token"`
	// Details, unless absent, replace those that the next attempt can read.
	Details *common.Payloads `json:"details,omitempty"`
	// Beat says that the activity itself gives a sign of life, as its heartbeat time-out demands. Details are such a sign.
	// Without one the request only keeps the lease.
	Beat bool `json:"beat,omitempty"`
}

// Check refuses details that cannot be kept.
func (r *HeartbeatRequest) Check() error { return checkPayloads(r.Details) }

// HeartbeatReply says how the task stands.
type HeartbeatReply struct {
	// CancelRequested says that the workflow wants the activity to cancel.
	CancelRequested bool `json:"cancelRequested,omitempty"`
	// Leased is false when no gateway holds the task any more: it may be given to others. The outcome is still taken, if it
	// is the first.
	Leased bool `json:"leased"`
}
