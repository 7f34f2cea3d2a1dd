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
	m := &nats.Msg{Subject: n.at(run.WorkflowID).record(run), Header: recordHeader(info), Data: data}
	expect(m.Header, "", expected)
	seq, err = n.conditional(ctx, "record", m, expected, func(ctx context.Context) (seq, last uint64, err error) {
		loaded, err := n.load(ctx, run, info.Number-1)
		if err != nil {
			return 0, 0, err
		}
		for _, r := range loaded.Records {
			if r.Number == info.Number && r.CommitID == info.CommitID {
				return r.Seq, loaded.LastSeq, nil
			}
		}
		return 0, loaded.LastSeq, nil
	})
	if err != nil {
		return 0, fmt.Errorf("append record %d of run %s: %w", info.Number, run, err)
	}
	return seq, nil
}

// conditional publishes a message that carries an expectation until its outcome is definite. look reads from the
// stream's leader whether the message is stored (seq, else 0), and the last sequence that the expectation speaks of.
//
// A refusal alone proves nothing: the message may have been stored by an attempt whose acknowledgement was lost. Nor
// does a look that does not find it, when a deposed leader answers that knows less than the one that refused. The
// refusal names the last sequence as the refusing leader saw it; a look that has seen at least as much has also seen
// our message, if it is there.
func (n *Namespace) conditional(ctx context.Context, what string, m *nats.Msg, expected uint64,
	look func(ctx context.Context) (seq, last uint64, err error)) (uint64, error) {
	seq, err := n.putRetried(ctx, m)
	var refused *refusedError
	if !errors.As(err, &refused) {
		return seq, err
	}
	var patience patience
	for {
		seq, last, err := look(ctx)
		if err != nil || seq > 0 {
			return seq, err
		}
		if last != expected && (!refused.known || last >= refused.last) {
			return 0, &ConflictError{What: what, Expected: expected, Last: last}
		}
		if err := patience.wait(ctx, refused); err != nil {
			return 0, err
		}
		seq, err = n.putRetried(ctx, m)
		if !errors.As(err, &refused) {
			return seq, err
		}
	}
}
