package streams

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

const (
	// maxWaiter bounds a waiter in bytes.
	maxWaiter = 64
	// waitingNotices and waitingNoticeBytes bound what a listener that is called too slowly keeps; the rest is lost.
	waitingNotices     = 16 << 10
	waitingNoticeBytes = 16 << 20
)

// CheckWaiter says whether waiter can be that of a start: one token that needs no encoding, so that it can direct a
// notice nowhere else. Empty is nobody.
func CheckWaiter(waiter string) error {
	if waiter == "" {
		return nil
	}
	return checkSomebody(waiter)
}

func checkSomebody(waiter string) error {
	ok := waiter != "" && len(waiter) <= maxWaiter
	for i := 0; ok && i < len(waiter); i++ {
		ok = plainByte(waiter[i])
	}
	if !ok {
		return &InvalidError{Field: "waiter", Value: waiter,
			Limit: fmt.Sprintf("1 to %d letters, digits, '_' and '-'", maxWaiter)}
	}
	return nil
}

// Notifier tells those that wait for runs that they closed.
type Notifier interface {
	// NotifyClosed sends a run's closing record to the waiter that its start names. Nobody acknowledges it and it may be
	// lost: who waits reads from time to time. An error means that it was not sent.
	NotifyClosed(run history.Run, waiter string, record []byte) error
}

// NotifyClosed is documented at Notifier. It does not wait.
func (n *Namespace) NotifyClosed(run history.Run, waiter string, record []byte) error {
	err := errors.Join(checkRun(run), checkSomebody(waiter))
	if err == nil {
		err = n.post(n.notice(run, waiter, record))
	}
	if err != nil {
		return fmt.Errorf("notify of the close of run %s: %w", run, err)
	}
	return nil
}

func (n *Namespace) notice(run history.Run, waiter string, record []byte) *nats.Msg {
	return &nats.Msg{Subject: noticeSubject(n.name, waiter) + EncodeToken(run.RunID), Data: record}
}

// ListenClosed calls handle with what NotifyClosed sends to a waiter, one call at a time, until stop is called or the
// connection is closed; ended is called once, after the last call of handle. Neither may block.
func (n *Namespace) ListenClosed(waiter string, handle func(runID string, record []byte), ended func()) (stop func(), err error) {
	if err := checkSomebody(waiter); err != nil {
		return nil, fmt.Errorf("listen for closed runs: %w", err)
	}
	prefix := noticeSubject(n.name, waiter)
	var promises promises
	sub, err := n.nc.Subscribe(prefix+">", func(m *nats.Msg) {
		token, _, below := strings.Cut(strings.TrimPrefix(m.Subject, prefix), ".")
		data := m.Data
		if below {
			if data = promises.hear(m); data == nil {
				return
			}
		}
		if runID, err := DecodeToken(token); err == nil {
			handle(runID, data)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listen for closed runs: %w: %w", ErrUnavailable, err)
	}
	sub.SetClosedHandler(func(string) { ended() })
	stop = func() { _ = sub.Unsubscribe() } // fails only on a connection that is closed, or the second time
	if err := sub.SetPendingLimits(waitingNotices, waitingNoticeBytes); err != nil {
		stop()
		return nil, fmt.Errorf("listen for closed runs: %w: %w", ErrUnavailable, err)
	}
	return stop, nil
}

// ClosedIn says how the run ended whose closing record NotifyClosed sent. Anything else is an error.
func ClosedIn(ctx context.Context, s Bodies, run history.Run, record []byte) (*ClosedRun, error) {
	t, err := history.DecodeEnd(record)
	if err != nil {
		return nil, fmt.Errorf("notice of the close of run %s: %w", run, err)
	}
	if t.Body != nil {
		if t, err = TransitionOf(ctx, s, &Record{Run: run, Data: record}); err != nil {
			return nil, err
		}
	}
	closed := closedBy(t)
	if closed == nil || t.RunID != run.RunID {
		return nil, fmt.Errorf("notice is not of the close of run %s", run)
	}
	return closed, nil
}
