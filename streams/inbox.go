package streams

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// Send stores a message in a run's inbox. nil means that it is durable; the run need not exist. A message of the same
// identity may be stored twice: the run consumes one.
func (n *Namespace) Send(ctx context.Context, to history.Address, m *history.Message) error {
	if err := n.send(ctx, to, m); err != nil {
		return fmt.Errorf("send %s to run %s: %w", m.Identity(), to.Run, err)
	}
	return nil
}

func (n *Namespace) send(ctx context.Context, to history.Address, m *history.Message) error {
	source := m.Source()
	if !validSource(source) {
		return &InvalidError{Field: "message", Value: m.ID, Limit: "of a known kind"}
	}
	message := *m // Encode sets the version
	data, err := history.Encode(&message)
	if err == nil {
		err = errors.Join(checkAddress(to), n.checkSize("message", data))
	}
	if err != nil {
		return err
	}
	// No message ID: the broker would remember every one for a while, and the run knows a repetition when it sees it.
	p := n.at(to.WorkflowID)
	stored := &nats.Msg{Subject: p.partitionSubjects.inbox(to, source), Data: data}
	seq, err := n.putRetried(ctx, stored)
	if err == nil {
		n.witnessed(ctx, p.messages, seq, stored)
	}
	return err
}

// Waiting is a message that waits in a run's inbox, delivered to someone or not.
type Waiting struct {
	// Seq is the sequence in the partition's INBOX stream.
	Seq    uint64
	Source history.Source
	Data   []byte
	// Time is when the broker stored it.
	Time time.Time
}

// ReadInbox reads what waits in a run's inbox, in the order of sending: of one source, or of all when source is empty;
// at most limit messages, 0 for all. It consumes nothing.
func (n *Namespace) ReadInbox(ctx context.Context, run history.Address, source history.Source, limit int) ([]Waiting, error) {
	return n.ReadInboxAfter(ctx, run, source, 0, limit)
}

// ReadInboxAfter is ReadInbox of what has a sequence above after. All that is sent later has one.
func (n *Namespace) ReadInboxAfter(ctx context.Context, run history.Address, source history.Source, after uint64, limit int) ([]Waiting, error) {
	filter := source
	if source == "" {
		filter = "*"
	} else if !validSource(source) {
		return nil, fmt.Errorf("read inbox of run %s: %w", run.Run,
			&InvalidError{Field: "source", Value: string(source), Limit: "a letter, perhaps followed by a number"})
	}
	if err := checkAddress(run); err != nil {
		return nil, fmt.Errorf("read inbox of run %s: %w", run.Run, err)
	}
	p := n.at(run.WorkflowID)
	var waiting []Waiting
	batch := scanBatch
	if limit > 0 {
		batch = min(limit, scanBatch)
	}
	err := n.scan(ctx, p.streamNames.inbox, p.partitionSubjects.inbox(run, filter), after+1, batch, func(m *stored) bool {
		// What is not a message of ours is left to the consumer, which puts it away.
		if s, err := parseSubject(m.subject); err == nil {
			waiting = append(waiting, Waiting{Seq: m.seq, Source: s.source, Data: m.data, Time: m.time})
		}
		return limit <= 0 || len(waiting) < limit
	})
	if err != nil {
		return nil, fmt.Errorf("read inbox of run %s: %w", run.Run, err)
	}
	return waiting, nil
}
