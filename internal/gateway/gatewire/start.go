package gatewire

import (
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/internal/cron"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/retry"
	"github.com/millrace-dev/millrace/streams"
)

// NewStart is the request for a start that a client has made.
func NewStart(s *history.Start) *StartRequest {
	r := &StartRequest{
		Run: RunOf(s.Run.Run), Type: s.Type, Input: s.Input, Header: s.Header, Memo: s.Memo, SearchAttributes: s.Search,
		StartDelayMillis:       s.Delay.Duration().Milliseconds(),
		ExecutionTimeoutMillis: s.ExecutionTimeout.Duration().Milliseconds(),
		RunTimeoutMillis:       s.RunTimeout.Duration().Milliseconds(),
		TaskTimeoutMillis:      s.TaskTimeout.Duration().Milliseconds(),
		RetryPolicy:            RetryPolicyOf(s.RetryPolicy.Policy()),
		CronSchedule:           s.CronSchedule,
		Identity:               s.Identity, StaticSummary: s.StaticSummary, StaticDetails: s.StaticDetails,
	}
	if s.CronSchedule != "" {
		r.StartDelayMillis = 0 // it follows from the schedule
	}
	if s.Signal != nil {
		r.Signal = &SignalBody{ID: s.Signal.ID, Name: s.Signal.Name, Input: s.Signal.Input}
	}
	return r
}

// Start is what is asked for: a run without parent or predecessor on the given queue, as of now. What a start says beyond
// that is the engine's to say.
func (r *StartRequest) Start(queue string, now time.Time) (*history.Start, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	s := &history.Start{
		Run:  history.Address{Run: history.Run{WorkflowID: r.WorkflowID, RunID: r.RunID}, Queue: queue},
		Type: r.Type, Input: r.Input, Header: r.Header, Memo: r.Memo, Search: r.SearchAttributes,
		Time:             now.Round(0).UTC(),
		Delay:            history.MillisOf(millis(r.StartDelayMillis)),
		ExecutionTimeout: history.MillisOf(millis(r.ExecutionTimeoutMillis)),
		RunTimeout:       history.MillisOf(millis(r.RunTimeoutMillis)),
		TaskTimeout:      history.MillisOf(millis(r.TaskTimeoutMillis)),
		RetryPolicy:      history.RetryPolicyOf(r.RetryPolicy.Policy()),
		Attempt:          1,
		CronSchedule:     r.CronSchedule,
		Identity:         r.Identity, StaticSummary: r.StaticSummary, StaticDetails: r.StaticDetails,
	}
	if r.CronSchedule != "" {
		at, err := cron.Next(r.CronSchedule, s.Time, s.Time)
		if err != nil {
			return nil, Refuse("cronSchedule: %v", err)
		}
		s.Delay = history.MillisOf(at.Sub(s.Time))
	}
	if r.ExecutionTimeoutMillis > 0 {
		s.ExecutionExpiry = s.Time.Add(s.Delay.Duration() + s.ExecutionTimeout.Duration())
	}
	if r.Signal != nil {
		s.Signal = &history.Signal{ID: r.Signal.ID, Name: r.Signal.Name, Input: r.Signal.Input, Header: r.Header, Identity: r.Identity}
	}
	return s, nil
}

// maxText bounds names and texts of requests, in bytes.
const maxText = 1000

// maxMillis is the longest duration that a request may name: a hundred years.
const maxMillis = 100 * 365 * 24 * 3600 * 1000

func (r *StartRequest) check() error {
	if err := streams.CheckWorkflowID(r.WorkflowID); err != nil {
		return err
	}
	if id, err := uuid.Parse(r.RunID); err != nil || id.String() != r.RunID {
		return Refuse("runId %.80q: must be a UUID in lower case, new for each start and the same when it is repeated", r.RunID)
	}
	for field, text := range map[string]string{"type": r.Type, "identity": r.Identity, "cronSchedule": r.CronSchedule} {
		if len(text) > maxText {
			return Refuse("%s has %d bytes, the limit is %d", field, len(text), maxText)
		}
	}
	if r.Type == "" {
		return Refuse("type is empty: name the workflow type")
	}
	for field, n := range map[string]int64{"startDelayMillis": r.StartDelayMillis, "executionTimeoutMillis": r.ExecutionTimeoutMillis,
		"runTimeoutMillis": r.RunTimeoutMillis, "taskTimeoutMillis": r.TaskTimeoutMillis} {
		if n < 0 || n > maxMillis {
			return Refuse("%s is %d: must be 0 to %d", field, n, int64(maxMillis))
		}
	}
	if r.CronSchedule != "" && r.StartDelayMillis > 0 {
		return Refuse("cronSchedule and startDelayMillis exclude each other")
	}
	if p := r.RetryPolicy; p != nil {
		if p.InitialIntervalMillis > maxMillis || p.MaximumIntervalMillis > maxMillis {
			return Refuse("retryPolicy: intervals must be at most %d milliseconds", int64(maxMillis))
		}
		if err := retry.Validate(retry.WithDefaults(p.Policy())); err != nil {
			return Refuse("retryPolicy: %v", err)
		}
	}
	if r.Signal != nil {
		return r.Signal.check()
	}
	return nil
}

func (s *SignalBody) check() error {
	if s.Name == "" || len(s.Name) > maxText {
		return Refuse("signal name has %d bytes: must have 1 to %d", len(s.Name), maxText)
	}
	return CheckID(s.ID)
}

// CheckID refuses what cannot tell requests apart.
func CheckID(id string) error {
	if id == "" || len(id) > maxText {
		return Refuse("id has %d bytes: must have 1 to %d, new for each request and the same when it is repeated", len(id), maxText)
	}
	return nil
}
