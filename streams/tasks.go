package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// TaskRef names the task of an activity: its run, its own task queue and the event that scheduled it, and where in the
// queue it waits.
type TaskRef struct {
	Run      history.Run
	Queue    string
	Activity int64
	TaskLane
	// Weight is the share of the task's group, 0 for 1. It says nothing of which task is meant.
	Weight float64
}

// RefOf names an activity task.
func RefOf(t *history.Task) TaskRef {
	ref := TaskRef{Run: t.Run.Run, Queue: t.Queue, Activity: t.Event, TaskLane: LaneOf(t.Build, t.Priority)}
	if w := t.Priority.Weight(); w != 1 {
		ref.Weight = w
	}
	return ref
}

// LaneOf is where tasks wait that have a build, empty for any, and a priority, nil for the default one.
func LaneOf(build string, p *history.Priority) TaskLane {
	return TaskLane{Build: build, Class: p.Class(), Bucket: p.Bucket()}
}

// TaskLane is a part of a task queue whose tasks wait together, apart from those of others. The zero value is that of
// tasks without build, priority and fairness key, which is all that most queues have.
type TaskLane struct {
	// Build is the build whose workers alone run the tasks, empty for any.
	Build string
	// Class is the priority key of the tasks, 1 to 5, 0 for the default one.
	Class int
	// Bucket is that of the tasks' fairness keys, from 1, 0 for tasks without one.
	Bucket int
}

// MaxClass is the priority key of tasks that come last.
const MaxClass = 5

func (l TaskLane) check() error {
	if l.Class < 0 || l.Class > MaxClass {
		return &InvalidError{Field: "priority", Value: strconv.Itoa(l.Class), Limit: "1 to 5, or 0 for the default one"}
	}
	if l.Bucket < 0 || l.Bucket > history.FairnessBuckets {
		return &InvalidError{Field: "bucket", Value: strconv.Itoa(l.Bucket),
			Limit: fmt.Sprintf("1 to %d, or 0 for tasks without a fairness key", history.FairnessBuckets)}
	}
	return checkBuild(l.Build)
}

func (t TaskRef) check() error {
	return errors.Join(checkActivity(t.Run, t.Activity), CheckTaskQueue(t.Queue), t.TaskLane.check())
}

// PublishTask queues a task. stored is false when the activity has a task already: queued, running or backing off.
//
// The message ID is new in every call, so the broker's window for duplicates cannot swallow a task that was finished
// and is sent again on purpose. It only keeps the attempts of this call together: one whose acknowledgement was lost
// may have been run and finished when the next one arrives.
func (n *Namespace) PublishTask(ctx context.Context, ref TaskRef, data []byte) (stored bool, err error) {
	if err = errors.Join(ref.check(), n.checkSize("task", data)); err == nil {
		stored, err = n.publishTask(ctx, ref, data)
	}
	if err != nil {
		return false, fmt.Errorf("publish task of activity %d of run %s: %w", ref.Activity, ref.Run, err)
	}
	return stored, nil
}

func (n *Namespace) publishTask(ctx context.Context, ref TaskRef, data []byte) (bool, error) {
	subject := n.at(ref.Run.WorkflowID).task(ref)
	m := &nats.Msg{Subject: subject, Header: nats.Header{headerMsgID: {n.messageID()}}, Data: data}
	if ref.Weight != 0 {
		m.Header[headerWeight] = []string{strconv.FormatFloat(ref.Weight, 'g', -1, 64)}
	}
	var patience patience
	for {
		_, err := n.putRetried(ctx, m)
		if err == nil {
			return true, nil
		}
		var full *fullError
		if !errors.As(err, &full) {
			return false, err
		}
		queued, err := n.taskQueued(ctx, ref)
		if err != nil || queued {
			return false, err
		}
		// Refused, and yet there is none: just acknowledged (replicas learn of it within milliseconds), or the stream
		// has no room at all.
		if err := patience.wait(ctx, full); err != nil {
			return false, err
		}
	}
}

// WithdrawTask removes a task, in whatever state it is. A worker that runs it is not told. No task is no error.
func (n *Namespace) WithdrawTask(ctx context.Context, ref TaskRef) error {
	err := ref.check()
	if err == nil {
		err = n.withdraw(ctx, n.at(ref.Run.WorkflowID), ref)
	}
	if err != nil {
		return fmt.Errorf("withdraw task of activity %d of run %s: %w", ref.Activity, ref.Run, err)
	}
	return nil
}

// withdraw removes the one message that there can be, by its sequence. A purge of the subject would take fewer requests,
// but it moves the consumer's acknowledgement floor past tasks that were delivered before this one: those would never be
// delivered again if their worker died (nats-server 2.15.2).
func (n *Namespace) withdraw(ctx context.Context, p *partition, ref TaskRef) error {
	m, err := n.last(ctx, p.tasks, p.task(ref))
	if isNoMessage(err) {
		return nil
	}
	if err == nil {
		err = n.remove(ctx, p.tasks, m.seq)
	}
	return err
}

// TaskQueued says whether the activity has a task: queued, running or backing off.
func (n *Namespace) TaskQueued(ctx context.Context, ref TaskRef) (queued bool, err error) {
	if err = ref.check(); err == nil {
		queued, err = n.taskQueued(ctx, ref)
	}
	if err != nil {
		return false, fmt.Errorf("look for task of activity %d of run %s: %w", ref.Activity, ref.Run, err)
	}
	return queued, nil
}

func (n *Namespace) taskQueued(ctx context.Context, ref TaskRef) (bool, error) {
	p := n.at(ref.Run.WorkflowID)
	_, err := n.last(ctx, p.tasks, p.task(ref))
	if isNoMessage(err) {
		return false, nil
	}
	return err == nil, err
}
