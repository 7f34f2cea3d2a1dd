package streams

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// Append stores a record of a run, on the condition that the last message of its lane is the one at sequence expected
// (0: the lane is empty). data is an encoded history.Transition with the run, number and commit ID of info; a commit ID
// is used for one content and one expectation only. The outcome is definite: nil when the record is stored,
// ErrConflict when it is not and will not be. ErrUnavailable means that there was no answer.
func (n *Namespace) Append(ctx context.Context, run history.Run, data []byte, info RecordInfo, expected uint64) (seq uint64, err error) {
	if err := errors.Join(checkRun(run), n.checkSize("record", data)); err != nil {
		return 0, fmt.Errorf("append record %d of run %s: %w", info.Number, run, err)
	}
	p := n.at(run.WorkflowID)
	m := &nats.Msg{Subject: p.record(run), Header: recordHeader(info), Data: data}
	expect(m.Header, "", expected)
	var notice *nats.Msg // of the close, until it is told
	if info.Waiter != "" && checkSomebody(info.Waiter) == nil {
		notice = n.notice(run, info.Waiter, data)
		var told bool
		if seq, told, err = n.putClosing(ctx, p, m, notice); told {
			return seq, nil
		}
	} else {
		seq, err = n.putHistory(ctx, p, m)
	}
	if isRefused(err) {
		seq, err = n.settle(ctx, "record", m, expected, err, func(ctx context.Context) (seq, last uint64, err error) {
			return n.findRecord(ctx, run, info.Number, info.CommitID)
		})
	}
	if err != nil {
		return 0, fmt.Errorf("append record %d of run %s: %w", info.Number, run, err)
	}
	if notice != nil {
		_ = n.post(notice) // may be lost: who waits reads
	}
	return seq, nil
}

// findRecord reads from the stream's leader whether a record is stored (seq, else 0), and the last sequence of its lane.
func (n *Namespace) findRecord(ctx context.Context, run history.Run, number uint64, commitID string) (seq, last uint64, err error) {
	loaded, err := n.load(ctx, run, number-1)
	if err != nil {
		return 0, 0, err
	}
	for _, r := range loaded.Records {
		if r.Number == number && r.CommitID == commitID {
			return r.Seq, loaded.LastSeq, nil
		}
	}
	return 0, loaded.LastSeq, nil
}

func isRefused(err error) bool {
	if err == nil {
		return false // without an allocation
	}
	var refused *refusedError
	return errors.As(err, &refused)
}

// settle finds out what became of a message that carries an expectation and was refused with err, and publishes it again
// until the outcome is definite. look reads from the stream's leader whether the message is stored (seq, else 0), and
// the last sequence that the expectation speaks of.
//
// A refusal alone proves nothing: the message may have been stored by an attempt whose acknowledgement was lost. Nor
// does a look that does not find it, when a deposed leader answers that knows less than the one that refused. The
// refusal names the last sequence as the refusing leader saw it; a look that has seen at least as much has also seen
// our message, if it is there.
func (n *Namespace) settle(ctx context.Context, what string, m *nats.Msg, expected uint64, err error,
	look func(ctx context.Context) (seq, last uint64, err error)) (uint64, error) {
	var refused *refusedError
	var patience patience
	for errors.As(err, &refused) {
		seq, last, unread := look(ctx)
		if unread != nil || seq > 0 {
			return seq, unread
		}
		if last != expected && (!refused.known || last >= refused.last) {
			return 0, &ConflictError{What: what, Expected: expected, Last: last}
		}
		if err := patience.wait(ctx, refused); err != nil {
			return 0, err
		}
		if seq, err = n.putRetried(ctx, m); err == nil {
			return seq, nil
		}
	}
	return 0, err
}
