package streamstest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

const keyControl = "control"

// PutControl tells an activity's workers to look at the history.
func (m *Model) PutControl(ctx context.Context, run history.Run, activity, event int64) error {
	return m.ask(ctx, OpPutControl, beatKey{run, activity, keyControl}, strconv.AppendInt(nil, event, 10))
}

// ask is putKey of a key by which something is asked.
func (m *Model) ask(ctx context.Context, op Op, key beatKey, data []byte) error {
	m.mu.Lock()
	m.asked = m.now()
	m.mu.Unlock()
	return m.putKey(ctx, op, key, data)
}

// Asked is what an activity's workers are told.
func (m *Model) Asked(ctx context.Context, run history.Run, activity int64) (asked streams.Asked, err error) {
	err = m.do(ctx, OpAsked, run, func(f Fault) error {
		if f == Stale {
			return nil
		}
		_, asked.Cancel = m.beats[beatKey{run, activity, keyCancel}]
		if v, found := m.beats[beatKey{run, activity, keyControl}]; found {
			asked.Control, err = strconv.ParseInt(string(v.data), 10, 64)
		}
		return err
	})
	return asked, err
}

// NothingAsked says whether nobody asked anything of any activity in the time before one's task was published, or since.
func (m *Model) NothingAsked(_ context.Context, _ string, published time.Time, _ time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked.Add(streams.QuietAfter).Before(published)
}

// FindTask reads an activity's task.
func (m *Model) FindTask(ctx context.Context, ref streams.TaskRef) (found *streams.QueuedTask, err error) {
	err = m.do(ctx, OpFindTask, ref.Run, func(Fault) error {
		task := m.tasks.lastOn(taskOn(ref))
		if task == nil {
			return fmt.Errorf("task of activity %d: %w", ref.Activity, streams.ErrNotFound)
		}
		found = &streams.QueuedTask{Seq: task.seq, Data: slices.Clone(task.data)}
		return nil
	})
	return found, err
}

// RemoveTask removes the task with the given sequence; that there is none is not an error.
func (m *Model) RemoveTask(ctx context.Context, ref streams.TaskRef, seq uint64) error {
	return m.do(ctx, OpRemoveTask, ref.Run, func(Fault) error {
		if task := m.tasks.lastOn(taskOn(ref)); task != nil && task.seq == seq {
			m.tasks.remove(task)
		}
		return nil
	})
}
