package history

import (
	"slices"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// Verdict is what a message means to a run in a given state.
type Verdict int

const (
	// Taken: the message became events of the draft.
	Taken Verdict = iota + 1
	// Settled: the prefix proves that the message was consumed or can change nothing any more. It may be acknowledged
	// without a record; but where an event of the same draft is the proof, only once that is committed. So with
	// Leftover.
	Settled
	// Ahead: the message speaks of an event beyond the prefix. It must not be dropped: refresh, or hand it back.
	Ahead
	// Leftover: the run is closed, and the message asks something of whoever comes after it.
	Leftover
	// Junk: the message says nothing that this version understands.
	Junk
)

// Draft is a transition in the making: it turns messages and the passing of time into the events that begin the
// transition. It does not change the state that it was made from.
type Draft struct {
	state    *State
	time     time.Time
	events   []Event
	consumed []string
	// resolved holds the pending items and the requests that this draft has dealt with.
	resolved numbers
	// queued are the eager activities that this draft puts into their queues.
	queued numbers
	// controls are those that this draft changes, nil for none.
	controls map[int64]*Control
	requests map[string]struct{}
	cancel   bool
	size     int64
	changed  bool
	closed   bool
	// Most drafts have one event, of one message: there is room for these.
	firstEvent    [1]Event
	firstConsumed [1]string
}

// Draft begins a transition at the given time, or at the last transition's if that is later.
func (s *State) Draft(now time.Time) *Draft {
	now = now.Round(0).UTC() // as it will be read from the record
	if now.Before(s.Time) {
		now = s.Time
	}
	d := &Draft{state: s, time: now}
	d.closed = s.Closed()
	if s.Transitions == 0 && s.Start.Signal != nil {
		sig := *s.Start.Signal
		d.add(&WorkflowExecutionSignaled{Signal: sig})
		d.requested(string(SourceSignals) + ":" + sig.ID)
		d.Consume(string(SourceSignals) + ":" + sig.ID)
	}
	return d
}

// Time is the transition's time.
func (d *Draft) Time() time.Time { return d.time }

// SetHistorySize says how many bytes the history has before the transition.
func (d *Draft) SetHistorySize(n int64) { d.size = n }

// HistorySize is how many bytes the history has before the transition, 0 for unknown.
func (d *Draft) HistorySize() int64 { return d.size }

// SetTargetChanged says that new runs go to another build than the one that the run is bound to.
func (d *Draft) SetTargetChanged() { d.changed = true }

// TargetChanged says whether SetTargetChanged was called.
func (d *Draft) TargetChanged() bool { return d.changed }

// Events are the events so far.
func (d *Draft) Events() []Event { return d.events }

// Consumed are the identities of the messages taken so far.
func (d *Draft) Consumed() []string { return d.consumed }

// Closed says whether the run is closed, by its history or by an event of this draft.
func (d *Draft) Closed() bool { return d.closed }

// NextEvent is the number that the next event of the transition gets.
func (d *Draft) NextEvent() int64 { return d.state.LastEvent + int64(len(d.events)) + 1 }

func (d *Draft) add(a Attributes) {
	e := NewEvent(d.NextEvent(), a)
	if d.events == nil {
		d.events = d.firstEvent[:0]
	}
	d.events = append(d.events, e)
	d.closed = d.closed || e.IsClosing()
}

// Fail closes the run with a failure that its code has not decided on. Nothing follows it, whatever the run's retry policy is.
func (d *Draft) Fail(f *failure.Failure) {
	d.add(&WorkflowExecutionFailed{Failure: f, Retry: enums.RETRY_STATE_NON_RETRYABLE_FAILURE})
}

// Add gives the draft a message. A wake-up is taken as such only through AddDue: here it is Settled.
func (d *Draft) Add(m *Message) Verdict {
	v := d.judge(m)
	if v == Taken {
		d.Consume(m.Identity())
	}
	return v
}

func (d *Draft) judge(m *Message) Verdict {
	switch {
	case m.Activity != nil:
		return d.activity(m.Activity)
	case m.Child != nil:
		return d.child(m.Child)
	case m.External != nil:
		return d.external(m.External)
	case m.Parked != nil:
		return d.parked(m.Parked)
	case m.IsRequest():
		return d.request(m)
	case m.WakeUp != nil:
		return Settled
	}
	return Junk
}

// Consume notes that the wake-up with this identity led to events of the draft.
func (d *Draft) Consume(identity string) {
	if d.consumed == nil {
		d.consumed = d.firstConsumed[:0]
	}
	d.consumed = append(d.consumed, identity)
}

// numbers is a set of event numbers. Most drafts deal with one thing, for which no map is made.
type numbers struct {
	few  [4]int64
	n    int
	many map[int64]struct{}
}

func (s *numbers) add(id int64) {
	if s.n < len(s.few) {
		s.few[s.n] = id
		s.n++
		return
	}
	if s.many == nil {
		s.many = map[int64]struct{}{}
	}
	s.many[id] = struct{}{}
}

func (s *numbers) has(id int64) bool {
	if slices.Contains(s.few[:s.n], id) {
		return true
	}
	_, ok := s.many[id]
	return ok
}

func (d *Draft) requested(identity string) {
	if d.requests == nil {
		d.requests = map[string]struct{}{}
	}
	d.requests[identity] = struct{}{}
}

// pending says whether item id can still be resolved: Taken; or why not.
func (d *Draft) pending(id int64, inState bool) Verdict {
	if id > d.state.LastEvent && !d.state.Closed() {
		return Ahead
	}
	if d.resolved.has(id) || !inState || d.closed {
		return Settled
	}
	return Taken
}

func (d *Draft) activity(r *ActivityResult) Verdict {
	p, ok := d.state.Activities[r.Scheduled]
	if v := d.pending(r.Scheduled, ok); v != Taken {
		return v
	}
	d.resolved.add(r.Scheduled)
	end := ActivityEnd{Scheduled: r.Scheduled, Attempt: r.Attempt, Identity: r.Identity, Started: r.Started}
	switch f := r.Failure; {
	case f == nil:
		d.add(&ActivityTaskCompleted{ActivityEnd: end, Result: r.Result})
	case f.CanceledFailureInfo != nil && p.CancelRequested:
		d.add(&ActivityTaskCanceled{ActivityEnd: end, Details: f.CanceledFailureInfo.Details})
	case f.TimeoutFailureInfo != nil:
		d.add(&ActivityTaskTimedOut{ActivityEnd: end, Failure: f, Retry: r.Retry})
	default:
		d.add(&ActivityTaskFailed{ActivityEnd: end, Failure: f, Retry: r.Retry})
	}
	return Taken
}

// Queue puts an activity whose attempt was made eagerly, or was to be, into its task queue.
func (d *Draft) Queue(q ActivityTaskQueued) Verdict {
	p, ok := d.state.Activities[q.Scheduled]
	if v := d.pending(q.Scheduled, ok && p.Eager && !d.queued.has(q.Scheduled)); v != Taken {
		return v
	}
	d.queued.add(q.Scheduled)
	if d.control(q.Scheduled) != nil {
		return d.parkEager(&q)
	}
	d.add(&q)
	return Taken
}

func (d *Draft) child(o *ChildOutcome) Verdict {
	c, ok := d.state.Children[o.Initiated]
	if v := d.pending(o.Initiated, ok); v != Taken {
		return v
	}
	started := c.RunID != "" || d.startedHere(o.Initiated)
	if o.Status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		if started {
			return Settled
		}
		d.add(&ChildWorkflowExecutionStarted{Initiated: o.Initiated, RunID: o.RunID})
		return Taken
	}
	if o.Status == enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED {
		if started {
			return Settled
		}
		d.add(&StartChildWorkflowExecutionFailed{Initiated: o.Initiated, Cause: o.Cause})
	} else {
		end := childEnd(o)
		if end == nil {
			return Junk
		}
		if !started {
			// The child's close overtook the note of its start, which then finds nothing pending.
			d.add(&ChildWorkflowExecutionStarted{Initiated: o.Initiated, RunID: o.RunID})
		}
		d.add(end)
	}
	d.resolved.add(o.Initiated)
	return Taken
}

func (d *Draft) startedHere(id int64) bool {
	return slices.ContainsFunc(d.events, func(e Event) bool {
		a, ok := e.Attributes.(*ChildWorkflowExecutionStarted)
		return ok && a.Initiated == id
	})
}

// childEnd is the event that a closed child brings, nil for a status that no child closes with.
func childEnd(o *ChildOutcome) Attributes {
	end := ChildEnd{Initiated: o.Initiated, RunID: o.RunID}
	switch o.Status {
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return &ChildWorkflowExecutionCompleted{ChildEnd: end, Result: o.Result}
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED:
		return &ChildWorkflowExecutionFailed{ChildEnd: end, Failure: o.Failure, Retry: o.Retry}
	case enums.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return &ChildWorkflowExecutionCanceled{ChildEnd: end, Details: o.Result}
	case enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return &ChildWorkflowExecutionTimedOut{ChildEnd: end, Retry: o.Retry}
	case enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return &ChildWorkflowExecutionTerminated{ChildEnd: end}
	}
	return nil
}

func (d *Draft) external(r *ExternalResult) Verdict {
	p, ok := d.state.Externals[r.Initiated]
	if v := d.pending(r.Initiated, ok); v != Taken {
		return v
	}
	d.resolved.add(r.Initiated)
	switch {
	case p.Signal != nil && r.NotFound:
		d.add(&SignalExternalWorkflowExecutionFailed{Initiated: r.Initiated,
			Cause: enums.SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND})
	case p.Signal != nil:
		d.add(&ExternalWorkflowExecutionSignaled{Initiated: r.Initiated})
	case r.NotFound:
		d.add(&RequestCancelExternalWorkflowExecutionFailed{Initiated: r.Initiated,
			Cause: enums.CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND})
	default:
		d.add(&ExternalWorkflowExecutionCancelRequested{Initiated: r.Initiated})
	}
	return Taken
}

func (d *Draft) request(m *Message) Verdict {
	if v := d.Awaits(m); v != Taken {
		return v
	}
	id := m.Identity()
	switch {
	case m.Asked != nil:
		if v := d.ask(m.Asked); v != Taken {
			return v
		}
	case m.Update != nil:
		d.add(&WorkflowExecutionUpdateAccepted{UpdateRequest: *m.Update})
	case m.Signal != nil:
		d.add(&WorkflowExecutionSignaled{Signal: *m.Signal})
	case m.Options != nil:
		d.add(&WorkflowExecutionOptionsUpdated{OptionsChange: *m.Options})
	case m.Cancel != nil:
		d.cancel = true
		d.add(&WorkflowExecutionCancelRequested{CancelRequest: *m.Cancel})
	default:
		d.add(&WorkflowExecutionTerminated{Termination: *m.Terminate})
	}
	d.requested(id)
	return Taken
}

// Awaits is what Add would say of a signal, an update, a cancel or terminate request, without changing the draft.
func (d *Draft) Awaits(m *Message) Verdict {
	if m.ID == "" || m.Update != nil && m.ID != UpdateMessageID(m.Update.ID) {
		return Junk // it could not be told from others, and one of them would be lost
	}
	id := m.Identity()
	if _, here := d.requests[id]; here || d.state.Seen(id) {
		return Settled
	}
	if d.closed && m.Asked != nil {
		return Settled // the activities of a run end with it
	}
	if d.closed {
		return Leftover
	}
	if m.Cancel != nil && (d.cancel || d.state.CancelRequested) {
		return Settled
	}
	return Taken
}

// ActivityFacts is what HEARTBEATS knows of an activity whose time-out is due.
type ActivityFacts struct {
	// Started is set when an attempt has begun.
	Started     bool
	Attempt     int32
	LastFailure *failure.Failure
	// Details are those of the last heartbeat.
	Details *common.Payloads
}

// DueActivities are the numbers of the pending activities of which a schedule time-out is due at the draft's time, in
// order. Their facts are needed for AddDue.
func (d *Draft) DueActivities() []int64 {
	return d.dueItems(func(id int64) bool { return d.state.Activities[id] != nil })
}

// dueItems are the numbers of those pending timers and activities that have a deadline which has passed, in order.
func (d *Draft) dueItems(which func(id int64) bool) []int64 {
	var due []int64
	d.state.due(d.time, func(id int64) {
		if !d.resolved.has(id) && which(id) {
			due = append(due, id)
		}
	})
	slices.Sort(due)
	return slices.Compact(due)
}

func passed(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

// AddDue adds the events of all deadlines that have passed at the draft's time, in the order of the events that set
// them, and says whether there were any. A passed deadline of the run closes it and nothing else counts.
func (d *Draft) AddDue(facts map[int64]ActivityFacts) bool {
	if d.closed {
		return false
	}
	if passed(d.state.Start.Deadline(), d.time) {
		next, retry := d.state.RetryRun(timeoutFailure(enums.TIMEOUT_TYPE_START_TO_CLOSE), d.time, d.NextEvent())
		d.add(&WorkflowExecutionTimedOut{Retry: retry, Successor: next})
		return true
	}
	before := len(d.events)
	for _, id := range d.dueItems(func(int64) bool { return true }) {
		if _, isTimer := d.state.Timers[id]; isTimer {
			d.add(&TimerFired{Started: id})
		} else if !d.activityDue(id, facts[id]) {
			continue
		}
		d.resolved.add(id)
	}
	return len(d.events) > before
}

// activityDue times activity id out, unless it has started and only its start was due.
func (d *Draft) activityDue(id int64, facts ActivityFacts) bool {
	kind := enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE
	if !passed(d.state.Activities[id].CloseDeadline(), d.time) {
		if facts.Started || !passed(d.state.Activities[id].StartDeadline(), d.time) {
			return false
		}
		kind = enums.TIMEOUT_TYPE_SCHEDULE_TO_START
	}
	f := timeoutFailure(kind)
	f.Cause = facts.LastFailure
	f.TimeoutFailureInfo.LastHeartbeatDetails = facts.Details
	end := ActivityEnd{Scheduled: id, Attempt: facts.Attempt}
	d.add(&ActivityTaskTimedOut{ActivityEnd: end, Failure: f, Retry: enums.RETRY_STATE_TIMEOUT})
	return true
}

func timeoutFailure(kind enums.TimeoutType) *failure.Failure {
	return &failure.Failure{
		Message:            kind.String() + " timeout",
		Source:             "millrace",
		TimeoutFailureInfo: &failure.TimeoutFailureInfo{TimeoutType: kind},
	}
}
