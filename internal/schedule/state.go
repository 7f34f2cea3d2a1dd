package schedule

import (
	"fmt"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

const (
	// maxBuffer is how many actions wait at most; what comes when as many wait is dropped.
	maxBuffer = 1000
	// maxRunning is how many open runs are remembered; those of AllowAll beyond it are forgotten, oldest first.
	maxRunning = 100
	// maxRecent is how many actions are shown.
	maxRecent = 10
	// maxCounted is how many times that are too late, or find the buffer full, are counted at once.
	maxCounted = 10_000
)

// State is a schedule: its definition and what has become of it. The workflow's runs hand it on to one another.
type State struct {
	ID string `json:"id"`
	Definition
	Memo    *common.Memo             `json:"memo,omitempty"`
	Search  *common.SearchAttributes `json:"search,omitempty"`
	Created time.Time                `json:"created"`
	Updated time.Time                `json:"updated,omitzero"`

	// Processed is the last nominal time that was dealt with.
	Processed time.Time `json:"processed"`
	// Buffer are the actions that wait, in their order; Backfills what has yet to come into it.
	Buffer    []Due      `json:"buffer,omitempty"`
	Backfills []Backfill `json:"backfills,omitempty"`

	// Started counts the actions that were taken, over all runs of the workflow; it is part of the run IDs. Missed were
	// later than the catch-up window, Skipped met an open run, Dropped found the buffer full or could not be started.
	Started int64 `json:"started,omitempty"`
	Missed  int64 `json:"missed,omitempty"`
	Skipped int64 `json:"skipped,omitempty"`
	Dropped int64 `json:"dropped,omitempty"`
	// Numbered counts the run IDs that were given out.
	Numbered int64 `json:"numbered,omitempty"`

	Running []Run   `json:"running,omitempty"`
	Recent  []Taken `json:"recent,omitempty"`
	// LastResult is that of the last run that completed, LastError that of the last one, if it failed.
	LastResult *common.Payload  `json:"lastResult,omitempty"`
	LastError  *failure.Failure `json:"lastError,omitempty"`
	// Triggered is the time of the last trigger: no two have the same.
	Triggered time.Time `json:"triggered,omitzero"`
}

// Due is an action that waits to be taken.
type Due struct {
	Nominal time.Time                   `json:"nominal"`
	At      time.Time                   `json:"at"`
	Overlap enums.ScheduleOverlapPolicy `json:"overlap,omitempty"`
	// Manual is set for triggers and backfills, which a pause and a limit do not concern.
	Manual bool `json:"manual,omitempty"`
	// Asked is set when the runs in the way were asked to cancel for it.
	Asked bool `json:"asked,omitempty"`
}

// Advance puts into the buffer what has become due until now, and reports whether there is more than it looked at.
func (s *State) Advance(times *Times, now time.Time) (more bool) {
	if s.Paused || s.exhausted() {
		s.Processed = latest(s.Processed, now)
		return false
	}
	missed, full := 0, 0
	for {
		next, ok := times.Next(s.Processed)
		if !ok || next.At.After(now) {
			return false
		}
		s.Processed = next.Nominal
		late := now.Sub(next.At) > s.Policies.CatchupWindow
		switch {
		case next.Skipped:
			return true
		case late && missed < maxCounted:
			missed++
			s.Missed++
		case late:
			s.Processed = latest(s.Processed, now.Add(-s.Policies.CatchupWindow))
		case !s.add(Due{Nominal: next.Nominal, At: next.At}):
			if full++; full == maxCounted {
				s.Processed = now
			}
		}
	}
}

// Next is when there is something to do by the clock; false when there is not.
func (s *State) Next(times *Times) (time.Time, bool) {
	if s.Paused || s.exhausted() {
		return time.Time{}, false
	}
	next, ok := times.Next(s.Processed)
	return next.At, ok
}

func (s *State) exhausted() bool { return s.LimitedActions && s.RemainingActions == 0 }

// add puts an action into the buffer, unless it is full.
func (s *State) add(d Due) bool {
	if len(s.Buffer) >= maxBuffer {
		s.Dropped++
		return false
	}
	s.Buffer = append(s.Buffer, d)
	return true
}

// Trigger puts an action into the buffer.
func (s *State) Trigger(t Trigger, now time.Time) {
	now = now.Truncate(time.Millisecond)
	if !now.After(s.Triggered) {
		now = s.Triggered.Add(time.Millisecond)
	}
	s.Triggered = now
	s.add(Due{Nominal: now, At: now, Overlap: t.Overlap, Manual: true})
}

// Backfill moves the times of backfills into the buffer as far as there is room, and reports whether it has looked at
// many times that are all skipped and there may be more.
func (s *State) Backfill(times *Times) (more bool) {
	for len(s.Backfills) > 0 && len(s.Buffer) < maxBuffer {
		b := &s.Backfills[0]
		next, ok := times.Next(b.Start.Add(-1))
		if !ok || next.Nominal.After(b.End) {
			s.Backfills = s.Backfills[1:]
			continue
		}
		b.Start = next.Nominal.Add(1)
		if next.Skipped {
			return true
		}
		s.add(Due{Nominal: next.Nominal, At: next.Nominal, Overlap: b.Overlap, Manual: true})
	}
	return false
}

// Plan is what to do now, in this order.
type Plan struct {
	Cancel, Terminate []Run
	Start             []Due
}

// Empty says that there is nothing to do.
func (p Plan) Empty() bool { return len(p.Cancel)+len(p.Terminate)+len(p.Start) == 0 }

// Plan takes out of the buffer what can be done. What stays waits for a run to close.
func (s *State) Plan() (p Plan) {
	busy := len(s.Running) > 0
	var wait []Due
	for _, d := range s.Buffer {
		switch policy := s.overlap(d); {
		case !d.Manual && (s.Paused || s.exhausted()):
			// nobody wants it any more
		case policy == enums.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL:
			p.Start = append(p.Start, s.take(d))
		case !busy && len(wait) == 0:
			p.Start = append(p.Start, s.take(d))
			busy = true
		default:
			wait = s.postpone(wait, d, policy, &p)
		}
	}
	s.Buffer = wait
	return p
}

func (s *State) overlap(d Due) enums.ScheduleOverlapPolicy {
	if d.Overlap == enums.SCHEDULE_OVERLAP_POLICY_UNSPECIFIED {
		return s.Policies.Overlap
	}
	return d.Overlap
}

func (s *State) take(d Due) Due {
	if !d.Manual && s.LimitedActions {
		s.RemainingActions--
	}
	return d
}

// postpone decides about an action that meets an open run.
func (s *State) postpone(wait []Due, d Due, policy enums.ScheduleOverlapPolicy, p *Plan) []Due {
	switch policy {
	case enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL:
		return append(wait, d)
	case enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE:
		one := func(w Due) bool { return s.overlap(w) == enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE }
		if !slices.ContainsFunc(wait, one) {
			return append(wait, d)
		}
	case enums.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER, enums.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER:
		// The newest is what is wanted in place of all others.
		s.Skipped += int64(len(wait))
		switch {
		case d.Asked || len(s.Running) == 0: // what is in the way is yet to be started
		case policy == enums.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER:
			p.Cancel, d.Asked = slices.Clone(s.Running), true
		default:
			p.Terminate, d.Asked = slices.Clone(s.Running), true
		}
		return []Due{d}
	}
	s.Skipped++
	return wait
}

// Record notes that an action was taken.
func (s *State) Record(d Due, run Run, now time.Time) {
	s.Started++
	s.Recent = append(s.Recent, Taken{Scheduled: d.At, Actual: now, Run: run})
	if n := len(s.Recent); n > maxRecent {
		s.Recent = slices.Clone(s.Recent[n-maxRecent:])
	}
	s.Running = append(s.Running, run)
	if n := len(s.Running); n > maxRunning {
		s.Running = slices.Clone(s.Running[n-maxRunning:])
	}
}

// Close notes how a run ended.
func (s *State) Close(o Outcome) {
	n := len(s.Running)
	s.Running = slices.DeleteFunc(s.Running, func(r Run) bool { return r == o.Run })
	if len(s.Running) == n {
		return
	}
	switch o.Status {
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		s.LastResult, s.LastError = o.Result, nil
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED, enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		s.LastError = o.Error
		if s.Policies.PauseOnFailure && !s.Paused {
			s.Paused = true
			s.Note = fmt.Sprintf("paused: workflow %s %s", o.Run.WorkflowID, pastTense(o.Status))
			if o.Error != nil {
				s.Note += ": " + o.Error.Message
			}
		}
	}
}

func pastTense(x enums.WorkflowExecutionStatus) string {
	if x == enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT {
		return "timed out"
	}
	return "failed"
}

// Watched is the run whose end there is a reason to wait for, false for none.
func (s *State) Watched() (Run, bool) {
	if len(s.Running) == 0 || len(s.Buffer) == 0 && !(s.Policies.PauseOnFailure && !s.Paused) {
		return Run{}, false
	}
	return s.Running[0], true
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
