package streamstest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// The kinds of subjects in INBOX and TASKS.
const (
	kindInbox = "inbox"
	kindTask  = "task"
)

type sentKey struct {
	run      history.Run
	identity string
}

// wakeUp is the message schedule of a run.
type wakeUp struct {
	to  history.Address
	due time.Time
}

func inboxOf(to history.Address, source history.Source) subject {
	return subject{kind: kindInbox, run: to.Run, queue: to.Queue, build: to.Build, part: string(source)}
}

// Send puts a message into a run's inbox. A message of the same identity within half a minute is not stored again.
func (m *Model) Send(ctx context.Context, to history.Address, msg *history.Message) error {
	data, err := history.Encode(msg)
	if err != nil {
		return err
	}
	if err := m.valid(to.Run, to.Queue, len(data)); err != nil {
		return fmt.Errorf("send %s to run %s: %w", msg.Identity(), to.Run, err)
	}
	if msg.Source() == "" {
		return &streams.InvalidError{Field: "message", Value: msg.ID, Limit: "of a known kind"}
	}
	return m.do(ctx, OpSend, to.Run, func(f Fault) error {
		key, now := sentKey{to.Run, msg.Identity()}, m.now()
		if at, ok := m.sent[key]; ok && now.Sub(at) < dedupWindow && f != Duplicate && msg.Update == nil {
			return nil
		}
		m.sent[key] = now
		m.inbox.add(now, inboxOf(to, msg.Source()), data, nil)
		return nil
	})
}

// ReadInbox reads up to limit messages (0: all) that wait for a run from one source, or from all sources when source is
// empty, in the order of the stream. They stay.
func (m *Model) ReadInbox(ctx context.Context, run history.Address, source history.Source, limit int) (waiting []streams.Waiting, err error) {
	return m.ReadInboxAfter(ctx, run, source, 0, limit)
}

// ReadInboxAfter is ReadInbox of what has a sequence above after. To a hook it is the same.
func (m *Model) ReadInboxAfter(ctx context.Context, run history.Address, source history.Source, after uint64, limit int) (waiting []streams.Waiting, err error) {
	err = m.do(ctx, OpReadInbox, run.Run, func(f Fault) error {
		waiting = nil
		for _, s := range m.inbox.messages {
			from := history.Source(s.part)
			if s.run == run.Run && s.seq > after && s.subject == inboxOf(run, from) && (source == "" || source == from) {
				waiting = append(waiting, streams.Waiting{Seq: s.seq, Source: from, Data: slices.Clone(s.data), Time: s.at})
			}
		}
		if f == Stale && len(waiting) > 0 {
			waiting = waiting[:len(waiting)-1]
		}
		if limit > 0 && limit < len(waiting) {
			waiting = waiting[:limit]
		}
		return nil
	})
	return waiting, err
}

// InboxEmpty says whether nothing waits for a run from any of these sources. To a hook it is ReadInbox of each.
func (m *Model) InboxEmpty(ctx context.Context, run history.Address, sources []history.Source) (bool, error) {
	for _, source := range sources {
		waiting, err := m.ReadInbox(ctx, run, source, 1)
		if err != nil || len(waiting) > 0 {
			return false, err
		}
	}
	return len(sources) > 0, nil
}

// ArmWakeUp schedules the run's wake-up for due, unless one is armed that is due no later.
func (m *Model) ArmWakeUp(ctx context.Context, run history.Address, due time.Time) error {
	due = wakeUpTime(due)
	return m.act(ctx, OpArmWakeUp, run.Run, func(f Fault) error {
		_, armed := m.armed[run.Run]
		m.settle()
		old, waits := m.armed[run.Run]
		if fired := armed && !waits; f == InFlight && fired || waits && !old.due.After(due) {
			return nil
		}
		m.armed[run.Run] = wakeUp{run, due}
		if m.nextArmed.IsZero() || due.Before(m.nextArmed) {
			m.nextArmed = due
		}
		m.settle()
		m.inbox.wake(kindInbox) // it may be earlier than what a blocked Pull waits for
		return nil
	})
}

// wakeUpTime rounds up to a millisecond, so that nothing is early.
func wakeUpTime(due time.Time) time.Time {
	at := time.UnixMilli(due.UnixMilli()).UTC()
	if at.Before(due) {
		at = at.Add(time.Millisecond)
	}
	return at
}

// ArmedWakeUp is when the run's wake-up is due.
func (m *Model) ArmedWakeUp(ctx context.Context, run history.Run) (due time.Time, err error) {
	err = m.do(ctx, OpArmedWakeUp, run, func(Fault) error {
		w, armed := m.armed[run]
		if !armed {
			return streams.ErrNotFound
		}
		due = w.due
		return nil
	})
	return due, err
}

// settle lets the wake-ups fire that are due. The lock is held.
func (m *Model) settle() {
	now := m.now()
	if m.nextArmed.IsZero() || m.nextArmed.After(now) {
		return
	}
	var due []wakeUp
	m.nextArmed = time.Time{}
	for run, w := range m.armed {
		if !w.due.After(now) {
			due = append(due, w)
			delete(m.armed, run)
		} else if m.nextArmed.IsZero() || w.due.Before(m.nextArmed) {
			m.nextArmed = w.due
		}
	}
	slices.SortFunc(due, func(a, b wakeUp) int {
		return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.to.String(), b.to.String()))
	})
	for _, w := range due {
		msg := &history.Message{ID: strconv.FormatInt(w.due.UnixMilli(), 10), WakeUp: &history.WakeUp{Due: w.due}}
		data, err := history.Encode(msg)
		if err != nil {
			panic("streamstest: a wake-up has no encoding: " + err.Error())
		}
		m.inbox.add(now, inboxOf(w.to, history.SourceWakeUp), data, nil)
	}
}

// taskWeight is the share of a task's group.
type taskWeight float64

func taskOn(ref streams.TaskRef) subject {
	return subject{kind: kindTask, run: ref.Run, queue: ref.Queue, build: ref.Build, class: ref.Class, bucket: ref.Bucket,
		part: strconv.FormatInt(ref.Activity, 10)}
}

// PublishTask queues an activity's task, unless one is queued, running or backing off: then stored is false.
func (m *Model) PublishTask(ctx context.Context, ref streams.TaskRef, data []byte) (stored bool, err error) {
	if err := errors.Join(m.valid(ref.Run, ref.Queue, len(data)), validActivity(ref.Activity, 1)); err != nil {
		return false, fmt.Errorf("publish task %d of run %s: %w", ref.Activity, ref.Run, err)
	}
	err = m.do(ctx, OpPublishTask, ref.Run, func(f Fault) error {
		if f == InFlight || m.tasks.lastOn(taskOn(ref)) != nil {
			return nil
		}
		m.tasks.add(m.now(), taskOn(ref), data, taskWeight(cmp.Or(ref.Weight, 1)))
		stored = true
		return nil
	})
	return stored, err
}

// WithdrawTask takes an activity's task out of its queue; that there is none is not an error.
func (m *Model) WithdrawTask(ctx context.Context, ref streams.TaskRef) error {
	return m.do(ctx, OpWithdrawTask, ref.Run, func(Fault) error {
		if task := m.tasks.lastOn(taskOn(ref)); task != nil {
			m.tasks.remove(task)
		}
		return nil
	})
}

// TaskQueued says whether an activity has a task: queued, running or backing off.
func (m *Model) TaskQueued(ctx context.Context, ref streams.TaskRef) (queued bool, err error) {
	err = m.do(ctx, OpTaskQueued, ref.Run, func(Fault) error {
		queued = m.tasks.lastOn(taskOn(ref)) != nil
		return nil
	})
	return queued, err
}
