package streams

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// PayloadRef names a payload that is stored outside messages, under the run that it belongs to.
type PayloadRef struct {
	Run history.Run
	// Hash is the SHA-256 of the bytes in hexadecimal, so that a run stores the same content once.
	Hash string
	// Pieces is the number of messages that hold the bytes.
	Pieces int
}

func (r PayloadRef) check() error {
	if err := checkRun(r.Run); err != nil {
		return err
	}
	if sum, err := hex.DecodeString(r.Hash); err != nil || len(sum) != sha256.Size {
		return &InvalidError{Field: "hash", Value: r.Hash, Limit: "a SHA-256 in hexadecimal"}
	}
	if r.Pieces < 1 || r.Pieces > maxPieces {
		return &InvalidError{Field: "pieces", Value: strconv.Itoa(r.Pieces), Limit: fmt.Sprintf("1 to %d", maxPieces)}
	}
	return nil
}

func payloadsStream(namespace string) string { return "MILLRACE_" + namespace + "_PAYLOADS" }

func payloadTree(namespace string) string { return subjectRoot + "." + namespace + ".payload." }

// runPayloads is what the subjects of a run's payloads begin with.
func (n *Namespace) runPayloads(run history.Run) string {
	return payloadTree(n.name) + runTokens(run) + "."
}

func (n *Namespace) payloadPiece(r PayloadRef, piece int) string {
	return n.runPayloads(r.Run) + r.Hash + "." + strconv.Itoa(piece)
}

// PutPayload stores bytes under a run, in pieces, and returns what finds them again. What the run has already is not
// stored again. It comes before the record or message that refers to it; bytes that nothing refers to in the end go with
// the run.
func (n *Namespace) PutPayload(ctx context.Context, run history.Run, data []byte) (PayloadRef, error) {
	sum := sha256.Sum256(data)
	size := n.pieceSize()
	ref := PayloadRef{Run: run, Hash: hex.EncodeToString(sum[:]), Pieces: max((len(data)+size-1)/size, 1)}
	err := ref.check()
	if ref.Pieces > maxPieces {
		err = fmt.Errorf("%d bytes are %w: the limit is %d pieces of %d bytes", len(data), ErrTooLarge, maxPieces, size)
	}
	if err == nil {
		err = eachPiece(ref.Pieces, func(i int) error {
			return n.putPiece(ctx, n.payloadPiece(ref, i), data[i*size:min((i+1)*size, len(data))])
		})
	}
	if err != nil {
		return PayloadRef{}, fmt.Errorf("store payload of %d bytes of run %s: %w", len(data), run, err)
	}
	return ref, nil
}

// putPiece stores a piece unless it is there. The stream refuses a second message on a subject, and others when it has
// no room.
func (n *Namespace) putPiece(ctx context.Context, subject string, data []byte) error {
	_, err := n.putRetried(ctx, &nats.Msg{Subject: subject, Header: nats.Header{}, Data: data})
	var full *fullError
	if !errors.As(err, &full) {
		return err
	}
	m, unread := n.last(ctx, payloadsStream(n.name), subject)
	if unread == nil && bytes.Equal(m.data, data) {
		return nil
	}
	return err
}

// GetPayload reads the bytes that a reference names. ErrNotFound means that a piece is missing, or that the pieces are
// not those that were stored.
func (n *Namespace) GetPayload(ctx context.Context, ref PayloadRef) ([]byte, error) {
	err := ref.check()
	if err != nil {
		return nil, fmt.Errorf("read payload of run %s: %w", ref.Run, err)
	}
	pieces := make([][]byte, ref.Pieces)
	err = eachPiece(ref.Pieces, func(i int) error {
		m, err := n.last(ctx, payloadsStream(n.name), n.payloadPiece(ref, i))
		if err == nil {
			pieces[i] = m.data
		}
		return err
	})
	data := bytes.Join(pieces, nil)
	if sum := sha256.Sum256(data); err == nil && hex.EncodeToString(sum[:]) != ref.Hash {
		err = fmt.Errorf("%w: its hash differs", ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read payload %s of run %s: %w", ref.Hash, ref.Run, err)
	}
	return data, nil
}

// DeletePayloads deletes all payloads of a run. Whoever removes a run calls it AFTER the run's start is gone, so that
// nobody executes the run without them. The start of a run that a retry policy or a schedule began refers to payloads
// of the first run of its chain: those stay until the last run of the chain goes.
func (n *Namespace) DeletePayloads(ctx context.Context, run history.Run) error {
	err := checkRun(run)
	if err == nil {
		err = n.purge(ctx, payloadsStream(n.name), n.runPayloads(run)+">")
	}
	if err != nil {
		return fmt.Errorf("delete payloads of run %s: %w", run, err)
	}
	return nil
}
