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
	header  nats.Header
	data    []byte
	time    time.Time
}

// getRequest asks for one message: the one at Seq, the last on a subject, or the first on a subject at or after Seq.
type getRequest struct {
	Seq  uint64 `json:"seq,omitempty"`
	Last string `json:"last_by_subj,omitempty"`
	Next string `json:"next_by_subj,omitempty"`
}

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
	data, err := json.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("encode read of stream %s: %w", stream, err)
	}
	var answer *nats.Msg
	if err = b.ready(); err == nil {
		answer, err = b.request(ctx, &nats.Msg{Subject: apiRoot + "DIRECT.GET." + stream, Data: data}, firstAttempt)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoDirectAnswer, err)
	}
	if answer.Header.Get(headerNATSStatus) == statusNotFound {
		return nil, fmt.Errorf("read from stream %s: %w", stream, &missingError{codeNoMessage})
	}
	m := &stored{subject: answer.Header.Get(headerStoredSubject), header: answer.Header, data: answer.Data}
	var errTime error
	m.seq, err = strconv.ParseUint(answer.Header.Get(headerSequence), 10, 64)
	m.time, errTime = time.Parse(time.RFC3339Nano, answer.Header.Get(headerTimestamp))
	if err != nil || errTime != nil {
		return nil, fmt.Errorf("%w: %q", errNoDirectAnswer, answer.Header)
	}
	for _, own := range []string{headerStoredStream, headerStoredSubject, headerSequence, headerTimestamp} {
		m.header.Del(own)
	}
	return m, nil
}

func (b broker) getByAPI(ctx context.Context, stream string, req getRequest) (*stored, error) {
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
	data, err := json.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("encode read of stream %s: %w", stream, err)
	}
	// Like api, but the answer is decoded once: this is the request that is made for every record.
	err = b.retry(ctx, func(ctx context.Context, timeout time.Duration) error {
		reply, err := b.request(ctx, &nats.Msg{Subject: apiRoot + "STREAM.MSG.GET." + stream, Data: data}, timeout)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(reply.Data, &answer); err != nil {
			return fmt.Errorf("%w: unreadable answer %.80q: %w", ErrRejected, reply.Data, err)
		}
		if e := answer.Error; e != nil {
			answer.Error = nil
			return e.classified()
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read from stream %s: %w", stream, err)
	}
	m := answer.Message
	if m == nil {
		return nil, fmt.Errorf("read from stream %s: %w: answer without message", stream, ErrRejected)
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

// scan calls f with every message on a subject, in order, from sequence from on, until f returns false or there are
// no more.
func (b broker) scan(ctx context.Context, stream, subject string, from uint64, f func(*stored) bool) error {
	for next := max(from, 1); ; {
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

// purge removes all messages on a subject.
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
