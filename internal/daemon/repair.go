package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// Repair finds what the open runs of a namespace wait for and nobody will send: tasks and wake-ups that were lost
// with a stream. In normal operation there is nothing to find; the protocol needs no repair to be live.
//
// It reads in the direction in which results flow (the task, then the inbox, then the history), so that a result that
// is on its way is met at one of these places; and sends only what is absent, absent and still pending.
type Repair struct {
	ns *streams.Namespace
}

// NewRepair is the repair of a namespace.
func NewRepair(ns *streams.Namespace) *Repair { return &Repair{ns: ns} }

// RepairPlan is what a namespace lacks.
type RepairPlan struct {
	// Open counts the open runs that were looked at, Closed the closed ones that were passed over.
	Open, Closed int
	// Missing is in the order in which it was found: newest run first.
	Missing []Missing
	// Unreadable are the runs that could not be judged, with the reason.
	Unreadable []Unreadable
}

// Missing is a task or a wake-up that a run waits for.
type Missing struct {
	Run history.Address
	// Activity is the number of the activity whose task is missing, 0 for a wake-up.
	Activity     int64
	ActivityType string
	// Queue is the task's queue.
	Queue string
	// Lane is where in it the task waits.
	Lane streams.TaskLane
	// Due is when the missing wake-up is due, zero for a task.
	Due time.Time
}

// Unreadable is a run whose history cannot be used.
type Unreadable struct {
	Run    history.Run
	Reason error
}

// Kind is "task" or "wake-up".
func (m Missing) Kind() string {
	if m.Activity > 0 {
		return "task"
	}
	return "wake-up"
}

// Plan looks at every run of the namespace. It changes nothing.
func (r *Repair) Plan(ctx context.Context) (*RepairPlan, error) {
	plan := &RepairPlan{}
	for start, err := range r.ns.ListStarts(ctx, streams.StartFilter{}) {
		if err != nil {
			return nil, fmt.Errorf("plan repair: %w", err)
		}
		if err := r.planRun(ctx, start.Run.Run, plan); err != nil {
			if ctx.Err() != nil || errors.Is(err, streams.ErrUnavailable) {
				return nil, fmt.Errorf("plan repair of run %s: %w", start.Run.Run, err)
			}
			plan.Unreadable = append(plan.Unreadable, Unreadable{Run: start.Run.Run, Reason: err})
		}
	}
	return plan, nil
}

func (r *Repair) planRun(ctx context.Context, run history.Run, plan *RepairPlan) error {
	state, err := r.state(ctx, run)
	if err != nil {
		return err
	}
	if state.Closed() {
		plan.Closed++
		return nil
	}
	plan.Open++
	for _, id := range slices.Sorted(maps.Keys(state.Activities)) {
		a := state.Activities[id]
		missing := Missing{Run: state.Start.Run, Activity: id, ActivityType: a.Scheduled.Type, Queue: a.Scheduled.Queue,
			Lane: streams.LaneOf(a.Scheduled.Build, state.Priority(a))}
		task, err := r.missingTask(ctx, missing)
		if err != nil {
			return err
		}
		if task != nil {
			plan.Missing = append(plan.Missing, missing)
		}
	}
	due, err := r.missingWakeUp(ctx, state.Start.Run)
	if err == nil && !due.IsZero() {
		plan.Missing = append(plan.Missing, Missing{Run: state.Start.Run, Due: due})
	}
	return err
}

// missingTask is the task to send, nil when nothing is missing.
func (r *Repair) missingTask(ctx context.Context, m Missing) (*history.Task, error) {
	queued, err := r.ns.TaskQueued(ctx, streams.TaskRef{Run: m.Run.Run, Queue: m.Queue, Activity: m.Activity, TaskLane: m.Lane})
	if err != nil || queued {
		return nil, err
	}
	// Also one that says that the task was parked: who consumes it queues the next.
	waiting, err := r.ns.ReadInbox(ctx, m.Run, history.ActivitySource(m.Activity), 1)
	if err != nil || len(waiting) > 0 {
		return nil, err
	}
	state, err := r.state(ctx, m.Run.Run)
	if err != nil || state.Closed() {
		return nil, err
	}
	a, pending := state.Activities[m.Activity]
	if !pending || a.Control != nil && a.Control.Parked {
		return nil, nil // one that is parked waits for an operator
	}
	task := state.Task(a)
	if a.Eager {
		lost, err := r.lostEager(ctx, m.Run, a)
		if err != nil || !lost {
			return nil, err
		}
		task.FirstAttempt = 2
	}
	return task, nil
}

// eagerAge is how old an activity must be that was begun eagerly before its process is taken to be lost together with the
// message that covers it: by then that message has long been delivered again to whoever is there.
const eagerAge = time.Minute

// lostEager says whether nobody will make the activity, or put it into its queue. Whether a start is acknowledged cannot be
// seen: where nobody has served the run for so long the answer may be wrong, at the price of an attempt.
func (r *Repair) lostEager(ctx context.Context, run history.Address, a *history.PendingActivity) (bool, error) {
	if time.Since(a.At) < eagerAge {
		return false, nil
	}
	waiting, err := r.ns.ReadInbox(ctx, run, "", 0)
	if err != nil {
		return false, err
	}
	for _, w := range waiting {
		if m, err := history.DecodeMessage(w.Data); err == nil && m.Identity() == a.Cover {
			return false, nil
		}
	}
	return true, nil
}

// missingWakeUp is when the wake-up to arm is due, zero when none is missing.
func (r *Repair) missingWakeUp(ctx context.Context, run history.Address) (time.Time, error) {
	armed, err := r.ns.ArmedWakeUp(ctx, run.Run)
	if err != nil && !errors.Is(err, streams.ErrNotFound) {
		return time.Time{}, err
	}
	fired, err := r.ns.ReadInbox(ctx, run, history.SourceWakeUp, 1)
	if err != nil || len(fired) > 0 {
		return time.Time{}, err
	}
	state, err := r.state(ctx, run.Run)
	if err != nil || state.Closed() {
		return time.Time{}, err
	}
	due := state.NextDeadline(state.Time)
	if due.IsZero() || !armed.IsZero() && armed.Sub(due) < time.Millisecond {
		return time.Time{}, nil // wake-ups are rounded up to milliseconds
	}
	return due, nil
}

// state reads a run from its start to its last record.
func (r *Repair) state(ctx context.Context, run history.Run) (*history.State, error) {
	found, err := r.ns.FindStart(ctx, run)
	if err != nil {
		return nil, err
	}
	stored, err := streams.ReadRun(ctx, r.ns, found)
	if err != nil {
		return nil, err
	}
	return stored.State()
}

// Apply sends what the plan lists and is still missing, and says how much that was. After an error it can be called
// again.
func (r *Repair) Apply(ctx context.Context, plan *RepairPlan) (tasks, wakeUps int, err error) {
	for _, m := range plan.Missing {
		sent, err := r.send(ctx, m)
		switch {
		case err != nil:
			return tasks, wakeUps, fmt.Errorf("send %s of run %s: %w", m.Kind(), m.Run.Run, err)
		case sent && m.Activity > 0:
			tasks++
		case sent:
			wakeUps++
		}
	}
	return tasks, wakeUps, nil
}

func (r *Repair) send(ctx context.Context, m Missing) (bool, error) {
	if m.Activity == 0 {
		due, err := r.missingWakeUp(ctx, m.Run)
		if err != nil || due.IsZero() {
			return false, err
		}
		return true, r.ns.ArmWakeUp(ctx, m.Run, due)
	}
	task, err := r.missingTask(ctx, m)
	if err != nil || task == nil {
		return false, err
	}
	data, err := history.Encode(task)
	if err != nil {
		return false, err
	}
	return r.ns.PublishTask(ctx, streams.RefOf(task), data)
}
