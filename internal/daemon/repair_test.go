package daemon

import (
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// lost starts a run whose history has two activities and a timer, and sends none of their effects.
func (f fixture) lost(t *testing.T, workflowID string) (history.Address, time.Time) {
	t.Helper()
	at := time.Now().UTC().Truncate(time.Millisecond)
	start := &history.Start{Type: "T", Time: at, Attempt: 1, Run: history.Address{
		Run: history.Run{WorkflowID: workflowID, RunID: workflowID + "-run"}, Queue: "q"}}
	if _, err := streams.StartRun(f.ctx, f.ns, streams.StartRequest{Start: start}); err != nil {
		t.Fatal(err)
	}
	due := at.Add(time.Hour)
	f.append(t, start.Run.Run, 1, 0, at,
		history.NewEvent(2, &history.ActivityTaskScheduled{ActivityID: "2", Type: "A", Queue: "q"}),
		history.NewEvent(3, &history.ActivityTaskScheduled{ActivityID: "3", Type: "B", Queue: "other"}),
		history.NewEvent(4, &history.TimerStarted{Timeout: history.MillisOf(time.Hour), Due: due}))
	return start.Run, due
}

func (f fixture) plan(t *testing.T) *RepairPlan {
	t.Helper()
	plan, err := NewRepair(f.ns).Plan(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Unreadable) > 0 {
		t.Fatalf("unreadable: %+v", plan.Unreadable)
	}
	return plan
}

func TestRepairSendsWhatIsMissing(t *testing.T) {
	f := setup(t)
	run, due := f.lost(t, "w")
	plan := f.plan(t)
	if plan.Open != 1 || len(plan.Missing) != 3 {
		t.Fatalf("plan is %+v, want 2 tasks and a wake-up for 1 run", plan)
	}
	if m := plan.Missing[1]; m.Activity != 3 || m.Queue != "other" || m.ActivityType != "B" || m.Run != run || m.Kind() != "task" {
		t.Errorf("second missing is %+v", m)
	}
	if m := plan.Missing[2]; m.Kind() != "wake-up" || !m.Due.Equal(due) {
		t.Errorf("third missing is %+v, want a wake-up at %v", m, due)
	}
	if queued, err := f.ns.TaskQueued(f.ctx, streams.TaskRef{Run: run.Run, Queue: "q", Activity: 2}); err != nil || queued {
		t.Errorf("the plan queued a task (%v)", err)
	}
	tasks, wakeUps, err := NewRepair(f.ns).Apply(f.ctx, plan)
	if err != nil || tasks != 2 || wakeUps != 1 {
		t.Fatalf("applied %d tasks, %d wake-ups, %v", tasks, wakeUps, err)
	}
	if armed, err := f.ns.ArmedWakeUp(f.ctx, run.Run); err != nil || !armed.Equal(due) {
		t.Errorf("armed is %v, %v, want %v", armed, err, due)
	}
	// Once more, with the old plan and with a new one: there is nothing left.
	if tasks, wakeUps, err := NewRepair(f.ns).Apply(f.ctx, plan); err != nil || tasks+wakeUps > 0 {
		t.Errorf("applied again %d tasks, %d wake-ups, %v", tasks, wakeUps, err)
	}
	if plan := f.plan(t); len(plan.Missing) > 0 {
		t.Errorf("still missing: %+v", plan.Missing)
	}
}

func TestRepairLeavesResultsOnTheirWay(t *testing.T) {
	f := setup(t)
	run, due := f.lost(t, "w")
	if err := f.ns.ArmWakeUp(f.ctx, run, due); err != nil {
		t.Fatal(err)
	}
	stale := f.plan(t)
	// Activity 2 has its result in the inbox, activity 3 in the history.
	if err := f.ns.Send(f.ctx, run, &history.Message{ID: "1", Activity: &history.ActivityResult{Scheduled: 2, Attempt: 1}}); err != nil {
		t.Fatal(err)
	}
	tail, err := f.ns.Tail(f.ctx, run.Run)
	if err != nil {
		t.Fatal(err)
	}
	f.append(t, run.Run, 2, tail.Seq, time.Now(), history.NewEvent(5, &history.ActivityTaskCompleted{ActivityEnd: history.ActivityEnd{Scheduled: 3}}))
	if plan := f.plan(t); plan.Open != 1 || len(plan.Missing) > 0 {
		t.Errorf("plan is %+v, want nothing missing", plan)
	}
	if tasks, wakeUps, err := NewRepair(f.ns).Apply(f.ctx, stale); err != nil || tasks+wakeUps > 0 {
		t.Errorf("the stale plan sent %d tasks, %d wake-ups, %v", tasks, wakeUps, err)
	}
}

func TestRepairPassesClosedRunsOver(t *testing.T) {
	f := setup(t)
	run, _ := f.lost(t, "w")
	tail, err := f.ns.Tail(f.ctx, run.Run)
	if err != nil {
		t.Fatal(err)
	}
	f.append(t, run.Run, 2, tail.Seq, time.Now(), history.NewEvent(5, &history.WorkflowExecutionCompleted{}))
	if plan := f.plan(t); plan.Open != 0 || plan.Closed != 1 || len(plan.Missing) > 0 {
		t.Errorf("plan is %+v, want one closed run and nothing missing", plan)
	}
}

func TestRepairReplacesAWakeUpThatIsTooLate(t *testing.T) {
	f := setup(t)
	run, due := f.lost(t, "w")
	if err := f.ns.ArmWakeUp(f.ctx, run, due.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, wakeUps, err := NewRepair(f.ns).Apply(f.ctx, f.plan(t)); err != nil || wakeUps != 1 {
		t.Fatalf("%d wake-ups, %v", wakeUps, err)
	}
	if armed, err := f.ns.ArmedWakeUp(f.ctx, run.Run); err != nil || !armed.Equal(due) {
		t.Errorf("armed is %v, %v, want %v", armed, err, due)
	}
}

// eager starts a run whose history has two activities that were begun eagerly at a time: activity 2 under the start, and
// activity 4 under a signal.
func (f fixture) eager(t *testing.T, workflowID string, began time.Time) history.Address {
	t.Helper()
	start := &history.Start{Type: "T", Time: began, Attempt: 1, Run: history.Address{
		Run: history.Run{WorkflowID: workflowID, RunID: workflowID + "-run"}, Queue: "q"}}
	if _, err := streams.StartRun(f.ctx, f.ns, streams.StartRequest{Start: start}); err != nil {
		t.Fatal(err)
	}
	scheduled := func() *history.ActivityTaskScheduled {
		return &history.ActivityTaskScheduled{ActivityID: "a", Type: "A", Queue: "q", StartToClose: 1000, Eager: true}
	}
	seq := f.append(t, start.Run.Run, 1, 0, began, history.NewEvent(2, scheduled()))
	f.appendUnder(t, "s:s1", start.Run.Run, 2, seq, began,
		history.NewEvent(3, &history.WorkflowExecutionSignaled{Signal: history.Signal{Name: "go", ID: "s1"}}),
		history.NewEvent(4, scheduled()))
	return start.Run
}

// Whoever makes an activity eagerly is at it, or the message that covers it will be delivered again.
func TestRepairLeavesEagerActivitiesToTheirCover(t *testing.T) {
	f := setup(t)
	f.eager(t, "young", time.Now().Add(-eagerAge/2))
	if plan := f.plan(t); plan.Open != 1 || len(plan.Missing) > 0 {
		t.Errorf("plan is %+v, want nothing missing", plan)
	}
	run := f.eager(t, "old", time.Now().Add(-2*eagerAge))
	if err := f.ns.Send(f.ctx, run, &history.Message{ID: "s1", Signal: &history.Signal{Name: "go"}}); err != nil {
		t.Fatal(err)
	}
	if plan := f.plan(t); len(plan.Missing) != 1 || plan.Missing[0].Activity != 2 {
		t.Errorf("plan is %+v, want the task of activity 2 alone: the signal that covers 4 waits", plan)
	}
}

func TestRepairQueuesEagerActivitiesThatLostTheirCover(t *testing.T) {
	f := setup(t)
	run := f.eager(t, "w", time.Now().Add(-2*eagerAge))
	plan := f.plan(t)
	if len(plan.Missing) != 2 {
		t.Fatalf("plan is %+v, want 2 tasks", plan)
	}
	if tasks, _, err := NewRepair(f.ns).Apply(f.ctx, plan); err != nil || tasks != 2 {
		t.Fatalf("applied %d tasks, %v", tasks, err)
	}
	consumer, err := f.ns.Consume(f.ctx, streams.LaneTasks, "q", "", streams.ConsumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := consumer.Close(); err != nil {
			t.Error(err)
		}
	})
	deliveries, err := consumer.Pull(f.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	task, err := history.DecodeTask(deliveries[0].Data)
	if err != nil || task.Run != run || task.FirstAttempt != 2 {
		t.Errorf("the first task is %+v, %v, want attempt 2", task, err)
	}
}

// A parked activity waits for an operator.
func TestRepairLeavesParkedActivitiesWithoutTasks(t *testing.T) {
	f := setup(t)
	run, _ := f.lost(t, "w")
	tail, err := f.ns.Tail(f.ctx, run.Run)
	if err != nil {
		t.Fatal(err)
	}
	f.append(t, run.Run, 2, tail.Seq, time.Now(),
		history.NewEvent(5, &history.ActivityTaskPaused{Scheduled: 2}), history.NewEvent(6, &history.ActivityTaskParked{Scheduled: 2, Attempt: 1}),
		history.NewEvent(7, &history.ActivityTaskPaused{Scheduled: 3}))
	plan := f.plan(t)
	if len(plan.Missing) != 2 || plan.Missing[0].Activity != 3 || plan.Missing[1].Kind() != "wake-up" {
		t.Errorf("plan is %+v, want the task of activity 3, which somebody has to park, and a wake-up", plan)
	}
}
