package history

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/cron"
)

// Effect is something that must be sent because of a record, after the record is durable and before its cover is
// acknowledged. Every effect may be sent again.
type Effect interface{ effect() }

// SendTask publishes an activity task.
type SendTask struct{ Task *Task }

// CancelTask sets the cancel flag of a running or queued activity.
type CancelTask struct{ Activity int64 }

// WithdrawTask takes the task of an activity that nobody waits for out of its queue, and sets its cancel flag for the
// worker that may be running it.
type WithdrawTask struct {
	Activity int64
	Queue    string
	// Build, Class and Bucket are where the task waits in the queue.
	Build         string
	Class, Bucket int
}

// TellTask tells whoever runs an activity, or is about to, that something was asked of it by the event numbered Event.
type TellTask struct {
	Activity int64
	Event    int64
	// Recall asks in addition to take the task with this generation out of the queue if no attempt has it.
	Recall     bool
	Generation int64
	Queue      string
	// Build, Class and Bucket are where the task waits in the queue.
	Build         string
	Class, Bucket int
}

// ArmWakeUp arms the run's wake-up.
type ArmWakeUp struct{ Due time.Time }

// StartChild starts a child and reports the outcome to the run's inbox.
type StartChild struct {
	Initiated int64
	Start     *Start
	Reuse     enums.WorkflowIdReusePolicy
}

// StartSuccessor starts the run that takes over from a closed one.
type StartSuccessor struct{ Start *Start }

// SendRequest puts a signal or cancel request into another run's inbox. Target.RunID may be empty: the current run.
// ChildOnly restricts it to a child of the run that sends. When External is not 0 the outcome is reported to the run's
// inbox as that of external call number External.
type SendRequest struct {
	Target    Run
	ChildOnly bool
	Message   *Message
	External  int64
	// Early is where the request waits for a child of which it is not known whether it has started, nil otherwise:
	// somebody may be about to start it.
	Early *Address
}

// NotifyParent tells the parent how its child closed.
type NotifyParent struct {
	Parent  *Parent
	Outcome *ChildOutcome
}

func (*SendTask) effect()       {}
func (*CancelTask) effect()     {}
func (*WithdrawTask) effect()   {}
func (*TellTask) effect()       {}
func (*ArmWakeUp) effect()      {}
func (*StartChild) effect()     {}
func (*StartSuccessor) effect() {}
func (*SendRequest) effect()    {}
func (*NotifyParent) effect()   {}

// covers says whether the delivery of message re-sends what a record with this cover asked for. A record that the clock
// alone led to names the wake-up for its deadline; but what is sure to fire is that one or an earlier one, so each
// covers what those after it cover.
func covers(message, cover string) bool {
	if message == cover {
		return true
	}
	fired, ok := wakeUpMillis(message)
	if !ok {
		return false
	}
	named, ok := wakeUpMillis(cover)
	return ok && fired <= named
}

// wakeUpMillis is the due time in a wake-up's identity, false for the identity of anything else.
func wakeUpMillis(identity string) (int64, bool) {
	id, ok := strings.CutPrefix(identity, string(SourceWakeUp)+":")
	if !ok {
		return 0, false
	}
	millis, err := strconv.ParseInt(id, 10, 64)
	return millis, err == nil
}

// Effects are the effects of the transitions that the given message covers which are still outstanding, in a fixed
// order: event by event, then the wake-up; for a closed run its successor's start comes first.
//
// What a run has sent to others outlives it: a closed run still asks for its signals, cancel requests and abandoned
// children under the covers that they were decided under.
func (s *State) Effects(cover string) []Effect {
	if s.Closed() {
		return s.closedEffects(cover)
	}
	var effects []Effect
	var room [few]int64
	ids := s.appendCovered(room[:0], cover)
	for _, id := range ids {
		a, ok := s.Activities[id]
		if ok && covers(cover, a.Cover) && !a.Eager && !a.parked() {
			effects = append(effects, &SendTask{Task: s.Task(a)})
		}
		if ok && a.CancelRequested && covers(cover, a.CancelCover) {
			effects = append(effects, &CancelTask{Activity: id})
		}
		if ok && a.Control != nil && covers(cover, a.Control.Cover) {
			effects = append(effects, s.tell(a))
		}
	}
	for _, id := range ids {
		if c, ok := s.Children[id]; ok && covers(cover, c.Cover) && c.RunID == "" {
			effects = append(effects, s.startChild(c))
		}
	}
	for _, id := range ids {
		if x, ok := s.Externals[id]; ok && covers(cover, x.Cover) {
			effects = append(effects, s.sendExternal(x))
		}
	}
	if !s.Armed.IsZero() && covers(cover, s.ArmCover) {
		// Armed as it was the first time: later transitions rely on a firing at that time, or before, even when nothing
		// waits for it any more.
		if !s.NextDeadline(s.Time).IsZero() || s.Armed.After(s.Time) || s.overdue() {
			effects = append(effects, &ArmWakeUp{Due: s.Armed})
		}
	}
	return effects
}

// overdue says whether a deadline of something pending has passed. Those of ScheduleToStart time-outs count here: whether
// the activity has started is seen when the run is woken.
func (s *State) overdue() (found bool) {
	s.due(s.Time, func(int64) { found = true })
	return found
}

func sortedKeys[V any](m map[int64]V) []int64 {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

// tell is how those learn of the newest request who have the activity's task. What waits in the queue, perhaps for a
// retry, is recalled: the next generation comes at once. An activity that runs at most once is not retried.
func (s *State) tell(a *PendingActivity) *TellTask {
	c := a.Control
	once := a.Scheduled.RetryPolicy != nil && a.Scheduled.RetryPolicy.MaximumAttempts == 1
	p := s.Priority(a)
	return &TellTask{Activity: a.Event, Event: c.Event, Generation: c.Generation,
		Recall: !c.Paused && !c.Parked && !a.Eager && !once && c.Bars(c.Generation),
		Queue:  a.Scheduled.Queue, Build: a.Scheduled.Build, Class: p.Class(), Bucket: p.Bucket()}
}

// Task is the task of a pending activity.
func (s *State) Task(a *PendingActivity) *Task {
	t := s.firstTask(a)
	t.Asked = a.CancelRequested
	if c := a.Control; c != nil {
		t.Generation, t.Asked, t.Since, t.Forget = c.Generation, true, c.Since, a.Forget
	}
	return t
}

func (s *State) firstTask(a *PendingActivity) *Task {
	return &Task{
		Run:             s.Start.Run,
		WorkflowType:    s.Start.Type,
		Event:           a.Event,
		ActivityID:      a.Scheduled.ActivityID,
		Type:            a.Scheduled.Type,
		Queue:           a.Scheduled.Queue,
		Input:           a.Scheduled.Input,
		Header:          a.Scheduled.Header,
		Scheduled:       a.At,
		ScheduleToClose: a.Scheduled.ScheduleToClose,
		ScheduleToStart: a.Scheduled.ScheduleToStart,
		StartToClose:    a.Scheduled.StartToClose,
		Heartbeat:       a.Scheduled.Heartbeat,
		RetryPolicy:     a.Scheduled.RetryPolicy,
		FirstAttempt:    a.FirstAttempt,
		NotBefore:       a.NotBefore,
		Build:           a.Scheduled.Build,
		Priority:        a.Scheduled.Priority.Over(s.Start.Priority),
	}
}

// Eager are the activities that a record with the given cover began eagerly and that have no outcome yet. As long as
// there are some, that cover must not be acknowledged: whoever is given it while nobody makes their attempts puts them
// into the queue by a record of his own.
func (s *State) Eager(cover string) []*PendingActivity {
	if s.Closed() {
		return nil
	}
	var eager []*PendingActivity
	var room [few]int64
	for _, id := range s.appendCovered(room[:0], cover) {
		if a, ok := s.Activities[id]; ok && a.Eager && a.Cover == cover {
			eager = append(eager, a)
		}
	}
	return eager
}

func (s *State) startChild(c *PendingChild) *StartChild {
	in := c.Initiated
	root := s.Start.Root
	if root == nil {
		root = &s.Start.Run.Run
	}
	build := ""
	if in.Binding != nil {
		build = in.Binding.Build
	} else if in.Queue == s.Start.Run.Queue {
		build = s.Start.Run.Build // its parent's code calls it
	}
	start := &Start{
		Run:              Address{Run: Run{WorkflowID: in.WorkflowID, RunID: in.RunID}, Queue: in.Queue, Build: build},
		Type:             in.Type,
		Input:            in.Input,
		Header:           in.Header,
		Memo:             in.Memo,
		Search:           in.Search,
		Time:             c.At,
		ExecutionTimeout: in.ExecutionTimeout,
		RunTimeout:       in.RunTimeout,
		TaskTimeout:      in.TaskTimeout,
		RetryPolicy:      in.RetryPolicy,
		Attempt:          1,
		CronSchedule:     in.CronSchedule,
		Parent:           &Parent{Address: s.Start.Run, Initiated: c.Event},
		Root:             root,
		StaticSummary:    in.StaticSummary,
		StaticDetails:    in.StaticDetails,
		Priority:         in.Priority.Over(s.Start.Priority),
	}
	if in.ExecutionTimeout > 0 {
		start.ExecutionExpiry = c.At.Add(in.ExecutionTimeout.Duration())
	}
	if in.CronSchedule != "" {
		if at, err := cron.Next(in.CronSchedule, c.At, c.At); err == nil { // the code was told of a schedule that is none
			start.Delay = MillisOf(at.Sub(c.At))
		}
	}
	return &StartChild{Initiated: c.Event, Start: start, Reuse: in.Reuse}
}

func (s *State) sendExternal(x *PendingExternal) *SendRequest {
	m := &Message{ID: DeriveMessageID(s.Start.Run.Run, x.Event)}
	send := &SendRequest{Message: m, External: x.Event}
	if x.Signal != nil {
		send.Target, send.ChildOnly = x.Signal.Target, x.Signal.ChildOnly
		m.Signal = &Signal{Name: x.Signal.Name, Input: x.Signal.Input, Header: x.Signal.Header}
	} else {
		send.Target, send.ChildOnly = x.Cancel.Target, x.Cancel.ChildOnly
		m.Cancel = &CancelRequest{Reason: x.Cancel.Reason, External: &s.Start.Run.Run}
	}
	return send
}

// closedEffects are what the closing event asks for, if the cover is its own: the successor first, since nobody may
// find the chain broken. Then come the calls that are not answered for; nobody is left to hear their outcome.
func (s *State) closedEffects(cover string) []Effect {
	var effects []Effect
	closing := covers(cover, s.CloseCover)
	if closing {
		effects = s.closeEffects()
	}
	for _, id := range sortedKeys(s.Children) {
		c := s.Children[id]
		switch {
		case c.Initiated.ParentClose == enums.PARENT_CLOSE_POLICY_ABANDON:
			if covers(cover, c.Cover) && c.RunID == "" {
				effects = append(effects, s.startChild(c))
			}
		case closing && c.Transition != s.Transitions: // the closing transition's own are never started
			effects = append(effects, s.closeChild(c))
		}
	}
	for _, id := range sortedKeys(s.Externals) {
		if x := s.Externals[id]; covers(cover, x.Cover) {
			send := s.sendExternal(x)
			send.External = 0
			effects = append(effects, send)
		}
	}
	return effects
}

// closeEffects are the successor's start or the parent's notice, and the end of the activities.
func (s *State) closeEffects() []Effect {
	var effects []Effect
	if next := s.SuccessorStart(); next != nil {
		effects = append(effects, &StartSuccessor{Start: next})
	} else if s.Start.Parent != nil {
		effects = append(effects, &NotifyParent{Parent: s.Start.Parent, Outcome: s.Outcome()})
	}
	for _, id := range sortedKeys(s.Activities) {
		effects = append(effects, s.withdraw(s.Activities[id]))
	}
	return effects
}

func (s *State) withdraw(a *PendingActivity) *WithdrawTask {
	p := s.Priority(a)
	return &WithdrawTask{Activity: a.Event, Queue: a.Scheduled.Queue, Build: a.Scheduled.Build, Class: p.Class(), Bucket: p.Bucket()}
}

// Priority is that with which the activity's task is queued, nil for the default one.
func (s *State) Priority(a *PendingActivity) *Priority {
	return a.Scheduled.Priority.Over(s.Start.Priority)
}

// closeChild applies the parent close policy, which is not to abandon, to an open child: to its current run, once it is
// known to have started, since it may have continued as new.
func (s *State) closeChild(c *PendingChild) *SendRequest {
	m := &Message{ID: DeriveMessageID(s.Start.Run.Run, s.Close.ID+c.Event)}
	if c.Initiated.ParentClose == enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL {
		m.Cancel = &CancelRequest{Reason: "parent closed", External: &s.Start.Run.Run}
	} else {
		m.Terminate = &Termination{Reason: "parent closed"}
	}
	send := &SendRequest{Target: Run{WorkflowID: c.Initiated.WorkflowID}, ChildOnly: true, Message: m}
	if c.RunID == "" {
		send.Target.RunID = c.Initiated.RunID
		send.Early = &s.startChild(c).Start.Run
	}
	return send
}

// Outcome is how a closed run reports to its parent.
func (s *State) Outcome() *ChildOutcome {
	o := &ChildOutcome{RunID: s.Start.Run.RunID, Status: s.Status}
	if s.Start.Parent != nil {
		o.Initiated = s.Start.Parent.Initiated
	}
	o.Result, o.Failure, o.Retry = s.Result()
	return o
}

// Result is what a closed run ended with: its result (or cancellation details) or its failure.
func (s *State) Result() (*common.Payloads, *failure.Failure, enums.RetryState) {
	if s.Close == nil {
		return nil, nil, enums.RETRY_STATE_UNSPECIFIED
	}
	switch a := s.Close.Attributes.(type) {
	case *WorkflowExecutionCompleted:
		return a.Result, nil, enums.RETRY_STATE_UNSPECIFIED
	case *WorkflowExecutionFailed:
		return nil, a.Failure, a.Retry
	case *WorkflowExecutionTimedOut:
		return nil, timeoutFailure(enums.TIMEOUT_TYPE_START_TO_CLOSE), a.Retry
	case *WorkflowExecutionCanceled:
		return a.Details, nil, enums.RETRY_STATE_UNSPECIFIED
	}
	return nil, nil, enums.RETRY_STATE_UNSPECIFIED
}
