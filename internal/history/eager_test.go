package history

import (
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/failure"
)

func eager() *ActivityTaskScheduled {
	a := activity()
	a.Eager = true
	return a
}

// pendingEager are the numbers of the activities that hold a cover.
func (s *script) wantEager(cover string, want ...int64) {
	s.t.Helper()
	var got []int64
	for _, a := range s.state.Eager(cover) {
		got = append(got, a.Event)
	}
	wantSame(s.t, got, want)
}

// An eager activity has no task, and holds its cover until it has an outcome or a task.
func TestEagerActivitiesHoldTheirCover(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, eager(), activity(), eager())
	s.wantEffects(StartIdentity, "task 3")
	s.wantEager(StartIdentity, 2, 4)
	s.wantEager("s:1")

	s.apply(time.Second, "s:1", eager())
	s.wantEager(StartIdentity, 2, 4)
	s.wantEager("s:1", 5)

	s.apply(2*time.Second, StartIdentity, &ActivityTaskCompleted{ActivityEnd: ActivityEnd{Scheduled: 2}}, eager())
	s.wantEager(StartIdentity, 4, 7)
	s.apply(3*time.Second, "x", &ActivityTaskQueued{Scheduled: 4, Attempt: 2, NotBefore: at(time.Minute)})
	s.wantEager(StartIdentity, 7)
	s.wantEffects(StartIdentity, "task 3") // the task is the record's that queued it
	s.wantEffects("x", "task 4")
	task := s.state.Effects("x")[0].(*SendTask).Task
	if task.FirstAttempt != 2 || !task.NotBefore.Equal(at(time.Minute)) || !task.Scheduled.Equal(at(0)) {
		t.Errorf("the task begins with attempt %d not before %v, scheduled at %v", task.FirstAttempt, task.NotBefore, task.Scheduled)
	}

	s.apply(4*time.Second, "x", &WorkflowExecutionCompleted{})
	s.wantEager(StartIdentity)
	s.wantEager("s:1")
	s.wantEffects("x", "withdraw 3 aq", "withdraw 4 aq", "withdraw 5 aq", "withdraw 7 aq")
}

// Whoever cancels an eager activity sets its flag. That stays to be set when the activity is queued.
func TestCancelOfAnEagerActivity(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, eager())
	s.apply(time.Second, "s:1", &ActivityTaskCancelRequested{2})
	s.wantEffects("s:1", "cancel 2")
	s.apply(2*time.Second, StartIdentity, &ActivityTaskQueued{Scheduled: 2, Attempt: 2})
	s.wantEffects("s:1", "cancel 2")
	s.wantEffects(StartIdentity, "task 2")
}

func TestQueueVerdicts(t *testing.T) {
	begin := func() *script { return newScript(t).apply(0, StartIdentity, eager(), activity()) }
	queue := func(id int64) ActivityTaskQueued { return ActivityTaskQueued{Scheduled: id, Attempt: 2} }
	result := &ActivityTaskCompleted{ActivityEnd: ActivityEnd{Scheduled: 2}}
	for name, test := range map[string]struct {
		draft func() *Draft
		id    int64
		want  Verdict
	}{
		"eager":            {func() *Draft { return begin().state.Draft(at(1)) }, 2, Taken},
		"not eager":        {func() *Draft { return begin().state.Draft(at(1)) }, 3, Settled},
		"no activity":      {func() *Draft { return begin().state.Draft(at(1)) }, 1, Settled},
		"ahead":            {func() *Draft { return begin().state.Draft(at(1)) }, 4, Ahead},
		"has an outcome":   {func() *Draft { return begin().apply(1, "x", result).state.Draft(at(2)) }, 2, Settled},
		"queued by others": {func() *Draft { return begin().apply(1, "x", &ActivityTaskQueued{Scheduled: 2}).state.Draft(at(2)) }, 2, Settled},
		"run is closed":    {func() *Draft { return begin().apply(1, "x", &WorkflowExecutionCompleted{}).state.Draft(at(2)) }, 2, Settled},
		"queued in this draft": {func() *Draft {
			d := begin().state.Draft(at(1))
			d.Queue(queue(2))
			return d
		}, 2, Settled},
		"outcome in this draft": {func() *Draft {
			d := begin().state.Draft(at(1))
			d.Add(activityResult(2))
			return d
		}, 2, Settled},
		"closed in this draft": {func() *Draft {
			d := begin().state.Draft(at(1))
			d.Add(terminate("t"))
			return d
		}, 2, Settled},
	} {
		d := test.draft()
		events, consumed := len(d.Events()), len(d.Consumed())
		if got := d.Queue(queue(test.id)); got != test.want {
			t.Errorf("%s: verdict is %d, want %d", name, got, test.want)
		}
		if grew := len(d.Events()) > events; grew != (test.want == Taken) || len(d.Consumed()) != consumed {
			t.Errorf("%s: events %v, consumed %v", name, types(d.Events()), d.Consumed())
		}
	}
}

func TestQueueingIsLegalOnce(t *testing.T) {
	for name, events := range map[string][]Attributes{
		"twice":                  {&ActivityTaskQueued{Scheduled: 2}, &ActivityTaskQueued{Scheduled: 2}},
		"not eager":              {&ActivityTaskQueued{Scheduled: 3}},
		"no activity":            {&ActivityTaskQueued{Scheduled: 1}},
		"after the outcome":      {&ActivityTaskCompleted{ActivityEnd: ActivityEnd{Scheduled: 2}}, &ActivityTaskQueued{Scheduled: 2}},
		"in the same transition": {activity(), &ActivityTaskQueued{Scheduled: 4}},
	} {
		s := newScript(t).apply(0, StartIdentity, eager(), activity())
		if err := s.state.Apply(s.next(time.Second, "x", events...)); err == nil {
			t.Errorf("%s: the records are accepted", name)
		}
	}
}

// What ends a queued activity is whatever comes first, also a report on the attempt that was made eagerly: whoever
// completes it from outside has taken the task out of the queue.
func TestOldAttemptsEndAQueuedActivity(t *testing.T) {
	for name, f := range map[string]*failure.Failure{"success": nil, "failure": {Message: "no"}} {
		s := newScript(t).apply(0, StartIdentity, eager()).apply(1, StartIdentity, &ActivityTaskQueued{Scheduled: 2, Attempt: 2})
		m := activityResult(2)
		m.Activity.Failure = f
		if v := s.state.Draft(at(2)).Add(m); v != Taken {
			t.Errorf("%s of attempt 1: verdict is %d", name, v)
		}
	}
}
