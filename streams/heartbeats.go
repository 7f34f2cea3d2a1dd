package streams

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// Keys of an activity in the heartbeat bucket. A cancel request and a failure that was reported from outside the worker
// have keys of their own: a heartbeat that crosses them must not erase them.
const (
	keyBeat   = "beat"
	keyCancel = "cancel"
	keyStart  = "start"
	keyFail   = "fail"
)

// checkHeartbeat accepts activity 0 too: the run itself, for what its coordinators tell each other.
func checkHeartbeat(run history.Run, activity int64) error {
	if activity == 0 {
		return checkRun(run)
	}
	return checkActivity(run, activity)
}

// heartbeatRoot is what the subjects of the bucket's keys begin with, its dot included.
func (p *partition) heartbeatRoot() string {
	return kvRoot + strings.TrimPrefix(p.heartbeats, kvStreamPrefix) + "."
}

// heartbeatKey is the subject of an activity's key; kind "*" matches all of them.
func (p *partition) heartbeatKey(run history.Run, activity int64, kind string) string {
	return p.heartbeatRoot() + runTokens(run) + "." +
		strconv.FormatInt(activity, 10) + "." + kind
}

// heartbeatsOf matches the keys of all activities of a run.
func (p *partition) heartbeatsOf(run history.Run) string {
	return p.heartbeatRoot() + runTokens(run) + ".>"
}

func (n *Namespace) putKey(ctx context.Context, run history.Run, activity int64, kind string, data []byte) error {
	err := errors.Join(checkHeartbeat(run, activity), n.checkSize("heartbeat", data))
	if err == nil {
		_, err = n.putRetried(ctx, &nats.Msg{Subject: n.at(run.WorkflowID).heartbeatKey(run, activity, kind), Data: data})
	}
	if err != nil {
		return fmt.Errorf("write %s of activity %d of run %s: %w", kind, activity, run, err)
	}
	return nil
}

func (n *Namespace) getKey(ctx context.Context, run history.Run, activity int64, kind string) ([]byte, error) {
	data, _, err := n.readKey(ctx, run, activity, kind)
	return data, err
}

// readKey is what stands under a key, and the sequence of the last message there, 0 for none.
func (n *Namespace) readKey(ctx context.Context, run history.Run, activity int64, kind string) (data []byte, seq uint64, err error) {
	err = checkHeartbeat(run, activity)
	var m *stored
	if err == nil {
		p := n.at(run.WorkflowID)
		m, err = n.last(ctx, p.heartbeats, p.heartbeatKey(run, activity, kind))
	}
	if err == nil {
		data, seq = m.data, m.seq
		if m.header.Get(headerKVOperation) != "" { // deleted by hand
			data, err = nil, ErrNotFound
		}
	}
	if err != nil {
		return nil, seq, fmt.Errorf("read %s of activity %d of run %s: %w", kind, activity, run, err)
	}
	return data, seq, nil
}

// hasKey looks together with others first: there mostly is none.
func (n *Namespace) hasKey(ctx context.Context, run history.Run, activity int64, kind string) (bool, error) {
	if !n.hasKeys(ctx, run, activity, kind) {
		return false, nil
	}
	return n.keyExists(ctx, run, activity, kind)
}

// hasKeys looks together with others whether one of the keys may be there. Where nobody can look so it is always said.
func (n *Namespace) hasKeys(ctx context.Context, run history.Run, activity int64, kinds ...string) bool {
	p := n.at(run.WorkflowID)
	if p.keyLooks == nil || checkHeartbeat(run, activity) != nil {
		return true
	}
	subjects := make([]string, len(kinds))
	for i, kind := range kinds {
		subjects[i] = p.heartbeatKey(run, activity, kind)
	}
	found, err := p.keyLooks.any(ctx, subjects)
	return err != nil || found // who reads the key then tries for longer
}

func (n *Namespace) keyExists(ctx context.Context, run history.Run, activity int64, kind string) (bool, error) {
	_, err := n.getKey(ctx, run, activity, kind)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// PutBeat replaces the heartbeat record of an activity, on the condition that the last one is that at sequence after (0:
// there is none), and returns the sequence of the new one. The outcome is definite: ErrConflict means that another is the
// last one, and that this one neither is nor will be; the same record as the last one, of an earlier call whose answer was
// lost, counts as stored. ErrUnavailable means that there was no answer.
func (n *Namespace) PutBeat(ctx context.Context, run history.Run, activity int64, data []byte, after uint64) (seq uint64, err error) {
	if err = errors.Join(checkActivity(run, activity), n.checkSize("heartbeat", data)); err == nil {
		seq, err = n.putBeat(ctx, n.at(run.WorkflowID), n.at(run.WorkflowID).heartbeatKey(run, activity, keyBeat), data, after)
	}
	if err != nil {
		return 0, fmt.Errorf("write heartbeat of activity %d of run %s: %w", activity, run, err)
	}
	return seq, nil
}

func (n *Namespace) putBeat(ctx context.Context, p *partition, subject string, data []byte, after uint64) (uint64, error) {
	m := &nats.Msg{Subject: subject, Header: make(nats.Header, 1), Data: data}
	expect(m.Header, "", after)
	seq, err := n.putRetried(ctx, m)
	if !isRefused(err) {
		return seq, err
	}
	return n.settle(ctx, "heartbeat", m, after, err, func(ctx context.Context) (seq, last uint64, err error) {
		found, err := n.last(ctx, p.heartbeats, subject)
		switch {
		case isNoMessage(err):
			return 0, 0, nil
		case err != nil:
			return 0, 0, err
		case found.seq > after && found.header.Get(headerKVOperation) == "" && bytes.Equal(found.data, data):
			return found.seq, found.seq, nil
		}
		return 0, found.seq, nil
	})
}

// GetBeat is the last heartbeat record of an activity and its sequence, or ErrNotFound with the sequence on which the
// first one is to be put. Activity 0 stands for the run itself, here and below: its record is what PutNote stored.
func (n *Namespace) GetBeat(ctx context.Context, run history.Run, activity int64) (data []byte, seq uint64, err error) {
	return n.readKey(ctx, run, activity, keyBeat)
}

// PutNote replaces what its coordinators have noted of a run.
func (n *Namespace) PutNote(ctx context.Context, run history.Run, data []byte) error {
	return n.putKey(ctx, run, 0, keyBeat, data)
}

// RequestCancel tells whoever runs the activity, now or later, to cancel it.
func (n *Namespace) RequestCancel(ctx context.Context, run history.Run, activity int64) error {
	return n.ask(ctx, run, activity, keyCancel, nil)
}

// CancelRequested says whether RequestCancel was called.
func (n *Namespace) CancelRequested(ctx context.Context, run history.Run, activity int64) (bool, error) {
	return n.hasKey(ctx, run, activity, keyCancel)
}

// MarkStarted notes that an attempt of the activity has started.
func (n *Namespace) MarkStarted(ctx context.Context, run history.Run, activity int64) error {
	return n.putKey(ctx, run, activity, keyStart, nil)
}

// Started says whether MarkStarted was called.
func (n *Namespace) Started(ctx context.Context, run history.Run, activity int64) (bool, error) {
	return n.hasKey(ctx, run, activity, keyStart)
}

// ReportFailure leaves word for the worker that has the activity's task: how an attempt failed that is completed from
// outside. A later report replaces it.
func (n *Namespace) ReportFailure(ctx context.Context, run history.Run, activity int64, data []byte) error {
	return n.putKey(ctx, run, activity, keyFail, data)
}

// ReportedFailure is what ReportFailure stored last, or ErrNotFound.
func (n *Namespace) ReportedFailure(ctx context.Context, run history.Run, activity int64) ([]byte, error) {
	return n.getKey(ctx, run, activity, keyFail)
}

// DeleteBeats removes the heartbeat, the requests, the start marker and the reported failure of an activity, if
// there are any.
func (n *Namespace) DeleteBeats(ctx context.Context, run history.Run, activity int64) error {
	err := checkHeartbeat(run, activity)
	if err == nil {
		p := n.at(run.WorkflowID)
		// Most activities have none, and a read costs less than a purge.
		_, err = n.last(ctx, p.heartbeats, p.heartbeatKey(run, activity, "*"))
		if isNoMessage(err) {
			return nil
		}
		if err == nil {
			err = n.purge(ctx, p.heartbeats, p.heartbeatKey(run, activity, "*"))
		}
	}
	if err != nil {
		return fmt.Errorf("delete heartbeats of activity %d of run %s: %w", activity, run, err)
	}
	return nil
}
