package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/millrace-dev/millrace/internal/history"
)

// keyControl is the key that says that something was asked of an activity.
const keyControl = "control"

// Asked is what workers are told about an activity.
type Asked struct {
	// Cancel is set when cancellation was requested.
	Cancel bool
	// Control is the number of the newest event that paused, unpaused or reset the activity, as far as it is told; 0 for
	// none. What is asked, and whether it still holds, the run's history says.
	Control int64
}

// PutControl tells whoever runs the activity, now or later, to look at the run's history: the event with the given number
// asks something of it.
func (n *Namespace) PutControl(ctx context.Context, run history.Run, activity, event int64) error {
	return n.ask(ctx, run, activity, keyControl, strconv.AppendInt(nil, event, 10))
}

// ask writes a key by which something is asked of the activity.
func (n *Namespace) ask(ctx context.Context, run history.Run, activity int64, kind string, data []byte) error {
	if err := n.mark(ctx, n.at(run.WorkflowID)); err != nil {
		return fmt.Errorf("write %s of activity %d of run %s: %w", kind, activity, run, err)
	}
	return n.putKey(ctx, run, activity, kind, data)
}

// Asked is what the activity's workers are told by RequestCancel and PutControl: mostly nothing, which is found out by one
// look.
func (n *Namespace) Asked(ctx context.Context, run history.Run, activity int64) (Asked, error) {
	var asked Asked
	if !n.hasKeys(ctx, run, activity, keyCancel, keyControl) {
		return asked, nil
	}
	var err error
	if asked.Cancel, err = n.keyExists(ctx, run, activity, keyCancel); err != nil {
		return Asked{}, err
	}
	data, err := n.getKey(ctx, run, activity, keyControl)
	if errors.Is(err, ErrNotFound) {
		return asked, nil
	}
	if err == nil {
		asked.Control, err = strconv.ParseInt(string(data), 10, 64)
	}
	if err != nil {
		return Asked{}, fmt.Errorf("look what was asked of activity %d of run %s: %w", activity, run, err)
	}
	return asked, nil
}

// QueuedTask is a task in its queue, whatever state it is in.
type QueuedTask struct {
	Seq  uint64
	Data []byte
}

// FindTask reads the activity's task, or fails with ErrNotFound.
func (n *Namespace) FindTask(ctx context.Context, ref TaskRef) (*QueuedTask, error) {
	err := ref.check()
	var m *stored
	if err == nil {
		p := n.at(ref.Run.WorkflowID)
		m, err = n.last(ctx, p.tasks, p.task(ref))
	}
	if err != nil {
		return nil, fmt.Errorf("find task of activity %d of run %s: %w", ref.Activity, ref.Run, err)
	}
	return &QueuedTask{Seq: m.seq, Data: m.data}, nil
}

// RemoveTask removes the task that FindTask has found, and no other that may have taken its place. That it is gone is no
// error.
func (n *Namespace) RemoveTask(ctx context.Context, ref TaskRef, seq uint64) error {
	err := ref.check()
	if err == nil {
		err = n.remove(ctx, n.at(ref.Run.WorkflowID).tasks, seq)
	}
	if err != nil {
		return fmt.Errorf("remove task of activity %d of run %s: %w", ref.Activity, ref.Run, err)
	}
	return nil
}

// ActivityMessages is how many messages of one activity are read to find out what became of its task: more than there are
// but for a few that were delivered and are not acknowledged.
const ActivityMessages = 16

// EndsTask says whether one of the messages of an activity that wait in an inbox ends the task of the given generation: an
// outcome of the activity, or the word that the task is parked. That one of an earlier generation was parked is what led
// to this one, and may still be there.
func EndsTask(waiting []Waiting, generation int64) bool {
	for _, w := range waiting {
		m, err := history.DecodeMessage(w.Data)
		if err != nil || m.Parked == nil || m.Parked.Generation >= generation {
			return true
		}
	}
	return false
}
