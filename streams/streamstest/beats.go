package streamstest

import (
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
		m.beats[key] = slices.Clone(data)
		return nil
	})
}

func (m *Model) getKey(ctx context.Context, op Op, key beatKey) (data []byte, found bool, err error) {
	err = m.do(ctx, op, key.run, func(f Fault) error {
		data, found = m.beats[key]
		if f == Stale {
			data, found = nil, false
		}
		data = slices.Clone(data)
		return nil
	})
	return data, found, err
}

// PutBeat stores an activity's heartbeat record.
func (m *Model) PutBeat(ctx context.Context, run history.Run, activity int64, data []byte) error {
	return m.putKey(ctx, OpPutBeat, beatKey{run, activity, keyBeat}, data)
}

// GetBeat is the heartbeat record that was stored last.
func (m *Model) GetBeat(ctx context.Context, run history.Run, activity int64) ([]byte, error) {
	data, found, err := m.getKey(ctx, OpGetBeat, beatKey{run, activity, keyBeat})
	if err == nil && !found {
		err = streams.ErrNotFound
	}
	return data, err
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
	data, found, err := m.getKey(ctx, OpReportedFailure, beatKey{run, activity, keyFail})
	if err == nil && !found {
		err = streams.ErrNotFound
	}
	return data, err
}
