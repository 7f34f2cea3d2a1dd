package streams

import (
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
}

// unansweredError says that an attempt got no answer, or one that means "not now": whether it had an effect is not
// known. The attempt is repeated.
type unansweredError struct{ cause error }

func (e *unansweredError) Error() string { return e.cause.Error() }
func (e *unansweredError) Unwrap() error { return e.cause }

var errDisconnected = errors.New("connection is down")

// retry is retryFor the budget that all operations have that must succeed in the end.
func (b broker) retry(ctx context.Context, attempt func(ctx context.Context) error) error {
	return b.retryFor(ctx, retryBudget, attempt)
}

// retryFor calls attempt until it returns anything but an unansweredError, ctx ends or the time is used up; in the
// latter cases the error is ErrUnavailable with the cause.
func (b broker) retryFor(ctx context.Context, limit time.Duration, attempt func(ctx context.Context) error) error {
	begun := time.Now()
	err := b.once(ctx, min(firstAttempt, limit), attempt)
	if !isUnanswered(err) {
		return err // as nearly always: the rest costs two timers
	}
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
		if err = b.once(budget, timeout, attempt); !isUnanswered(err) {
			return err
		}
	}
}

func isUnanswered(err error) bool {
	var unanswered *unansweredError
	return err != nil && errors.As(err, &unanswered)
}

func newBackoff() *backoff.ExponentialBackOff {
	p := backoff.NewExponentialBackOff()
	p.InitialInterval, p.MaxInterval = firstBackoff, lastBackoff
	p.Multiplier, p.RandomizationFactor = 2, 0.5
	p.Reset()
	return p
}

// once makes one attempt. While the connection is down there is none: nats.go would keep the request and send it
// after the reconnect, when the attempt has long been given up.
func (b broker) once(ctx context.Context, timeout time.Duration, attempt func(ctx context.Context) error) error {
	switch status := b.nc.Status(); status {
	case nats.CONNECTED:
	case nats.CLOSED:
		return fmt.Errorf("%w: %w", ErrUnavailable, nats.ErrConnectionClosed)
	default:
		return &unansweredError{errDisconnected}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return attempt(ctx)
}

// request sends one message and waits for its answer.
func (b broker) request(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
	answer, err := b.nc.RequestMsgWithContext(ctx, m)
	switch {
	case err == nil:
		return answer, nil
	case errors.Is(err, nats.ErrConnectionClosed):
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case errors.Is(err, nats.ErrMaxPayload):
		return nil, fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, nats.ErrBadSubject), errors.Is(err, nats.ErrHeadersNotSupported):
		return nil, fmt.Errorf("%w: %w", ErrRejected, err)
	}
	return nil, &unansweredError{err}
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
	return b.retry(ctx, func(ctx context.Context) error {
		answer, err := b.request(ctx, &nats.Msg{Subject: apiRoot + subject, Data: data})
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
func (b broker) put(ctx context.Context, m *nats.Msg) (uint64, error) {
	answer, err := b.request(ctx, m)
	if err != nil {
		return 0, err
	}
	var ack struct {
		Seq   uint64    `json:"seq"`
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return 0, fmt.Errorf("%w: unreadable acknowledgement %.80q: %w", ErrRejected, answer.Data, err)
	}
	if ack.Error != nil {
		return 0, ack.Error.classified()
	}
	if ack.Seq == 0 {
		return 0, &unansweredError{fmt.Errorf("acknowledgement without sequence: %.80q", answer.Data)}
	}
	return ack.Seq, nil
}

// putRetried publishes a message until it is acknowledged or refused.
func (b broker) putRetried(ctx context.Context, m *nats.Msg) (seq uint64, err error) {
	err = b.retry(ctx, func(ctx context.Context) (err error) {
		seq, err = b.put(ctx, m)
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
