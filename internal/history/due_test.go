package history

import (
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

func limited(toClose, toStart time.Duration) *ActivityTaskScheduled {
	a := activity()
	a.ScheduleToClose, a.ScheduleToStart = MillisOf(toClose), MillisOf(toStart)
	return a
}

func TestAddDue(t *testing.T) {
	started := map[int64]ActivityFacts{2: {Started: true}}
	runTimeout := func(s *Start) { s.RunTimeout = MillisOf(time.Minute) }
	for name, test := range map[string]struct {
		start  func(*Start)
		events []Attributes // of transition 1, at the start; the first is event 2
		facts  map[int64]ActivityFacts
		after  time.Duration
		want   []string
	}{
		"timer early":                   {nil, []Attributes{timer(0, time.Second)}, nil, time.Second - 1, nil},
		"timer due":                     {nil, []Attributes{timer(0, time.Second)}, nil, time.Second, []string{"3 TimerFired"}},
		"in the order of their events":  {nil, []Attributes{timer(0, 3*time.Second), limited(time.Second, 0), timer(0, 2*time.Second), timer(0, time.Hour)}, nil, time.Minute, []string{"6 TimerFired", "7 ActivityTaskTimedOut", "8 TimerFired"}},
		"schedule to close":             {nil, []Attributes{limited(time.Second, 0)}, nil, time.Second, []string{"3 ActivityTaskTimedOut"}},
		"schedule to close, started":    {nil, []Attributes{limited(time.Second, 0)}, started, time.Second, []string{"3 ActivityTaskTimedOut"}},
		"schedule to start":             {nil, []Attributes{limited(0, time.Second)}, nil, time.Second, []string{"3 ActivityTaskTimedOut"}},
		"schedule to start, started":    {nil, []Attributes{limited(0, time.Second)}, started, time.Hour, nil},
		"both, started":                 {nil, []Attributes{limited(time.Minute, time.Second)}, started, time.Minute, []string{"3 ActivityTaskTimedOut"}},
		"run deadline early":            {runTimeout, nil, nil, time.Minute - 1, nil},
		"run deadline":                  {runTimeout, nil, nil, time.Minute, []string{"2 WorkflowExecutionTimedOut"}},
		"run deadline and nothing else": {runTimeout, []Attributes{timer(0, time.Second)}, nil, time.Hour, []string{"3 WorkflowExecutionTimedOut"}},
		"start delay counts":            {func(s *Start) { runTimeout(s); s.Delay = MillisOf(time.Hour) }, nil, nil, time.Hour, nil},
		"chain expires first":           {func(s *Start) { runTimeout(s); s.ExecutionExpiry = at(time.Second) }, nil, nil, time.Second, []string{"2 WorkflowExecutionTimedOut"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			if test.start != nil {
				s = newScript(t, test.start)
			}
			s.apply(0, StartIdentity, test.events...)
			d := s.state.Draft(at(test.after))
			if got := d.AddDue(test.facts); got != (test.want != nil) {
				t.Errorf("AddDue says %v", got)
			}
			wantSame(t, types(d.Events()), test.want)
			if d.AddDue(test.facts) {
				t.Errorf("a second look found more: %v", d.Events())
			}
			s.commit(d, "w:1")
		})
	}
}

func TestAddDueAfterMessages(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, limited(time.Second, 0))
	d := s.state.Draft(at(time.Minute))
	d.Add(activityResult(2))
	if d.AddDue(nil) || len(d.DueActivities()) != 0 {
		t.Errorf("an activity with a result timed out: %v", d.Events())
	}
	d = s.state.Draft(at(time.Minute))
	d.AddDue(nil)
	if v := d.Add(activityResult(2)); v != Settled {
		t.Errorf("the result of an activity that timed out is %d", v)
	}
}

func TestTimeoutsTellWhatCameBefore(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, limited(time.Minute, 0), limited(0, time.Second))
	details := &common.Payloads{Payloads: []*common.Payload{{Data: []byte("half")}}}
	last := &failure.Failure{Message: "no route"}
	d := s.state.Draft(at(time.Hour))
	wantSame(t, d.DueActivities(), []int64{2, 3})
	d.AddDue(map[int64]ActivityFacts{2: {Started: true, Attempt: 7, LastFailure: last, Details: details}})
	wantSame(t, d.Events(), []Event{
		NewEvent(4, &ActivityTaskTimedOut{
			ActivityEnd: ActivityEnd{Scheduled: 2, Attempt: 7}, Retry: enums.RETRY_STATE_TIMEOUT,
			Failure: &failure.Failure{Message: "ScheduleToClose timeout", Source: "millrace", Cause: last,
				TimeoutFailureInfo: &failure.TimeoutFailureInfo{
					TimeoutType: enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, LastHeartbeatDetails: details}}}),
		NewEvent(5, &ActivityTaskTimedOut{
			ActivityEnd: ActivityEnd{Scheduled: 3}, Retry: enums.RETRY_STATE_TIMEOUT,
			Failure: &failure.Failure{Message: "ScheduleToStart timeout", Source: "millrace",
				TimeoutFailureInfo: &failure.TimeoutFailureInfo{TimeoutType: enums.TIMEOUT_TYPE_SCHEDULE_TO_START}}}),
	})
}

func (s *script) wantArmed(after time.Duration, cover string) {
	s.t.Helper()
	if !s.state.Armed.Equal(at(after)) || s.state.ArmCover != cover {
		s.t.Errorf("armed for %v by %q, want %v by %q", s.state.Armed, s.state.ArmCover, at(after), cover)
	}
}

func TestArmingMovesOnlyEarlier(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, timer(0, time.Minute))
	s.wantArmed(time.Minute, StartIdentity)
	s.apply(time.Second, "later", timer(time.Second, time.Hour))
	s.wantArmed(time.Minute, StartIdentity)
	s.apply(2*time.Second, "earlier", timer(2*time.Second, 8*time.Second))
	s.wantArmed(10*time.Second, "earlier")
	s.apply(3*time.Second, "cancel", &TimerCanceled{4})
	s.wantArmed(10*time.Second, "earlier") // fires for nothing, and arms the next
	s.apply(11*time.Second, "past", &WorkflowExecutionSignaled{})
	s.wantArmed(time.Minute, "past")
	s.apply(12*time.Second, "none", &TimerCanceled{2}, &TimerCanceled{3})
	s.wantArmed(time.Minute, "past")
	s.apply(13*time.Second, "close", timer(13*time.Second, time.Second), &WorkflowExecutionCompleted{})
	s.wantArmed(time.Minute, "past")
}

// A wake-up that is due within the difference of two clocks may have fired for the other one and found nothing: it is
// armed again rather than relied upon.
func TestArmingAllowsForOtherClocks(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, timer(0, 10*time.Second)).apply(time.Second, "x", &TimerCanceled{2})
	s.wantArmed(10*time.Second, StartIdentity)
	s.apply(10*time.Second-ArmSlack/2, "near", timer(10*time.Second, 2*time.Second))
	s.wantArmed(12*time.Second, "near")
}

// A wake-up that is sent again is armed as the first time, not for what is due now: a timer that a later transition
// did not arm, because an earlier firing was armed, would be late.
func TestArmingAgainDoesNotMoveTheWakeUp(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, timer(0, 10*time.Second), timer(0, time.Hour))
	s.apply(time.Second, "x", &TimerCanceled{2})
	wantSame(t, s.state.Effects(StartIdentity), []Effect{&ArmWakeUp{Due: at(10 * time.Second)}})
	s.apply(2*time.Second, "y", &TimerCanceled{3})
	// Nothing waits for it any more, but the history holds it to be armed: a later timer will rely on it.
	wantSame(t, s.state.Effects(StartIdentity), []Effect{&ArmWakeUp{Due: at(10 * time.Second)}})
	s.apply(11*time.Second, "z", &WorkflowExecutionSignaled{})
	wantSame(t, s.state.Effects(StartIdentity), []Effect{}) // it has fired, and nothing relies on it
}

// An activity that has started keeps a ScheduleToStart deadline which says nothing any more: it must not be armed once
// it has passed, or the run would wake up for ever.
func TestPassedScheduleToStartIsNotArmed(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, limited(time.Hour, time.Second))
	s.wantArmed(time.Second, StartIdentity)
	now := time.Second
	d := s.state.Draft(at(now))
	if d.AddDue(map[int64]ActivityFacts{2: {Started: true}}) {
		t.Fatalf("a started activity timed out: %v", d.Events())
	}
	if next := s.state.NextDeadline(at(now)); !next.Equal(at(time.Hour)) {
		t.Errorf("the firing arms %v, want %v", next, at(time.Hour))
	}
	s.apply(2*time.Second, "signal", &WorkflowExecutionSignaled{})
	s.wantArmed(time.Hour, "signal")
	if next := s.state.NextDeadline(at(2 * time.Hour)); !next.Equal(at(time.Hour)) {
		t.Errorf("a passed ScheduleToClose is not armed but %v", next)
	}
}

func TestWakeUpsAreNotEarly(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "w:1904281689000", 1: "w:1904281689001", time.Millisecond: "w:1904281689001"} {
		m := NewWakeUp(at(d))
		if m.Identity() != want || m.WakeUp.Due.Before(at(d)) || m.WakeUp.Due.Sub(at(d)) >= time.Millisecond {
			t.Errorf("wake-up for %v is %s, due %v", at(d), m.Identity(), m.WakeUp.Due)
		}
	}
}
