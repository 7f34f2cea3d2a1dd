package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// tellTask tells an activity's workers that something was asked of it and, where it is to go on at once, recalls a task that
// no attempt has.
//
// The task is recalled by a word in HEARTBEATS: whoever begins an attempt that is not the first leaves word, too, each on
// condition that nobody else has meanwhile. One of the two is refused, reads the other's word, and leaves the task to it.
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
	next, recalled, err := c.recall(ctx, e.run(), x, task)
	if err != nil || !recalled {
		return err
	}
	// The task stays until the one of the next generation takes its place: whoever gets it sees that it is over.
	m := history.NewParked(history.ActivityParked{Scheduled: x.Activity, Generation: x.Generation, Attempt: next})
	if err := c.broker.Send(ctx, e.start.Run, m); err != nil {
		return fmt.Errorf("park activity %d: %w", x.Activity, err)
	}
	return nil
}

// recallTries is how often a coordinator tries to recall a task while others leave word. Who has the task learns of the
// request in any case.
const recallTries = 5

// recall leaves word that no attempt of the task begins any more, unless one has it, and returns the number of the next
// attempt. It repeats a recall whose process died before it told the run.
func (c *Coordinator) recall(ctx context.Context, run history.Run, x *history.TellTask, task *history.Task) (next int32, recalled bool, err error) {
	for range recallTries {
		data, last, err := c.broker.GetBeat(ctx, run, x.Activity)
		if err != nil && !errors.Is(err, streams.ErrNotFound) {
			return 0, false, fmt.Errorf("heartbeat of activity %d of run %s: %w", x.Activity, run, err)
		}
		var beat *history.Beat
		if err == nil {
			if beat, err = history.DecodeBeat(data); err != nil {
				return 0, false, nil // a newer version's attempt, perhaps
			}
		}
		word, waits := recallWord(beat, x, task, c.cfg.Now())
		if word == nil {
			return 0, false, nil
		}
		if !waits {
			return word.Attempt + 1, true, nil
		}
		if data, err = history.Encode(word); err != nil {
			return 0, false, err
		}
		_, err = c.broker.PutBeat(ctx, run, x.Activity, data, last)
		if err == nil {
			return word.Attempt + 1, true, nil
		}
		if !errors.Is(err, streams.ErrConflict) {
			return 0, false, fmt.Errorf("recall task of activity %d of run %s: %w", x.Activity, run, err)
		}
	}
	return 0, false, nil
}

// recallWord is the word by which a task is recalled that waits, given the last word about the activity, nil for none. It
// is nil where an attempt may have the task: whoever makes it finds out, and parks it. waits is false for a task that was
// recalled: then the word is the one that says so.
func recallWord(last *history.Beat, x *history.TellTask, task *history.Task, now time.Time) (word *history.Beat, waits bool) {
	if last == nil && x.Generation == 0 {
		return nil, false // it may be the first attempt, which leaves no word
	}
	w := history.Beat{}
	if last != nil {
		w = *last
	}
	switch {
	case last == nil || last.Generation < x.Generation:
		w.Attempt, w.Ended, w.Free, w.Pending = task.FirstAttempt-1, now, 0, false
	case last.Generation > x.Event:
		return nil, false // of the next generation, or recalled by a later request
	case last.Generation > x.Generation:
		return last, false
	case last.Pending || last.Ended.IsZero():
		return nil, false
	}
	w.Generation = x.Event
	return &w, true
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
