package history

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// briefly names each effect and what it is for.
func briefly(effects []Effect) []string {
	var names []string
	for _, e := range effects {
		switch e := e.(type) {
		case *SendTask:
			names = append(names, fmt.Sprint("task ", e.Task.Event))
		case *CancelTask:
			names = append(names, fmt.Sprint("cancel ", e.Activity))
		case *WithdrawTask:
			names = append(names, fmt.Sprint("withdraw ", e.Activity, " ", e.Queue))
		case *TellTask:
			name := fmt.Sprint("tell ", e.Activity, " of ", e.Event)
			if e.Recall {
				name += fmt.Sprint(", recall ", e.Generation)
			}
			names = append(names, name)
		case *ArmWakeUp:
			names = append(names, fmt.Sprint("arm ", e.Due.Sub(t0)))
		case *StartChild:
			names = append(names, fmt.Sprint("child ", e.Initiated))
		case *StartSuccessor:
			names = append(names, "successor")
		case *NotifyParent:
			names = append(names, fmt.Sprint("parent ", e.Outcome.Initiated, " ", e.Outcome.Status))
		case *SendRequest:
			kind := "signal"
			if e.Message.Cancel != nil {
				kind = "request cancel"
			} else if e.Message.Terminate != nil {
				kind = "terminate"
			}
			names = append(names, fmt.Sprint(kind, " ", e.Target, " for ", e.External))
		}
	}
	return names
}

func (s *script) wantEffects(cover string, want ...string) {
	s.t.Helper()
	if d := cmp.Diff(want, briefly(s.state.Effects(cover)), cmpopts.EquateEmpty()); d != "" {
		s.t.Errorf("effects under %q differ (-want +got):\n%s", cover, d)
	}
}

func TestEffectsAreTheCoversAndOutstanding(t *testing.T) {
	s := begun(t)
	s.wantEffects(StartIdentity, "task 2", "child 4", "signal other/ for 5", "request cancel other/ for 6", "arm 1m0s")
	s.wantEffects("a2:1")
	s.apply(time.Second, "s:1", &ActivityTaskCancelRequested{2}, activity(), timer(time.Second, time.Second))
	s.wantEffects("s:1", "cancel 2", "task 8", "arm 2s")
	s.wantEffects(StartIdentity, "task 2", "child 4", "signal other/ for 5", "request cancel other/ for 6")

	s.apply(2*time.Second, "a2:1", &ActivityTaskCompleted{ActivityEnd: ActivityEnd{Scheduled: 2}},
		&ChildWorkflowExecutionStarted{4, "kid-run"}, &ExternalWorkflowExecutionSignaled{5},
		&RequestCancelExternalWorkflowExecutionFailed{Initiated: 6})
	s.wantEffects(StartIdentity)
	s.wantEffects("s:1", "task 8")
}

func TestTaskCarriesItsActivity(t *testing.T) {
	a := filled(&ActivityTaskScheduled{})
	a.Eager = false
	s := newScript(t).apply(time.Second, StartIdentity, a)
	wantSame(t, s.state.Effects(StartIdentity)[:1], []Effect{&SendTask{Task: &Task{
		Run: s.state.Start.Run, WorkflowType: "Order", Event: 2, ActivityID: a.ActivityID, Type: a.Type, Queue: a.Queue,
		Input: a.Input, Header: a.Header, Scheduled: at(time.Second), ScheduleToClose: a.ScheduleToClose,
		ScheduleToStart: a.ScheduleToStart, StartToClose: a.StartToClose, Heartbeat: a.Heartbeat,
		RetryPolicy: a.RetryPolicy, FirstAttempt: 1, Build: a.Build, Priority: a.Priority}}})
}

func TestChildStart(t *testing.T) {
	in := filled(&StartChildWorkflowExecutionInitiated{})
	in.ExecutionTimeout = MillisOf(time.Hour)
	s := newScript(t).apply(time.Second, StartIdentity, in)
	got := s.state.Effects(StartIdentity)[0].(*StartChild)
	if got.Initiated != 2 || got.Reuse != in.Reuse {
		t.Errorf("effect is %+v", got)
	}
	wantSame(t, got.Start, &Start{
		Run:  Address{Run: Run{WorkflowID: in.WorkflowID, RunID: in.RunID}, Queue: in.Queue, Build: in.Binding.Build},
		Type: in.Type, Input: in.Input, Header: in.Header, Memo: in.Memo, Search: in.Search, Time: at(time.Second),
		ExecutionTimeout: in.ExecutionTimeout, ExecutionExpiry: at(time.Second + time.Hour), RunTimeout: in.RunTimeout,
		TaskTimeout: in.TaskTimeout, RetryPolicy: in.RetryPolicy, Attempt: 1, CronSchedule: in.CronSchedule,
		Parent: &Parent{Address: s.state.Start.Run, Initiated: 2}, Root: &s.state.Start.Run.Run,
		StaticSummary: in.StaticSummary, StaticDetails: in.StaticDetails, Priority: in.Priority})

	root := &Run{WorkflowID: "root", RunID: "root-run"}
	s = newScript(t, func(s *Start) { s.Root = root }).apply(0, StartIdentity, in)
	if got := s.state.Effects(StartIdentity)[0].(*StartChild).Start.Root; *got != *root {
		t.Errorf("the grandchild's root is %v, want %v", got, root)
	}
}

func TestClosingEffects(t *testing.T) {
	withParent := func(s *Start) {
		s.Parent = &Parent{Address: Address{Run: Run{WorkflowID: "mum", RunID: "m"}, Queue: "mq"}, Initiated: 42}
	}
	successor := &Successor{RunID: "run-2", Initiator: enums.CONTINUE_AS_NEW_INITIATOR_WORKFLOW, Type: "Order"}
	for name, test := range map[string]struct {
		begin []Attributes // of transition 1, covered by the start
		close []Attributes // of transition 2, covered by "x"
		want  []string     // under "x"
		left  []string     // under the start
	}{
		"completed":   {nil, []Attributes{&WorkflowExecutionCompleted{}}, []string{"parent 42 Completed"}, nil},
		"failed":      {nil, []Attributes{&WorkflowExecutionFailed{}}, []string{"parent 42 Failed"}, nil},
		"successor":   {nil, []Attributes{&WorkflowExecutionContinuedAsNew{successor}}, []string{"successor"}, nil},
		"retried":     {nil, []Attributes{&WorkflowExecutionFailed{Successor: successor}}, []string{"successor"}, nil},
		"cron":        {nil, []Attributes{&WorkflowExecutionCompleted{Successor: successor}}, []string{"successor"}, nil},
		"not retried": {nil, []Attributes{&WorkflowExecutionTimedOut{}}, []string{"parent 42 TimedOut"}, nil},
		"activities are withdrawn, timers forgotten": {
			[]Attributes{activity(), timer(0, time.Second), activity()},
			[]Attributes{&ActivityTaskCompleted{ActivityEnd: ActivityEnd{Scheduled: 2}}, &WorkflowExecutionContinuedAsNew{successor}},
			[]string{"successor", "withdraw 4 aq"}, nil},
		"child terminated by default": {
			[]Attributes{child(enums.PARENT_CLOSE_POLICY_UNSPECIFIED)}, []Attributes{&WorkflowExecutionCompleted{}},
			[]string{"parent 42 Completed", "terminate kid/kid-run for 0"}, nil},
		"child asked to cancel": {
			[]Attributes{child(enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL)}, []Attributes{&WorkflowExecutionCompleted{}},
			[]string{"parent 42 Completed", "request cancel kid/kid-run for 0"}, nil},
		"child abandoned, perhaps not started": {
			[]Attributes{child(enums.PARENT_CLOSE_POLICY_ABANDON)}, []Attributes{&WorkflowExecutionCompleted{}},
			[]string{"parent 42 Completed"}, []string{"child 2"}},
		"child abandoned and started": {
			[]Attributes{child(enums.PARENT_CLOSE_POLICY_ABANDON)},
			[]Attributes{&ChildWorkflowExecutionStarted{2, "kid-run"}, &WorkflowExecutionCompleted{}},
			[]string{"parent 42 Completed"}, nil},
		"closed child": {
			[]Attributes{child(enums.PARENT_CLOSE_POLICY_TERMINATE)},
			[]Attributes{&ChildWorkflowExecutionTerminated{ChildEnd{2, "kid-run"}}, &WorkflowExecutionCompleted{}},
			[]string{"parent 42 Completed"}, nil},
		"child decided while closing": {
			nil, []Attributes{child(enums.PARENT_CLOSE_POLICY_TERMINATE), &WorkflowExecutionCompleted{}},
			[]string{"parent 42 Completed"}, nil},
		"child decided and abandoned while closing": {
			nil, []Attributes{child(enums.PARENT_CLOSE_POLICY_ABANDON), &WorkflowExecutionCompleted{}},
			[]string{"parent 42 Completed", "child 2"}, nil},
		"calls decided while closing": {
			nil, []Attributes{externalSignal(), externalCancel(), &WorkflowExecutionCompleted{}},
			[]string{"parent 42 Completed", "signal other/ for 0", "request cancel other/ for 0"}, nil},
		"calls decided before, perhaps not sent": {
			[]Attributes{externalSignal(), externalCancel()},
			[]Attributes{&ExternalWorkflowExecutionSignaled{2}, &WorkflowExecutionCompleted{}},
			[]string{"parent 42 Completed"}, []string{"request cancel other/ for 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, withParent).apply(0, StartIdentity, test.begin...).apply(time.Second, "x", test.close...)
			s.wantEffects("x", test.want...)
			s.wantEffects(StartIdentity, test.left...)
			s.wantEffects("y")
		})
	}
}

// One message may cover several transitions, the closing one among them.
func TestClosingUnderAnEarlierCover(t *testing.T) {
	s := newScript(t).apply(0, "m", child(enums.PARENT_CLOSE_POLICY_ABANDON), externalSignal(), activity())
	s.apply(time.Second, "m", &WorkflowExecutionCompleted{})
	s.wantEffects("m", "withdraw 4 aq", "child 2", "signal other/ for 0")
}

func TestMessagesToOthersHaveStableIDs(t *testing.T) {
	build := func() []Effect {
		s := newScript(t).apply(0, "m", externalSignal(), externalCancel(), child(0)).apply(0, "x", &WorkflowExecutionCompleted{})
		return append(s.state.Effects("m"), s.state.Effects("x")...)
	}
	first, second := build(), build()
	wantSame(t, first, second)
	ids := map[string]bool{}
	for _, e := range first {
		m := e.(*SendRequest).Message
		if m.ID == "" || ids[m.ID] {
			t.Errorf("message ID %q is empty or used twice", m.ID)
		}
		ids[m.ID] = true
	}
	if len(ids) != 3 {
		t.Errorf("%d messages, want 3", len(ids))
	}
}

func TestOutcome(t *testing.T) {
	result := &common.Payloads{Payloads: []*common.Payload{{Data: []byte("1")}}}
	bad := &failure.Failure{Message: "no"}
	for _, test := range []struct {
		close Attributes
		want  ChildOutcome
	}{
		{&WorkflowExecutionCompleted{Result: result}, ChildOutcome{Status: enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, Result: result}},
		{&WorkflowExecutionFailed{Failure: bad, Retry: enums.RETRY_STATE_TIMEOUT}, ChildOutcome{Status: enums.WORKFLOW_EXECUTION_STATUS_FAILED, Failure: bad, Retry: enums.RETRY_STATE_TIMEOUT}},
		{&WorkflowExecutionCanceled{Details: result}, ChildOutcome{Status: enums.WORKFLOW_EXECUTION_STATUS_CANCELED, Result: result}},
		{&WorkflowExecutionTerminated{}, ChildOutcome{Status: enums.WORKFLOW_EXECUTION_STATUS_TERMINATED}},
	} {
		test.want.RunID, test.want.Initiated = "run-1", 42
		s := newScript(t, func(s *Start) { s.Parent = &Parent{Initiated: 42} }).apply(0, "x", test.close)
		wantSame(t, s.state.Outcome(), &test.want)
	}
}

func TestSuccessorStarts(t *testing.T) {
	start := filled(&Start{})
	start.Time, start.Attempt, start.ExecutionExpiry = t0, 2, at(time.Hour)
	bad, result := &failure.Failure{Message: "no"}, &common.Payloads{Payloads: []*common.Payload{{Data: []byte("1")}}}
	full := filled(&Successor{})
	full.Initiator, full.Queue = enums.CONTINUE_AS_NEW_INITIATOR_WORKFLOW, start.Run.Queue
	moved := *full
	moved.Queue = "elsewhere"
	inherited := &Successor{RunID: "run-2", Initiator: enums.CONTINUE_AS_NEW_INITIATOR_WORKFLOW, Type: "T"}
	for name, test := range map[string]struct {
		close  Attributes
		change func(*Start) // from the start of the run that closed
	}{
		"retry": {&WorkflowExecutionFailed{Failure: bad, Successor: &Successor{RunID: "run-2", Initiator: enums.CONTINUE_AS_NEW_INITIATOR_RETRY, Delay: 5, Attempt: 3}},
			func(s *Start) {
				s.Run.RunID, s.Delay, s.Attempt, s.Initiator = "run-2", 5, 3, enums.CONTINUE_AS_NEW_INITIATOR_RETRY
				s.ContinuedFailure = bad
			}},
		"cron": {&WorkflowExecutionCompleted{Result: result, Successor: &Successor{RunID: "run-2", Initiator: enums.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE, Delay: 5, Attempt: 1}},
			func(s *Start) {
				s.Run.RunID, s.Delay, s.Attempt, s.Initiator = "run-2", 5, 1, enums.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE
				s.LastCompletionResult, s.ContinuedFailure = result, nil
			}},
		"continued as new": {&WorkflowExecutionContinuedAsNew{full},
			func(s *Start) {
				s.Run.RunID, s.Delay, s.Attempt, s.Initiator = full.RunID, full.Delay, full.Attempt, full.Initiator
				s.Type, s.Input, s.Header, s.Memo, s.Search = full.Type, full.Input, full.Header, full.Memo, full.Search
				s.RunTimeout, s.TaskTimeout, s.RetryPolicy = full.RunTimeout, full.TaskTimeout, full.RetryPolicy
				s.ContinuedFailure, s.Run.Build = nil, full.Binding.Build
			}},
		"to another queue": {&WorkflowExecutionContinuedAsNew{&moved},
			func(s *Start) {
				s.Run.RunID, s.Delay, s.Attempt, s.Initiator = full.RunID, full.Delay, full.Attempt, full.Initiator
				s.Run.Queue, s.Run.Build, s.Versioning = "elsewhere", full.Binding.Build, nil
				s.Type, s.Input, s.Header, s.Memo, s.Search = full.Type, full.Input, full.Header, full.Memo, full.Search
				s.RunTimeout, s.TaskTimeout, s.RetryPolicy = full.RunTimeout, full.TaskTimeout, full.RetryPolicy
				s.ContinuedFailure = nil
			}},
		"memo and search attributes stay": {&WorkflowExecutionContinuedAsNew{inherited},
			func(s *Start) {
				s.Run.RunID, s.Delay, s.Attempt, s.Initiator = "run-2", 0, 0, enums.CONTINUE_AS_NEW_INITIATOR_WORKFLOW
				s.Type, s.Input, s.Header = "T", nil, nil
				s.RunTimeout, s.TaskTimeout, s.RetryPolicy, s.ContinuedFailure = 0, 0, nil, nil
			}},
	} {
		t.Run(name, func(t *testing.T) {
			derive := func() *Start {
				s := &script{t: t, state: NewState(filled(&Start{}))}
				*s.state.Start = *start
				s.apply(time.Second, "x", test.close)
				return s.state.SuccessorStart()
			}
			want := *start
			want.Time, want.ContinuedRunID = at(time.Second), start.Run.RunID
			want.Signal, want.RequestID = nil, ""
			test.change(&want)
			got := derive()
			wantSame(t, got, &want)
			if string(encode(t, got)) != string(encode(t, derive())) {
				t.Error("derived twice, the start has other bytes")
			}
		})
	}
	first := newScript(t).apply(0, "x", &WorkflowExecutionContinuedAsNew{inherited}).state.SuccessorStart()
	if first.FirstRunID != "run-1" || first.FirstRun() != "run-1" {
		t.Errorf("the chain begins with %q", first.FirstRunID)
	}
}

func TestRetryRun(t *testing.T) {
	policy := &RetryPolicy{InitialInterval: 1000, BackoffCoefficient: 2, MaximumAttempts: 3}
	for name, test := range map[string]struct {
		change func(*Start)
		fail   *failure.Failure
		delay  Millis
		state  enums.RetryState
	}{
		"no policy":     {func(s *Start) { s.RetryPolicy = nil }, &failure.Failure{}, 0, enums.RETRY_STATE_RETRY_POLICY_NOT_SET},
		"first":         {func(*Start) {}, &failure.Failure{}, 1000, enums.RETRY_STATE_IN_PROGRESS},
		"second":        {func(s *Start) { s.Attempt = 2 }, &failure.Failure{}, 2000, enums.RETRY_STATE_IN_PROGRESS},
		"last":          {func(s *Start) { s.Attempt = 3 }, &failure.Failure{}, 0, enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED},
		"expired":       {func(s *Start) { s.ExecutionExpiry = t0 }, &failure.Failure{}, 0, enums.RETRY_STATE_TIMEOUT},
		"would expire":  {func(s *Start) { s.ExecutionExpiry = at(time.Second) }, &failure.Failure{}, 0, enums.RETRY_STATE_TIMEOUT},
		"not retryable": {func(*Start) {}, &failure.Failure{ApplicationFailureInfo: &failure.ApplicationFailureInfo{NonRetryable: true}}, 0, enums.RETRY_STATE_NON_RETRYABLE_FAILURE},
	} {
		s := newScript(t, func(s *Start) { s.RetryPolicy = policy; test.change(s) })
		next, state := s.state.RetryRun(test.fail, t0, 2)
		if state != test.state || (next != nil) != (state == enums.RETRY_STATE_IN_PROGRESS) {
			t.Errorf("%s: state is %v, want %v; successor %v", name, state, test.state, next)
			continue
		}
		if next == nil {
			continue
		}
		wantSame(t, next, &Successor{RunID: DeriveRunID(s.state.Start.Run.Run, 2, t0),
			Initiator: enums.CONTINUE_AS_NEW_INITIATOR_RETRY, Delay: test.delay, Attempt: max(s.state.Start.Attempt, 1) + 1})
	}
	s := newScript(t, func(s *Start) { s.RetryPolicy, s.RunTimeout = policy, 1000 })
	d := s.state.Draft(at(time.Minute))
	d.AddDue(nil)
	s.commit(d, "w:1")
	s.wantEffects("w:1", "successor")
}

func TestDerivedRunIDs(t *testing.T) {
	run := Run{WorkflowID: "w", RunID: "r"}
	id := DeriveRunID(run, 7, t0)
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 || u.Variant() != uuid.RFC4122 {
		t.Fatalf("%s is not a UUIDv7: %v", id, err)
	}
	if sec, nsec := u.Time().UnixTime(); !time.Unix(sec, nsec).Truncate(time.Millisecond).Equal(t0) {
		t.Errorf("time in %s is %v, want %v", id, time.Unix(sec, nsec), t0)
	}
	if DeriveRunID(run, 7, t0) != id {
		t.Error("derived twice, it differs")
	}
	others := []string{DeriveRunID(run, 8, t0), DeriveRunID(Run{"w", "s"}, 7, t0), DeriveRunID(Run{"", "wr"}, 7, t0)}
	for _, other := range others {
		if other == id {
			t.Error("two runs or events have one derived ID")
		}
	}
}
