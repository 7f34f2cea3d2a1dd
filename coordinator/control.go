package coordinator

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// tellTask tells an activity's workers that something was asked of it and, where it is to go on at once, recalls a task that
// no attempt has.
//
// No attempt begins any more that has not yet left word in HEARTBEATS: whoever begins one that is not the first leaves
// word, and then looks what was asked. The word is read here after that was stored, so one of the two sees the other.
func (c *Coordinator) tellTask(ctx context.Context, e *entry, x *history.TellTask) error {
	if err := c.broker.PutControl(ctx, e.run(), x.Activity, x.Event); err != nil {
		return err
	}
	if !x.Recall {
		return nil
	}
	ref := streams.TaskRef{Run: e.run(), Queue: x.Queue, Activity: x.Activity,
		TaskLane: streams.TaskLane{Build: x.Build, Class: x.Class, Bucket: x.Bucket}}
	task, _, err := c.findTask(ctx, ref)
	if errors.Is(err, streams.ErrNotFound) {
		return nil
	}
	if err != nil || task == nil || task.Generation != x.Generation {
		return err
	}
	beat, err := c.beat(ctx, e.run(), x.Activity)
	if err != nil {
		return err
	}
	next := task.FirstAttempt
	switch {
	case beat == nil && x.Generation == 0:
		return nil // it may be the first attempt, which leaves no word
	case beat == nil || beat.Generation < x.Generation:
	case beat.Generation > x.Generation || beat.Pending || beat.Ended.IsZero():
		return nil // whoever has it finds out, and parks it
	default:
		next = beat.Attempt + 1
	}
	// The task stays until the one of the next generation takes its place: whoever gets it sees that it is over.
	m := history.NewParked(history.ActivityParked{Scheduled: x.Activity, Generation: x.Generation, Attempt: next})
	if err := c.broker.Send(ctx, e.start.Run, m); err != nil {
		return fmt.Errorf("park activity %d: %w", x.Activity, err)
	}
	return nil
}

// findTask reads the activity's task in the queue. Of one that this version does not understand only the sequence is known.
func (c *Coordinator) findTask(ctx context.Context, ref streams.TaskRef) (task *history.Task, seq uint64, err error) {
	found, err := c.broker.FindTask(ctx, ref)
	if err != nil {
		return nil, 0, err
	}
	if task, err = history.DecodeTask(found.Data); err != nil {
		return nil, found.Seq, nil
	}
	return task, found.Seq, nil
}

// makeRoom deals with the task because of which one of the given generation was refused. One of an earlier generation is
// over: it was recalled, or its worker is about to remove it, or it was sent again by somebody who did not know. Then there
// is room.
func (c *Coordinator) makeRoom(ctx context.Context, ref streams.TaskRef, generation int64) (room bool, err error) {
	task, seq, err := c.findTask(ctx, ref)
	if errors.Is(err, streams.ErrNotFound) {
		return true, nil // just removed; should it have been this generation's, who gets the next sees that it is over
	}
	if err != nil || task == nil || task.Generation >= generation {
		return false, err
	}
	// This very task, and no newer one, which somebody may have put there meanwhile.
	return true, c.broker.RemoveTask(ctx, ref, seq)
}
