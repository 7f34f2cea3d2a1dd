package streamstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// beatKey is a key of the heartbeat bucket; kind is one of the words below.
type beatKey struct {
	run      history.Run
	activity int64
	kind     string
}

// beatValue is what stands under a key, and the sequence at which it was stored.
type beatValue struct {
	seq  uint64
	data []byte
}

const (
	keyBeat   = "beat"
	keyCancel = "cancel"
	keyStart  = "start"
	keyFail   = "fail"
)

func (m *Model) putKey(ctx context.Context, op Op, key beatKey, data []byte) error {
	if err := errors.Join(validActivity(key.activity, 0), m.fits(len(data))); err != nil {
		return fmt.Errorf("%s run=%s: %w", op, key.run, err)
	}
	return m.do(ctx, op, key.run, func(Fault) error {
		m.setKey(key, data)
		return nil
	})
}

func (m *Model) setKey(key beatKey, data []byte) (seq uint64) {
	m.beatSeq++
	m.beats[key] = beatValue{m.beatSeq, slices.Clone(data)}
	return m.beatSeq
}

func (m *Model) getKey(ctx context.Context, op Op, key beatKey) (v beatValue, found bool, err error) {
	err = m.do(ctx, op, key.run, func(f Fault) error {
		v, found = m.beats[key]
		if f == Stale {
			v, found = beatValue{}, false
		}
		v.data = slices.Clone(v.data)
		return nil
	})
	return v, found, err
}

// PutBeat stores an activity's heartbeat record if that at sequence after is the last one.
func (m *Model) PutBeat(ctx context.Context, run history.Run, activity int64, data []byte, after uint64) (seq uint64, err error) {
	if err := errors.Join(validActivity(activity, 1), m.fits(len(data))); err != nil {
		return 0, fmt.Errorf("%s run=%s: %w", OpPutBeat, run, err)
	}
	key := beatKey{run, activity, keyBeat}
	err = m.do(ctx, OpPutBeat, run, func(f Fault) error {
		last := m.beats[key]
		switch {
		case last.seq > after && bytes.Equal(last.data, data):
			seq = last.seq
		case last.seq != after || f == InFlight:
			return &streams.ConflictError{What: "heartbeat", Expected: after, Last: last.seq}
		default:
			seq = m.setKey(key, data)
		}
		return nil
	})
	return seq, err
}

// GetBeat is the heartbeat record that was stored last, and its sequence.
func (m *Model) GetBeat(ctx context.Context, run history.Run, activity int64) (data []byte, seq uint64, err error) {
	v, found, err := m.getKey(ctx, OpGetBeat, beatKey{run, activity, keyBeat})
	if err == nil && !found {
		err = streams.ErrNotFound
	}
	return v.data, v.seq, err
}

// PutNote replaces what is noted of a run.
func (m *Model) PutNote(ctx context.Context, run history.Run, data []byte) error {
	return m.putKey(ctx, OpPutNote, beatKey{run, 0, keyBeat}, data)
}

// DeleteBeats deletes an activity's heartbeat record, cancel flag, start marker and reported failure.
func (m *Model) DeleteBeats(ctx context.Context, run history.Run, activity int64) error {
	return m.do(ctx, OpDeleteBeats, run, func(Fault) error {
		for _, kind := range []string{keyBeat, keyCancel, keyStart, keyFail, keyControl} {
			delete(m.beats, beatKey{run, activity, kind})
		}
		return nil
	})
}

// RequestCancel sets an activity's cancel flag.
func (m *Model) RequestCancel(ctx context.Context, run history.Run, activity int64) error {
	return m.ask(ctx, OpRequestCancel, beatKey{run, activity, keyCancel}, nil)
}

// CancelRequested says whether an activity's cancel flag is set.
func (m *Model) CancelRequested(ctx context.Context, run history.Run, activity int64) (bool, error) {
	_, found, err := m.getKey(ctx, OpCancelRequested, beatKey{run, activity, keyCancel})
	return found, err
}

// MarkStarted sets the marker that a worker has started an activity.
func (m *Model) MarkStarted(ctx context.Context, run history.Run, activity int64) error {
	return m.putKey(ctx, OpMarkStarted, beatKey{run, activity, keyStart}, nil)
}

// Started says whether an activity's start marker is set.
func (m *Model) Started(ctx context.Context, run history.Run, activity int64) (bool, error) {
	_, found, err := m.getKey(ctx, OpStarted, beatKey{run, activity, keyStart})
	return found, err
}

// ReportFailure stores the failure that somebody outside the worker reports.
func (m *Model) ReportFailure(ctx context.Context, run history.Run, activity int64, data []byte) error {
	return m.putKey(ctx, OpReportFailure, beatKey{run, activity, keyFail}, data)
}

// ReportedFailure is the failure that was reported last.
func (m *Model) ReportedFailure(ctx context.Context, run history.Run, activity int64) ([]byte, error) {
	v, found, err := m.getKey(ctx, OpReportedFailure, beatKey{run, activity, keyFail})
	if err == nil && !found {
		err = streams.ErrNotFound
	}
	return v.data, err
}
