package history

import (
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
)

// State is what a run's start and transitions add up to without its code: what is pending, what was consumed,
// whether it is closed. It is a plain fold, so everyone who reads the same records has the same state.
//
// A State is not safe for concurrent use.
type State struct {
	Start *Start
	// Status is RUNNING until a closing event.
	Status enums.WorkflowExecutionStatus
	// LastEvent is the number of the last event; the start is event 1.
	LastEvent int64
	// Transitions is the number of the last transition, LastCommit its commit ID.
	Transitions uint64
	LastCommit  string
	// Time is the last transition's time, or the start's.
	Time time.Time
	// HistorySize is how many bytes the history had before the last transition.
	HistorySize int64

	// The maps hold what has no outcome yet, by the number of the event that began it. When the run is closed they
	// hold what was still outstanding at that moment.
	Activities map[int64]*PendingActivity
	Timers     map[int64]*PendingTimer
	Children   map[int64]*PendingChild
	Externals  map[int64]*PendingExternal

	// Memo and Search are the run's memo and search attributes as its code has changed them. They must not be changed.
	Memo   *common.Memo
	Search *common.SearchAttributes

	// Versioning is the override in force, nil for none.
	Versioning *VersioningOverride

	// Updates are those that were accepted, by their IDs; nil for none.
	Updates map[string]*AcceptedUpdate

	CancelRequested bool
	// Close is the closing event, nil while the run is open; CloseCover covers its effects.
	Close      *Event
	CloseCover string
	// Armed is the due time of the last wake-up that a transition armed, ArmCover that transition's cover.
	Armed    time.Time
	ArmCover string

	// at is when the event being applied was decided: the transition's time, or when the last local activity before the
	// event had ended.
	at time.Time
	// seen holds the identities of the consumed signals and requests: only they cannot be recognised by number.
	seen map[string]struct{}
	// index finds pending items when there are many, else nil.
	index *index
}

// PendingActivity is an activity without an outcome.
type PendingActivity struct {
	Event     int64
	Scheduled *ActivityTaskScheduled
	At        time.Time
	Cover     string
	// Eager says that the first attempt is made, by whoever holds Cover, without a task.
	Eager bool
	// FirstAttempt is the number of the attempt that the first delivery of the task makes, NotBefore when it may begin,
	// zero for at once.
	FirstAttempt int32
	NotBefore    time.Time
	// CancelRequested is set by a decision whose cover is CancelCover.
	CancelRequested bool
	CancelCover     string
	// Forget hides the details of earlier heartbeats from the task's attempts.
	Forget bool
	// Control is nil while nothing was asked of the activity.
	Control *Control
}

// PendingTimer is a timer that has neither fired nor been canceled.
type PendingTimer struct {
	Event int64
	Due   time.Time
}

// PendingChild is a child that has not closed.
type PendingChild struct {
	Event     int64
	Initiated *StartChildWorkflowExecutionInitiated
	At        time.Time
	Cover     string
	// Transition is the number of the transition that decided to start the child.
	Transition uint64
	// RunID is the child's run, empty until it is known to have started.
	RunID string
}

// PendingExternal is a signal (Signal set) or cancel request (Cancel set) to another run, not yet answered for.
type PendingExternal struct {
	Event  int64
	Signal *SignalExternalWorkflowExecutionInitiated
	Cancel *RequestCancelExternalWorkflowExecutionInitiated
	Cover  string
}

// NewState is the state of a run of which only the start is known.
func NewState(start *Start) *State {
	s := &State{
		Start:      start,
		Status:     enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		LastEvent:  1,
		Time:       start.Time,
		Activities: map[int64]*PendingActivity{},
		Timers:     map[int64]*PendingTimer{},
		Children:   map[int64]*PendingChild{},
		Externals:  map[int64]*PendingExternal{},
		seen:       map[string]struct{}{},
		Memo:       start.Memo,
		Search:     start.Search,
		Versioning: start.Versioning,
	}
	return s
}

// Closed says whether the run is closed.
func (s *State) Closed() bool { return s.Close != nil }

// Apply folds the next transition into s. After an error s must not be used any more.
func (s *State) Apply(t *Transition) error {
	switch {
	case t.RunID != s.Start.Run.RunID:
		return fmt.Errorf("run %s: transition %d belongs to run %s", s.Start.Run, t.Number, t.RunID)
	case t.Number != s.Transitions+1:
		return fmt.Errorf("run %s: transition %d follows %d", s.Start.Run, t.Number, s.Transitions)
	case s.Closed():
		return fmt.Errorf("run %s: transition %d follows the closing event %v", s.Start.Run, t.Number, *s.Close)
	}
	s.at = t.Time
	for i := range t.Events {
		e := &t.Events[i]
		if e.ID != s.LastEvent+1 || s.Closed() {
			return s.illegal(e, fmt.Sprintf("last event is %d, status %v", s.LastEvent, s.Status))
		}
		if err := s.applyEvent(e, t); err != nil {
			return err
		}
		s.LastEvent = e.ID
	}
	for _, id := range t.Consumed {
		if isRequest(id) {
			s.seen[id] = struct{}{}
		}
	}
	s.Transitions, s.LastCommit, s.HistorySize = t.Number, t.CommitID, t.HistorySize
	if t.Time.After(s.Time) {
		s.Time = t.Time
	}
	s.arm(t)
	return nil
}

// isRequest says whether an identity is that of a signal, an update, a cancel or terminate request.
func isRequest(identity string) bool {
	return len(identity) > 2 && identity[0] == 's' && identity[1] == ':'
}

// Seen says whether the signal, update, cancel or terminate request with this identity was consumed.
func (s *State) Seen(identity string) bool {
	_, ok := s.seen[identity]
	return ok
}

// ArmSlack is how far the clocks of two coordinators may differ. An armed wake-up that is nearer than this may have
// fired already, for a coordinator whose clock is ahead and which found nothing due.
const ArmSlack = time.Second

// arm notes the wake-up that t has to arm: one that is due earlier than the armed one, or any when the armed one is
// not safely ahead of t (if it is firing just now, and so a re-arm is lost, that firing arms the next).
func (s *State) arm(t *Transition) {
	if s.Closed() {
		return
	}
	next := s.NextDeadline(t.Time)
	if next.IsZero() {
		return
	}
	if t.Time.Add(ArmSlack).Before(s.Armed) && !next.Before(s.Armed) {
		return
	}
	s.Armed, s.ArmCover = next, t.Cover
}

// NextDeadline is the earliest time at which the clock alone may change s, zero for never. It can lie in the past, but
// for ScheduleToStart time-outs: the firing for one of those looks whether the activity has started, so they count
// only while they lie after the given time.
func (s *State) NextDeadline(after time.Time) time.Time {
	next, run := s.nextDeadline(after), s.Start.Deadline()
	if next.IsZero() || !run.IsZero() && run.Before(next) {
		return run
	}
	return next
}

// CloseDeadline is when the activity's ScheduleToClose time-out expires, zero for never.
func (a *PendingActivity) CloseDeadline() time.Time {
	return deadline(a.At, a.Scheduled.ScheduleToClose)
}

// StartDeadline is when the activity's ScheduleToStart time-out expires unless it has started, zero for never. A pause
// suspends it, and its end begins it anew.
func (a *PendingActivity) StartDeadline() time.Time {
	if c := a.Control; c != nil {
		if c.Paused || c.Parked {
			return time.Time{}
		}
		if !c.Since.IsZero() {
			return deadline(c.Since, a.Scheduled.ScheduleToStart)
		}
	}
	return deadline(a.At, a.Scheduled.ScheduleToStart)
}

func deadline(at time.Time, timeout Millis) time.Time {
	if timeout <= 0 {
		return time.Time{}
	}
	return at.Add(timeout.Duration())
}

func (s *State) illegal(e *Event, state string) error {
	return &IllegalEventError{Run: s.Start.Run.String(), Event: *e, State: state}
}

// applyEvent changes s by one event.
func (s *State) applyEvent(e *Event, t *Transition) error {
	if status := e.ClosedStatus(); status != enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED {
		s.Status, s.Close, s.CloseCover = status, e, t.Cover
		return nil
	}
	switch a := e.Attributes.(type) {
	case *WorkflowExecutionSignaled:
		return nil
	case *WorkflowExecutionUpdateAccepted:
		return s.updateAccepted(e, a)
	case *WorkflowExecutionUpdateCompleted:
		return s.updateCompleted(e, a)
	case *WorkflowExecutionCancelRequested:
		if s.CancelRequested {
			return s.illegal(e, "cancellation is requested already")
		}
		s.CancelRequested = true
		return nil
	case *TimerStarted:
		p := &PendingTimer{Event: e.ID, Due: a.Due}
		s.Timers[e.ID] = p
		s.index.timer(e.ID, p)
		return nil
	case *TimerFired:
		return remove(s, e, s.Timers, a.Started, "timer")
	case *TimerCanceled:
		return remove(s, e, s.Timers, a.Started, "timer")
	case *ActivityTaskScheduled:
		p := &PendingActivity{Event: e.ID, Scheduled: a, At: s.at, Cover: t.Cover, Eager: a.Eager, FirstAttempt: 1}
		s.Activities[e.ID] = p
		s.index.activity(e.ID, p)
		return nil
	case *ActivityTaskQueued:
		return s.applyQueued(e, a, t)
	case *ActivityTaskCancelRequested:
		return s.applyCanceling(e, a, t)
	case *ActivityTaskPaused, *ActivityTaskUnpaused, *ActivityTaskReset, *ActivityTaskParked:
		return s.applyControl(e, t)
	case interface{ End() *ActivityEnd }:
		return remove(s, e, s.Activities, a.End().Scheduled, "activity")
	}
	return s.applyChildEvent(e, t)
}

func (s *State) applyChildEvent(e *Event, t *Transition) error {
	switch a := e.Attributes.(type) {
	case *StartChildWorkflowExecutionInitiated:
		s.Children[e.ID] = &PendingChild{Event: e.ID, Initiated: a, At: s.at, Cover: t.Cover, Transition: t.Number}
		s.index.cover(t.Cover, e.ID)
	case *ChildWorkflowExecutionStarted:
		c, ok := s.Children[a.Initiated]
		if !ok || c.RunID != "" {
			return s.illegal(e, fmt.Sprintf("child %d has started or closed", a.Initiated))
		}
		c.RunID = a.RunID
	case *StartChildWorkflowExecutionFailed:
		return remove(s, e, s.Children, a.Initiated, "child")
	case interface{ End() *ChildEnd }:
		return remove(s, e, s.Children, a.End().Initiated, "child")
	case *SignalExternalWorkflowExecutionInitiated:
		s.Externals[e.ID] = &PendingExternal{Event: e.ID, Signal: a, Cover: t.Cover}
		s.index.cover(t.Cover, e.ID)
	case *RequestCancelExternalWorkflowExecutionInitiated:
		s.Externals[e.ID] = &PendingExternal{Event: e.ID, Cancel: a, Cover: t.Cover}
		s.index.cover(t.Cover, e.ID)
	case *SignalExternalWorkflowExecutionFailed:
		return remove(s, e, s.Externals, a.Initiated, "external signal")
	case *ExternalWorkflowExecutionSignaled:
		return remove(s, e, s.Externals, a.Initiated, "external signal")
	case *RequestCancelExternalWorkflowExecutionFailed:
		return remove(s, e, s.Externals, a.Initiated, "external cancel request")
	case *ExternalWorkflowExecutionCancelRequested:
		return remove(s, e, s.Externals, a.Initiated, "external cancel request")
	case *MarkerRecorded:
		s.at = e.DecidedAt(s.at)
	case *UpsertWorkflowSearchAttributes:
		s.Search = MergeSearch(s.Search, a.Search)
	case *WorkflowExecutionOptionsUpdated:
		s.Versioning = a.Versioning
	case *WorkflowPropertiesModified:
		s.Memo = MergeMemo(s.Memo, a.Memo)
	default:
		return s.illegal(e, "events of this type are not stored in transitions")
	}
	return nil
}

// remove takes the item that e resolves out of pending.
func remove[P any](s *State, e *Event, pending map[int64]P, id int64, what string) error {
	if _, ok := pending[id]; !ok {
		return s.illegal(e, fmt.Sprintf("%s %d is not pending", what, id))
	}
	delete(pending, id)
	return nil
}
