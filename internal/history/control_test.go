package history

import (
	"testing"
	"time"
)

func asked(id string, r ActivityRequest) *Message { return &Message{ID: id, Asked: &r} }

func pause(id string, activity int64) *Message {
	return asked(id, ActivityRequest{Pause: &ActivityTaskPaused{Scheduled: activity, Reason: "why", Identity: "me"}})
}

func unpause(id string, activity int64) *Message {
	return asked(id, ActivityRequest{Unpause: &ActivityTaskUnpaused{Scheduled: activity}})
}

func reset(id string, r ActivityTaskReset) *Message { return asked(id, ActivityRequest{Reset: &r}) }

func gone(activity, generation int64, attempt int32) *Message {
	return NewParked(ActivityParked{Scheduled: activity, Generation: generation, Attempt: attempt})
}

// take drafts messages, all of which must be Taken, and applies what comes of them under the cover of the last one.
func (s *script) take(after time.Duration, messages ...*Message) *script {
	s.t.Helper()
	d := s.state.Draft(at(after))
	for _, m := range messages {
		if v := d.Add(m); v != Taken {
			s.t.Fatalf("verdict of %s is %d", m.Identity(), v)
		}
	}
	var attributes []Attributes
	for _, e := range d.Events() {
		attributes = append(attributes, e.Attributes)
	}
	return s.apply(after, messages[len(messages)-1].Identity(), attributes...)
}

func (s *script) verdict(m *Message, want Verdict) {
	s.t.Helper()
	if v := s.state.Draft(at(time.Hour)).Add(m); v != want {
		s.t.Errorf("verdict of %s is %d, want %d", m.Identity(), v, want)
	}
}

func (s *script) wantTask(cover string, generation int64, attempt int32) *Task {
	s.t.Helper()
	effects := s.state.Effects(cover)
	if len(effects) == 0 {
		s.t.Fatalf("no effects under %q", cover)
	}
	task := effects[0].(*SendTask).Task
	if task.Generation != generation || task.FirstAttempt != attempt || !task.Asked {
		s.t.Fatalf("task is of generation %d and begins with attempt %d, want %d and %d", task.Generation, task.FirstAttempt, generation, attempt)
	}
	return task
}

func TestPauseKeepsTheTaskUntilItIsParked(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, activity()).take(1, pause("p", 2))
	s.wantEffects("s:p", "tell 2 of 3")
	s.wantEffects(StartIdentity, "task 2") // whoever gets it parks it
	if c := s.state.Activities[2].Control; !c.Paused || c.Reason != "why" || c.Identity != "me" || !c.PausedAt.Equal(at(1)) {
		t.Errorf("control is %+v", c)
	}
	s.verdict(unpause("u", 2), Taken)

	s.take(2, gone(2, 0, 3))
	s.wantEffects("a2:parked0")
	s.wantEffects(StartIdentity)
	s.verdict(gone(2, 0, 3), Settled)

	s.take(3, unpause("u", 2)) // event 5, and 6 queues
	s.wantTask("s:u", 6, 3)
	s.wantEffects("s:u", "task 2", "tell 2 of 5")
	s.verdict(gone(2, 0, 3), Settled) // that of the earlier generation
	s.verdict(gone(2, 6, 3), Taken)
	s.verdict(gone(2, 60, 3), Ahead)
}

func TestUnpausedTaskThatWaitsIsRecalledAndQueuedAgain(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, activity()).take(1, pause("p", 2)).take(2, unpause("u", 2))
	s.wantEffects("s:u", "tell 2 of 4, recall 0")
	s.take(3, gone(2, 0, 7))
	s.wantTask("a2:parked0", 6, 7)
}

func TestResetBeginsWithTheFirstAttempt(t *testing.T) {
	notBefore := at(time.Minute)
	s := newScript(t).apply(0, StartIdentity, activity()).take(1, reset("r", ActivityTaskReset{Scheduled: 2, ResetHeartbeats: true, NotBefore: notBefore}))
	s.wantEffects("s:r", "tell 2 of 3, recall 0")
	s.take(2, gone(2, 0, 7))
	if task := s.wantTask("a2:parked0", 5, 1); !task.Forget || !task.NotBefore.Equal(notBefore) {
		t.Errorf("task is %+v", task)
	}
	// The next generation has forgotten all that.
	s.take(3, pause("p", 2)).take(4, gone(2, 5, 4)).take(5, unpause("u", 2))
	if task := s.wantTask("s:u", 9, 4); task.Forget || !task.NotBefore.IsZero() {
		t.Errorf("task is %+v", task)
	}
}

func TestResetOfAPausedActivity(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, activity()).take(1, pause("p", 2)).take(2, gone(2, 0, 7))
	s.take(3, reset("k", ActivityTaskReset{Scheduled: 2, KeepPaused: true}))
	s.wantEffects("s:k", "tell 2 of 5")
	s.take(4, unpause("u", 2))
	s.wantTask("s:u", 7, 1)

	s.take(5, pause("q", 2), gone(2, 7, 5), reset("r", ActivityTaskReset{Scheduled: 2})) // all in one transition
	s.wantTask("s:r", 11, 1)
}

func TestEagerActivityIsParkedInAPause(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, eager()).take(1, pause("p", 2))
	s.wantEager(StartIdentity, 2)
	s.verdict(gone(2, 0, 2), Ahead) // it has no task yet: a process that says so knows of one
	d := s.state.Draft(at(2))
	if v := d.Queue(ActivityTaskQueued{Scheduled: 2, Attempt: 2, NotBefore: at(time.Minute)}); v != Taken {
		t.Fatalf("verdict %d", v)
	}
	if v := d.Queue(ActivityTaskQueued{Scheduled: 2, Attempt: 2}); v != Settled {
		t.Fatalf("verdict %d of the second", v)
	}
	if v := d.Add(unpause("u", 2)); v != Taken { // in the same transition
		t.Fatalf("verdict %d of an unpause", v)
	}
	wantSame(t, d.Events(), []Event{
		NewEvent(4, &ActivityTaskParked{Scheduled: 2, Attempt: 2}),
		NewEvent(5, &ActivityTaskUnpaused{Scheduled: 2}),
		NewEvent(6, &ActivityTaskQueued{Scheduled: 2, Attempt: 2}),
	})
}

// Only a worker ends an activity: one that is parked is queued again to be canceled.
func TestCancelOfAParkedActivityQueuesIt(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, activity()).take(1, pause("p", 2)).take(2, gone(2, 0, 3))
	s.apply(3, "s:c", &ActivityTaskCancelRequested{2})
	s.wantTask("s:c", 5, 3)
	s.wantEffects("s:c", "task 2", "cancel 2")
	s.take(4, gone(2, 5, 3)) // by a worker that did not see the cancellation yet
	s.wantTask("a2:parked5", 7, 3)
}

func TestRequestsForWhatIsNotPending(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, activity(), activity())
	s.apply(1, "a2:1", &ActivityTaskCompleted{ActivityEnd: ActivityEnd{Scheduled: 2}})
	s.verdict(pause("p", 2), Settled)
	s.verdict(pause("p", 20), Ahead)
	s.verdict(asked("n", ActivityRequest{}), Settled)
	s.apply(2, "x", &WorkflowExecutionContinuedAsNew{})
	s.verdict(pause("p", 3), Settled) // not for the successor
	s.verdict(gone(3, 0, 1), Settled)
}

// The wait for a worker is not the worker's while nobody may begin.
func TestPauseSuspendsTheScheduleToStartTimeout(t *testing.T) {
	a := activity()
	a.ScheduleToStart = MillisOf(10 * time.Second)
	for name, others := range map[string]int{"few pending": 0, "many pending": few} {
		t.Run(name, func(t *testing.T) {
			all := []Attributes{a}
			for range others {
				all = append(all, timer(time.Hour, time.Hour))
			}
			s := newScript(t).apply(0, StartIdentity, all...).take(5*time.Second, pause("p", 2))
			d := s.state.Draft(at(time.Minute))
			if d.AddDue(nil) {
				t.Errorf("due in a pause: %v", d.Events())
			}
			s.take(2*time.Minute, unpause("u", 2))
			want := at(2*time.Minute + 10*time.Second)
			if next := s.state.NextDeadline(at(2 * time.Minute)); !next.Equal(want) {
				t.Errorf("next deadline is %v, want %v", next, want)
			}
			if d := s.state.Draft(at(2*time.Minute + 9*time.Second)); d.AddDue(nil) {
				t.Errorf("due before: %v", d.Events())
			}
			if d := s.state.Draft(want); !d.AddDue(nil) {
				t.Error("not due")
			}
		})
	}
}

// Such requests are recorded, so that nobody who is given them again finds that they change something by now.
func TestPauseInAPauseAndUnpauseWithoutOneChangeNothing(t *testing.T) {
	s := newScript(t).apply(0, StartIdentity, activity()).take(1, unpause("u", 2))
	s.wantEffects("s:u")
	s.wantEffects(StartIdentity, "task 2")
	s.take(2, pause("p", 2)).take(3, asked("again", ActivityRequest{Pause: &ActivityTaskPaused{Scheduled: 2, Identity: "other"}}))
	if c := s.state.Activities[2].Control; c.Identity != "me" || c.Event != 4 {
		t.Errorf("control is %+v", c)
	}
	s.wantEffects("s:p", "tell 2 of 4")
	s.wantEffects("s:again")
}

func TestIllegalControlEvents(t *testing.T) {
	for name, events := range map[string][]Attributes{
		"pause of nothing":   {&ActivityTaskPaused{Scheduled: 9}},
		"unpause of nothing": {&ActivityTaskUnpaused{Scheduled: 9}},
		"reset of nothing":   {&ActivityTaskReset{Scheduled: 9}},
		"parked twice":       {&ActivityTaskParked{Scheduled: 2}, &ActivityTaskParked{Scheduled: 2}},
		"queued with a task": {&ActivityTaskPaused{Scheduled: 2}, &ActivityTaskQueued{Scheduled: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t).apply(0, StartIdentity, activity())
			tr := &Transition{RunID: s.state.Start.Run.RunID, Number: 2, CommitID: "c", Time: at(1)}
			for i, a := range events {
				tr.Events = append(tr.Events, NewEvent(int64(3+i), a))
			}
			if err := s.state.Apply(tr); err == nil {
				t.Error("applied")
			}
		})
	}
}
