package streams

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
)

const (
	// retryBudget bounds an operation that gets no answer. A leader change takes 4 to 25 s.
	retryBudget = 60 * time.Second
	// The first attempt of an operation waits this long for an answer and each further one twice as long as the one
	// before. An answer does not come late when a server dies: it does not come.
	firstAttempt = time.Second
	lastAttempt  = 5 * time.Second

	apiRoot = "$JS.API."

	firstBackoff = 5 * time.Millisecond
	lastBackoff  = time.Second
)

// broker asks the broker things, as often as it takes to get an answer.
type broker struct {
	nc *nats.Conn
	// direct is set when the streams are stored on one server each: then direct reads are the leader's.
	direct bool
	// link carries the requests. Without one nats.go does, which is dear and good enough for administration; with plain
	// set it does all the same, for comparison.
	link  *link
	plain bool
	// late keeps notices of closes from preceding their records, for comparison.
	late bool
}

// unansweredError says that an attempt got no answer, or one that means "not now": whether it had an effect is not
// known. The attempt is repeated.
type unansweredError struct{ cause error }

func (e *unansweredError) Error() string { return e.cause.Error() }
func (e *unansweredError) Unwrap() error { return e.cause }

// retry is retryFor the budget that all operations have that must succeed in the end.
func (b broker) retry(ctx context.Context, attempt func(ctx context.Context, timeout time.Duration) error) error {
	return b.retryFor(ctx, retryBudget, attempt)
}

// retryFor calls attempt until it returns anything but an unansweredError, ctx ends or the time is used up; in the
// latter cases the error is ErrUnavailable with the cause. An attempt may take as long as timeout.
func (b broker) retryFor(ctx context.Context, limit time.Duration, attempt func(ctx context.Context, timeout time.Duration) error) error {
	begun := time.Now()
	err := b.ready()
	if err == nil {
		err = attempt(ctx, min(firstAttempt, limit))
	}
	if !isUnanswered(err) {
		return err // as nearly always
	}
	return b.retryUntil(ctx, begun, limit, err, attempt)
}

// retryUntil goes on where the first attempt, which began at begun, ended with err.
func (b broker) retryUntil(ctx context.Context, begun time.Time, limit time.Duration, err error,
	attempt func(ctx context.Context, timeout time.Duration) error) error {
	budget, cancel := context.WithDeadline(ctx, begun.Add(limit))
	defer cancel()
	pause := newBackoff()
	for timeout := 2 * firstAttempt; ; timeout = min(2*timeout, lastAttempt) {
		select {
		case <-budget.Done():
			if ctx.Err() != nil {
				return fmt.Errorf("%w: %w (last attempt: %w)", ErrUnavailable, context.Cause(ctx), err)
			}
			return fmt.Errorf("%w for %s (last attempt: %w)", ErrUnavailable, limit, err)
		case <-time.After(pause.NextBackOff()):
		}
		if err = b.ready(); err == nil {
			err = attempt(budget, timeout)
		}
		if !isUnanswered(err) {
			return err
		}
	}
}

func isUnanswered(err error) bool {
	if err == nil {
		return false // without an allocation
	}
	var unanswered *unansweredError
	return errors.As(err, &unanswered)
}

func newBackoff() *backoff.ExponentialBackOff {
	p := backoff.NewExponentialBackOff()
	p.InitialInterval, p.MaxInterval = firstBackoff, lastBackoff
	p.Multiplier, p.RandomizationFactor = 2, 0.5
	p.Reset()
	return p
}

// ready says why no attempt can be made now. While the connection is down there is none: nats.go would keep the request
// and send it after the reconnect, when the attempt has long been given up.
func (b broker) ready() error {
	if b.link != nil && b.link.current().up {
		return nil
	}
	switch b.nc.Status() {
	case nats.CONNECTED:
		return nil
	case nats.CLOSED:
		return fmt.Errorf("%w: %w", ErrUnavailable, nats.ErrConnectionClosed)
	}
	return &unansweredError{errDisconnected}
}

// post publishes a message that nobody answers.
func (b broker) post(m *nats.Msg) error {
	if b.link == nil || b.plain {
		return b.nc.PublishMsg(m)
	}
	return b.link.post(m, nil)
}

// flush returns when the broker has all that was posted.
func (b broker) flush(timeout time.Duration) error {
	if b.link == nil {
		return b.nc.FlushTimeout(timeout)
	}
	return b.link.flush(timeout)
}

// request sends one message and waits for its answer until ctx ends or as long as timeout, 0 for no limit but ctx. It
// sets the message's reply subject.
func (b broker) request(ctx context.Context, m *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	if b.link != nil && !b.plain {
		return answered(b.link.exchange(ctx, m, timeout))
	}
	return answered(b.plainRequest(ctx, m, timeout))
}

// askProcess is request for what another process answers, in its own time.
func (b broker) askProcess(ctx context.Context, m *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	if b.link != nil && !b.plain {
		return answered(b.link.exchangeAsked(ctx, m, timeout))
	}
	return answered(b.plainRequest(ctx, m, timeout))
}

// answered classifies the outcome of a request.
func answered(answer *nats.Msg, err error) (*nats.Msg, error) {
	if err != nil {
		return nil, requestError(err)
	}
	if bareStatus(answer) == statusNoResponders {
		return nil, &unansweredError{nats.ErrNoResponders}
	}
	return answer, nil
}

func (b broker) plainRequest(ctx context.Context, m *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	return b.nc.RequestMsgWithContext(ctx, m)
}

func requestError(err error) error {
	switch {
	case errors.Is(err, nats.ErrConnectionClosed):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, nats.ErrBadSubject), errors.Is(err, nats.ErrHeadersNotSupported):
		return fmt.Errorf("%w: %w", ErrRejected, err)
	}
	return &unansweredError{err}
}

// api calls one of the broker's JetStream requests until it is answered. out, when not nil, gets the answer; an error
// in the answer is returned as apiError.
func (b broker) api(ctx context.Context, subject string, in, out any) error {
	var data []byte
	if in != nil {
		var err error
		if data, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encode request %s: %w", subject, err)
		}
	}
	return b.retry(ctx, func(ctx context.Context, timeout time.Duration) error {
		answer, err := b.request(ctx, &nats.Msg{Subject: apiRoot + subject, Data: data}, timeout)
		if err != nil {
			return err
		}
		return readAnswer(answer.Data, out)
	})
}

func readAnswer(data []byte, out any) error {
	var head struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return fmt.Errorf("%w: unreadable answer %.80q: %w", ErrRejected, data, err)
	}
	if head.Error != nil {
		return head.Error.classified()
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%w: unreadable answer %.80q: %w", ErrRejected, data, err)
	}
	return nil
}

// put publishes a message to a stream, once, and returns its sequence.
func (b broker) put(ctx context.Context, m *nats.Msg, timeout time.Duration) (uint64, error) {
	answer, err := b.request(ctx, m, timeout)
	if err != nil {
		return 0, err
	}
	return readAck(answer.Data)
}

// readAck reads the acknowledgement of one message.
func readAck(data []byte) (uint64, error) {
	if seq, ok := plainAck(data); ok {
		return seq, nil
	}
	var ack struct {
		Seq   uint64    `json:"seq"`
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(data, &ack); err != nil {
		return 0, fmt.Errorf("%w: unreadable acknowledgement %.80q: %w", ErrRejected, data, err)
	}
	if ack.Error != nil {
		return 0, ack.Error.classified()
	}
	if ack.Seq == 0 {
		return 0, &unansweredError{fmt.Errorf("acknowledgement without sequence: %.80q", data)}
	}
	return ack.Seq, nil
}

// plainAck reads an acknowledgement that says nothing but the stream and the sequence, as nearly all do; ok is false
// for any other. Reading it as JSON takes twenty times as long.
func plainAck(data []byte) (seq uint64, ok bool) {
	const stream, sequence = `{"stream":"`, `,"seq":`
	rest, ok := bytes.CutPrefix(data, []byte(stream))
	if !ok {
		return 0, false
	}
	// A stream's name has no quotes.
	_, digits, ok := bytes.Cut(rest, []byte(`"`))
	if !ok || !bytes.HasPrefix(digits, []byte(sequence)) {
		return 0, false
	}
	digits = digits[len(sequence):]
	for i, c := range digits {
		switch {
		case c >= '0' && c <= '9' && i < maxDigits:
			seq = 10*seq + uint64(c-'0')
		case c == '}' && i == len(digits)-1:
			return seq, seq > 0
		default:
			return 0, false
		}
	}
	return 0, false
}

// maxDigits is how many decimal digits surely fit 64 bits.
const maxDigits = 19

// putRetried publishes a message until it is acknowledged or refused.
func (b broker) putRetried(ctx context.Context, m *nats.Msg) (seq uint64, err error) {
	begun := time.Now()
	if err = b.ready(); err == nil {
		seq, err = b.put(ctx, m, firstAttempt)
	}
	if !isUnanswered(err) {
		return seq, err
	}
	return b.putAgain(ctx, m, begun, err)
}

// putAgain stands apart because its function costs an allocation.
func (b broker) putAgain(ctx context.Context, m *nats.Msg, begun time.Time, err error) (seq uint64, _ error) {
	err = b.retryUntil(ctx, begun, retryBudget, err, func(ctx context.Context, timeout time.Duration) (err error) {
		// The message of the attempt before may still wait to be sent.
		seq, err = b.put(ctx, &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}, timeout)
		return err
	})
	return seq, err
}

// patience paces an operation of several requests whose answers contradict each other for a while, as they do around
// a change of leaders. Its zero value is ready to use.
type patience struct {
	pause *backoff.ExponentialBackOff
	end   time.Time
}

// wait lets a moment pass. It returns ErrUnavailable, with the cause for waiting, when ctx or the budget has ended.
func (p *patience) wait(ctx context.Context, cause error) error {
	if p.pause == nil {
		p.pause, p.end = newBackoff(), time.Now().Add(retryBudget)
	}
	if time.Now().After(p.end) {
		return fmt.Errorf("%w for %s (last attempt: %w)", ErrUnavailable, retryBudget, cause)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w: %w (last attempt: %w)", ErrUnavailable, context.Cause(ctx), cause)
	case <-time.After(p.pause.NextBackOff()):
		return nil
	}
}
