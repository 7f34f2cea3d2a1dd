package streams

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// A promise is the notice of a close that is sent before the closing record. Its subject is that of the record's
// acknowledgement and a token more, and lies where the waiter listens: so the broker tells him that the record is stored at
// the moment in which it tells the process that appended it, and the notice need not travel after that. A promise whose
// acknowledgement does not come, or is a refusal, means nothing.
//
// It has no reply subject: where the waiter is gone the broker would answer there that nobody listens, and the process that
// appends would take that for the answer to the record.

// promiseToken ends the subject of a promise, after that of the acknowledgement.
const promiseToken = ".promise"

// maxPromises bounds the promises and the acknowledgements that a listener keeps while their counterpart is still to come;
// the oldest is forgotten first. All but a few come within a millisecond, and who waits reads after a second.
const maxPromises = 1024

// putClosing is putHistory for a record that closes its run. If the record can travel by itself, the notice precedes it as
// a promise; told says that it has come true.
func (n *Namespace) putClosing(ctx context.Context, p *partition, m, notice *nats.Msg) (seq uint64, told bool, err error) {
	if p.group != nil || n.link == nil || n.plain || n.late {
		seq, err = n.putHistory(ctx, p, m)
		return seq, false, err
	}
	begun := time.Now()
	seq, err = n.putPromised(ctx, m, notice)
	told = err == nil
	if isUnanswered(err) {
		seq, err = n.putAgain(ctx, m, begun, err)
	}
	if err == nil {
		n.witnessed(ctx, p.records, seq, m)
	}
	return seq, told, err
}

func (b broker) putPromised(ctx context.Context, m, notice *nats.Msg) (uint64, error) {
	if err := b.ready(); err != nil {
		return 0, err
	}
	answer, err := answered(b.link.exchangePromised(ctx, m, notice, firstAttempt))
	if err != nil {
		return 0, err
	}
	return readAck(answer.Data)
}

// promises pairs promises with acknowledgements. On a cluster they may come in either order. It belongs to one goroutine.
type promises struct {
	// open are promises, and acknowledgements that came before theirs, by the subject of the acknowledgement.
	open map[string]*nats.Msg
	// order are the keys of open and of what has been paired since, the oldest first.
	order []string
	bytes int // of the data in open
}

// hear takes what came on a subject below that of a notice: a promise, or the acknowledgement of a record. It returns the
// data of the promise that has come true, nil when none has.
func (p *promises) hear(m *nats.Msg) (record []byte) {
	key, isPromise := strings.CutSuffix(m.Subject, promiseToken)
	if other := p.open[key]; other != nil {
		if (len(other.Subject) > len(key)) == isPromise {
			return nil // not ours: each is sent once
		}
		p.forget(key)
		if isPromise {
			other, m = m, other
		}
		if _, err := readAck(m.Data); err != nil {
			return nil
		}
		return other.Data
	}
	if p.open == nil {
		p.open = make(map[string]*nats.Msg)
	}
	p.open[key] = m
	p.order = append(p.order, key)
	p.bytes += len(m.Data)
	for len(p.order) > maxPromises || p.bytes > waitingNoticeBytes {
		p.forget(p.order[0])
		p.order = p.order[1:]
	}
	return nil
}

func (p *promises) forget(key string) {
	if m := p.open[key]; m != nil {
		p.bytes -= len(m.Data)
		delete(p.open, key)
	}
}
