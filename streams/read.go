package streams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// stored is a message as a stream holds it.
type stored struct {
	subject string
	seq     uint64
	// header may hold what the broker says of the message beside the message's own.
	header nats.Header
	data   []byte
	time   time.Time
}

// ownHeader is the header as it was published.
func (m *stored) ownHeader() nats.Header {
	for _, key := range []string{headerStoredStream, headerStoredSubject, headerSequence, headerTimestamp,
		headerNumPending, headerLastSequence} {
		m.header.Del(key)
	}
	return m.header
}

// getRequest asks for one message: the one at Seq, the last on a subject, or the first on a subject at or after Seq.
// With Batch it asks for as many of the latter.
type getRequest struct {
	Seq   uint64
	Last  string
	Next  string
	Batch int
}

// maxBatchBytes is about how much a batch holds at most.
const maxBatchBytes = 1 << 20

// append writes the request as the broker reads it. Subjects hold nothing that JSON would escape.
func (r getRequest) append(b []byte) []byte {
	b = append(b, '{')
	if r.Seq > 0 {
		b = strconv.AppendUint(append(b, `"seq":`...), r.Seq, 10)
	}
	for _, by := range [...]struct{ key, subject string }{{`"last_by_subj":"`, r.Last}, {`"next_by_subj":"`, r.Next}} {
		if by.subject == "" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, by.key...), by.subject...), '"')
	}
	if r.Batch > 0 {
		b = strconv.AppendInt(append(b, `,"batch":`...), int64(r.Batch), 10)
		b = strconv.AppendInt(append(b, `,"max_bytes":`...), maxBatchBytes, 10)
	}
	return append(b, '}')
}

// encode is append to new memory.
func (r getRequest) encode() []byte { return r.append(make([]byte, 0, 64+len(r.Last)+len(r.Next))) }

// get reads one message from the stream's leader. It never asks the other replicas, which may lag behind. An absent
// message is a missingError, which matches ErrNotFound.
func (b broker) get(ctx context.Context, stream string, req getRequest) (*stored, error) {
	if b.direct {
		if m, err := b.getDirect(ctx, stream, req); !errors.Is(err, errNoDirectAnswer) {
			return m, err
		}
	}
	return b.getByAPI(ctx, stream, req)
}

// errNoDirectAnswer means that a direct read has to be made through the API, which says what is wrong.
var errNoDirectAnswer = errors.New("no answer to a direct read")

// getDirect makes one attempt at a direct read. The answer is the message itself, with where it stands in headers.
func (b broker) getDirect(ctx context.Context, stream string, req getRequest) (*stored, error) {
	var answer *nats.Msg
	err := b.ready()
	if err == nil {
		answer, err = b.request(ctx, &nats.Msg{Subject: apiRoot + "DIRECT.GET." + stream, Data: req.encode()}, firstAttempt)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoDirectAnswer, err)
	}
	if bareStatus(answer) == statusNotFound {
		return nil, fmt.Errorf("read from stream %s: %w", stream, &missingError{codeNoMessage})
	}
	return directAnswer(answer)
}

// bareStatus is the status of an answer to a direct read that is no message, empty for a message. A stored message may
// have a header of that name, but only a stored one has a sequence.
func bareStatus(m *nats.Msg) string {
	if len(m.Data) > 0 || stamp(m.Header, headerSequence) != "" {
		return ""
	}
	return m.Header.Get(headerNATSStatus)
}

// stamp is what the broker says of a stored message in a header. It puts its own behind those that the message was published
// with, among which there may be one of the same name: that is a word of whoever published the message, and worth nothing.
func stamp(h nats.Header, key string) string {
	if values := h[key]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

func directAnswer(m *nats.Msg) (*stored, error) {
	s := &stored{subject: stamp(m.Header, headerStoredSubject), header: m.Header, data: m.Data}
	var err, errTime error
	s.seq, err = strconv.ParseUint(stamp(m.Header, headerSequence), 10, 64)
	s.time, errTime = time.Parse(time.RFC3339Nano, stamp(m.Header, headerTimestamp))
	if err != nil || errTime != nil {
		return nil, fmt.Errorf("%w: %q", errNoDirectAnswer, m.Header)
	}
	return s, nil
}

// getBatch makes one attempt at a direct read of several messages, in order: none when there are none. more says that
// there may be others after the last.
func (b broker) getBatch(ctx context.Context, stream string, req getRequest) (found []*stored, more bool, err error) {
	if err := b.ready(); err != nil {
		return nil, false, fmt.Errorf("%w: %w", errNoDirectAnswer, err)
	}
	m := &nats.Msg{Subject: apiRoot + "DIRECT.GET." + stream, Data: req.encode()}
	messages, last, err := b.link.exchangeMany(ctx, m, firstAttempt)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", errNoDirectAnswer, requestError(err))
	}
	status := bareStatus(last)
	if status == statusNotFound && len(messages) == 0 {
		return nil, false, nil
	}
	// Each answer names the sequence of the one before, the status that of the last.
	before := uint64(0)
	for _, m := range messages {
		s, err := directAnswer(m)
		if err != nil {
			return nil, false, err
		}
		if sequenceBefore(m) != before {
			return nil, false, fmt.Errorf("%w: an answer is missing before %d", errNoDirectAnswer, s.seq)
		}
		found, before = append(found, s), s.seq
	}
	if status != statusEndOfBatch || before == 0 || sequenceBefore(last) != before {
		return nil, false, fmt.Errorf("%w: %q after %d", errNoDirectAnswer, last.Header, before)
	}
	return found, stamp(last.Header, headerNumPending) != "0", nil
}

// sequenceBefore is the sequence that an answer of a batch names as that of the answer before, 0 for none.
func sequenceBefore(m *nats.Msg) uint64 {
	seq, _ := strconv.ParseUint(stamp(m.Header, headerLastSequence), 10, 64) // unreadable: it will not match
	return seq
}

func (b broker) getByAPI(ctx context.Context, stream string, req getRequest) (*stored, error) {
	var found *stored
	data := req.encode()
	err := b.retry(ctx, func(ctx context.Context, timeout time.Duration) error {
		reply, err := b.request(ctx, &nats.Msg{Subject: apiRoot + "STREAM.MSG.GET." + stream, Data: data}, timeout)
		if err == nil {
			found, err = readMessage(reply.Data)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read from stream %s: %w", stream, err)
	}
	return found, nil
}

// readMessage reads the answer to a request for a message. Unlike readAnswer it decodes the answer once: this is the
// request that is made for every record.
func readMessage(data []byte) (*stored, error) {
	var answer struct {
		Error   *apiError `json:"error"`
		Message *struct {
			Subject  string    `json:"subject"`
			Sequence uint64    `json:"seq"`
			Header   []byte    `json:"hdrs"`
			Data     []byte    `json:"data"`
			Time     time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("%w: unreadable answer %.80q: %w", ErrRejected, data, err)
	}
	if answer.Error != nil {
		return nil, answer.Error.classified()
	}
	m := answer.Message
	if m == nil {
		return nil, fmt.Errorf("%w: answer without message", ErrRejected)
	}
	s := &stored{subject: m.Subject, seq: m.Sequence, data: m.Data, time: m.Time}
	if len(m.Header) > 0 {
		// A message whose headers cannot be read is one without headers of ours.
		if h, err := nats.DecodeHeadersMsg(m.Header); err == nil {
			s.header = h
		}
	}
	return s, nil
}

// last is the last message on a subject, which may have wildcards.
func (b broker) last(ctx context.Context, stream, subject string) (*stored, error) {
	return b.get(ctx, stream, getRequest{Last: subject})
}

// scanBatch is how many messages one request of a scan reads at most.
const scanBatch = 256

// scan calls f with the messages on a subject, in order, from sequence from on, until f returns false or there are no
// more. It reads up to batch of them by one request: 1 is cheapest where the first is enough.
func (b broker) scan(ctx context.Context, stream, subject string, from uint64, batch int, f func(*stored) bool) error {
	next := max(from, 1)
	for batch > 1 && b.direct && b.link != nil && !b.plain {
		found, more, err := b.getBatch(ctx, stream, getRequest{Seq: next, Next: subject, Batch: batch})
		if err != nil {
			break // as far as it was answered
		}
		for _, m := range found {
			if !f(m) {
				return nil
			}
			next = m.seq + 1
		}
		if !more {
			return nil
		}
	}
	for {
		m, err := b.get(ctx, stream, getRequest{Seq: next, Next: subject})
		if isNoMessage(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if !f(m) {
			return nil
		}
		next = m.seq + 1
	}
}

// remove removes a message. One that is not there is no error.
func (b broker) remove(ctx context.Context, stream string, seq uint64) error {
	err := b.api(ctx, "STREAM.MSG.DELETE."+stream, map[string]any{"seq": seq, "no_erase": true}, nil)
	if err == nil {
		return nil
	}
	if _, missing := b.get(ctx, stream, getRequest{Seq: seq}); isNoMessage(missing) {
		return nil // somebody else was first
	}
	return fmt.Errorf("remove message %d of stream %s: %w: %w", seq, stream, ErrUnavailable, err)
}

// purge removes all messages on a subject. It is not for streams whose consumers take more than that subject: see
// withdraw.
func (b broker) purge(ctx context.Context, stream, subject string) error {
	err := b.api(ctx, "STREAM.PURGE."+stream, map[string]string{"filter": subject}, nil)
	if err != nil {
		return fmt.Errorf("purge stream %s: %w", stream, err)
	}
	return nil
}

// isNoMessage tells an absent message, which is an answer, from an absent stream, which is a broken namespace.
func isNoMessage(err error) bool {
	var missing *missingError
	return errors.As(err, &missing) && missing.code == codeNoMessage
}
