package streams

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

const (
	// maxPiece bounds a piece in bytes, where messages may be larger: whatever else goes over a connection waits for a piece.
	maxPiece = 256 << 10
	// maxPieces bounds what a reference can make a reader ask for.
	maxPieces = 16384
)

// pieceSize is how many bytes the pieces of a body or payload have, but for the last.
func (n *Namespace) pieceSize() int { return min(max(n.limits.MaxRecord, 1), maxPiece) }

// PutBody stores the separate body of an oversized record, in pieces, and returns the reference that the record
// carries. It comes before the record; a body whose record was never appended goes with the run.
func (n *Namespace) PutBody(ctx context.Context, run history.Run, commitID string, data []byte) (*history.BodyRef, error) {
	err := checkRun(run)
	if err == nil {
		err = checkName("commit ID", commitID)
	}
	size := n.pieceSize()
	pieces := max((len(data)+size-1)/size, 1)
	if err == nil && pieces > maxPieces {
		err = fmt.Errorf("%d bytes are %w: the limit is %d pieces of %d bytes", len(data), ErrTooLarge, maxPieces, size)
	}
	if err == nil {
		err = eachPiece(pieces, func(i int) error {
			piece := data[i*size : min((i+1)*size, len(data))]
			subject := n.at(run.WorkflowID).body(run, commitID, i)
			m := &nats.Msg{Subject: subject, Header: nats.Header{headerMsgID: {subject}}, Data: piece}
			_, err := n.putRetried(ctx, m)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("store body %s of run %s: %w", commitID, run, err)
	}
	sum := sha256.Sum256(data)
	return &history.BodyRef{CommitID: commitID, Pieces: pieces, Hash: sum[:]}, nil
}

// GetBody reads a separate body and verifies its hash. ErrNotFound means that a piece is missing, or that the pieces
// are not those that the reference means.
func (n *Namespace) GetBody(ctx context.Context, run history.Run, ref *history.BodyRef) ([]byte, error) {
	err := checkRun(run)
	if err == nil && (ref.Pieces < 1 || ref.Pieces > maxPieces) {
		err = &InvalidError{Field: "pieces", Value: strconv.Itoa(ref.Pieces), Limit: fmt.Sprintf("1 to %d", maxPieces)}
	}
	if err != nil {
		return nil, fmt.Errorf("read body %s of run %s: %w", ref.CommitID, run, err)
	}
	p := n.at(run.WorkflowID)
	pieces := make([][]byte, ref.Pieces)
	err = eachPiece(ref.Pieces, func(i int) error {
		m, err := n.last(ctx, p.history, p.body(run, ref.CommitID, i))
		if err == nil {
			pieces[i] = m.data
		}
		return err
	})
	data := bytes.Join(pieces, nil)
	if sum := sha256.Sum256(data); err == nil && !bytes.Equal(sum[:], ref.Hash) {
		err = fmt.Errorf("%w: its hash differs", ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read body %s of run %s: %w", ref.CommitID, run, err)
	}
	return data, nil
}

// eachPiece calls f for 0 to pieces-1, until one fails. Several at once would take the connection from whatever else goes over
// it, for little time that is won beside the coding of so many bytes.
func eachPiece(pieces int, f func(i int) error) error {
	for i := range pieces {
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}
