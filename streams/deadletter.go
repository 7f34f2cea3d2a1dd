package streams

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// DeadLetter is a message that could not be used, with the reason.
type DeadLetter struct {
	// ID makes PutDeadLetter idempotent: one letter is kept for each. 1 to 200 bytes after encoding.
	ID     string
	Reason string
	// Subject is where the message was published.
	Subject string
	// Run is the run that it was for, as far as is known.
	Run     history.Run
	Headers map[string][]string
	Data    []byte
	// Truncated says that Headers and Data are not all of it: there was no room.
	Truncated bool

	// Time and Seq are set on reading: when the letter was stored, and its sequence.
	Time time.Time
	Seq  uint64
}

const (
	maxReason = 1000
	// maxLetterHeaders bounds the original headers of a letter, in bytes.
	maxLetterHeaders = 8 << 10
)

func deadLetterSubject(namespace, id string) string {
	subject := subjectRoot + "." + namespace + ".deadletter."
	if id != "" {
		subject += EncodeToken(id)
	}
	return subject
}

// PutDeadLetter keeps a message that could not be used, for 7 days at most. What does not fit is cut off.
func (n *Namespace) PutDeadLetter(ctx context.Context, d DeadLetter) error {
	err := checkName("dead letter ID", d.ID)
	if err == nil {
		_, err = n.putRetried(ctx, n.letter(d))
	}
	var refused *refusedError
	if errors.As(err, &refused) {
		return nil // it is kept already
	}
	if err != nil {
		return fmt.Errorf("put dead letter %s: %w", d.ID, err)
	}
	return nil
}

// letter is d as it is stored: the body as it was, the headers under other names, so that they mean nothing to
// the broker.
func (n *Namespace) letter(d DeadLetter) *nats.Msg {
	m := &nats.Msg{Subject: deadLetterSubject(n.name, d.ID), Data: d.Data, Header: nats.Header{
		headerReason:   {quoted(d.Reason, maxReason)},
		headerSubject:  {quoted(d.Subject, maxLetterHeaders)},
		headerWorkflow: {EncodeToken(d.Run.WorkflowID)},
		headerRun:      {EncodeToken(d.Run.RunID)},
	}}
	size := 0
	for _, key := range slices.Sorted(maps.Keys(d.Headers)) {
		for _, v := range d.Headers[key] {
			if size += len(key) + len(v); size > maxLetterHeaders || EncodeToken(key) != key {
				d.Truncated = true
				break
			}
			m.Header[originalPrefix+key] = append(m.Header[originalPrefix+key], quoted(v, len(v)))
		}
	}
	if len(m.Data) > n.limits.MaxRecord {
		m.Data, d.Truncated = m.Data[:n.limits.MaxRecord], true
	}
	if d.Truncated {
		m.Header[headerTruncated] = []string{"true"}
	}
	expect(m.Header, "", 0)
	return m
}

// quoted is s, or its beginning, as the value of a header: as it is, or as a Go string where it would not survive.
func quoted(s string, limit int) string {
	s = s[:min(limit, len(s))]
	if s == strings.TrimSpace(s) && !strings.HasPrefix(s, `"`) && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	return strconv.Quote(s)
}

func unquoted(s string) string {
	if text, err := strconv.Unquote(s); err == nil && strings.HasPrefix(s, `"`) {
		return text
	}
	return s
}

// DeadLetters yields dead letters, newest first, at most limit of them (0: all). An error ends it.
func (n *Namespace) DeadLetters(ctx context.Context, limit int) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		stream := deadLetterStream(n.name)
		m, err := n.last(ctx, stream, deadLetterSubject(n.name, "")+">")
		for count := 0; limit <= 0 || count < limit; {
			switch {
			case isNoMessage(err):
				return
			case err != nil:
				yield(DeadLetter{}, fmt.Errorf("list dead letters: %w", err))
				return
			}
			if d, ok := n.letterIn(m); ok {
				count++
				if !yield(d, nil) {
					return
				}
			}
			m, err = n.before(ctx, stream, m.seq)
		}
	}
}

// before is the message before the one at seq. Letters are removed only from the old end and, rarely, by hand: a gap
// is stepped over one by one.
func (n *Namespace) before(ctx context.Context, stream string, seq uint64) (*stored, error) {
	first := uint64(0)
	for seq--; seq > 0; seq-- {
		m, err := n.get(ctx, stream, getRequest{Seq: seq})
		if !isNoMessage(err) {
			return m, err
		}
		if first == 0 {
			info, err := n.streamInfo(ctx, stream)
			if err != nil {
				return nil, err
			}
			first = max(info.State.FirstSeq, 1)
		}
		if seq <= first {
			break
		}
	}
	return nil, &missingError{codeNoMessage}
}

func (n *Namespace) letterIn(m *stored) (DeadLetter, bool) {
	id, err := DecodeToken(strings.TrimPrefix(m.subject, deadLetterSubject(n.name, "")))
	if err != nil {
		return DeadLetter{}, false
	}
	d := DeadLetter{
		ID: id, Reason: unquoted(m.header.Get(headerReason)), Subject: unquoted(m.header.Get(headerSubject)),
		Headers: map[string][]string{}, Data: m.data, Truncated: m.header.Get(headerTruncated) != "",
		Time: m.time, Seq: m.seq,
	}
	// Only for show: unreadable ones stay empty.
	d.Run.WorkflowID, _ = textIn(m.header, headerWorkflow)
	d.Run.RunID, _ = textIn(m.header, headerRun)
	for key, values := range m.header {
		if original, ok := strings.CutPrefix(key, originalPrefix); ok {
			for _, v := range values {
				d.Headers[original] = append(d.Headers[original], unquoted(v))
			}
		}
	}
	return d, true
}
