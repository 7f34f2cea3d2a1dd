package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

const schedulePrefix = "@at "

// ArmWakeUp makes sure that a wake-up message reaches the run's inbox once due has passed. One that is armed already
// for the same time or an earlier one stays: when it fires, the next one is armed. One that is armed for later is
// replaced. The message's ID is its due time in Unix milliseconds; a time between two of them is rounded up, so that
// nothing is early.
//
// The condition on what was seen before makes calls safe against each other, and against attempts that arrive late: an
// earlier wake-up is never replaced by a later one.
func (n *Namespace) ArmWakeUp(ctx context.Context, run history.Address, due time.Time) error {
	err := checkAddress(run)
	if err == nil {
		err = n.arm(ctx, run, due)
	}
	if err != nil {
		return fmt.Errorf("arm wake-up of run %s: %w", run.Run, err)
	}
	return nil
}

func (n *Namespace) arm(ctx context.Context, run history.Address, due time.Time) error {
	m, due, err := n.schedule(run, due)
	if err != nil {
		return err
	}
	// Mostly none is armed, so that is tried before anything is read.
	expect(m.Header, "", 0)
	var patience patience
	for {
		_, err := n.putRetried(ctx, m)
		var refused *refusedError
		if !errors.As(err, &refused) {
			return err
		}
		armed, seq, err := n.armed(ctx, run.Run)
		if err != nil {
			return err
		}
		if !armed.IsZero() && !armed.After(due) {
			return nil
		}
		expect(m.Header, "", seq)
		if err := patience.wait(ctx, refused); err != nil {
			return err
		}
	}
}

// schedule is the message that the broker turns into a wake-up, and the time at which it does.
func (n *Namespace) schedule(run history.Address, due time.Time) (*nats.Msg, time.Time, error) {
	millis := due.UnixMilli()
	if time.UnixMilli(millis).Before(due) {
		millis++
	}
	due = time.UnixMilli(millis).UTC()
	data, err := history.Encode(&history.Message{ID: strconv.FormatInt(millis, 10), WakeUp: &history.WakeUp{Due: due}})
	if err != nil {
		return nil, due, err
	}
	p := n.at(run.WorkflowID)
	return &nats.Msg{
		Subject: p.wakeUp(run.Run),
		Header: nats.Header{
			headerSchedule:       {schedulePrefix + due.Format(time.RFC3339Nano)},
			headerScheduleTarget: {p.partitionSubjects.inbox(run, history.SourceWakeUp)},
		},
		Data: data,
	}, due, nil
}

// armed is when the run's wake-up is due, zero when none is armed, and the sequence of what was found.
func (n *Namespace) armed(ctx context.Context, run history.Run) (due time.Time, seq uint64, err error) {
	p := n.at(run.WorkflowID)
	m, err := n.last(ctx, p.streamNames.inbox, p.wakeUp(run))
	if isNoMessage(err) {
		return time.Time{}, 0, nil
	}
	if err != nil {
		return time.Time{}, 0, err
	}
	at, found := strings.CutPrefix(m.header.Get(headerSchedule), schedulePrefix)
	due, err = time.Parse(time.RFC3339Nano, at)
	if !found || err != nil {
		return time.Time{}, m.seq, nil // junk, to be replaced
	}
	return due, m.seq, nil
}

// ArmedWakeUp is the time that the run's wake-up is armed for, or ErrNotFound when none is armed.
func (n *Namespace) ArmedWakeUp(ctx context.Context, run history.Run) (time.Time, error) {
	err := checkRun(run)
	var due time.Time
	if err == nil {
		due, _, err = n.armed(ctx, run)
	}
	if err == nil && due.IsZero() {
		err = ErrNotFound
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("wake-up of run %s: %w", run, err)
	}
	return due, nil
}
