package streams

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// sweepEvery is how often requests are looked for that have waited long enough: each is given up at most this late.
const sweepEvery = 100 * time.Millisecond

var (
	errNoAnswer     = errors.New("no answer in time")
	errDisconnected = errors.New("connection is down")
)

// link is a connection as a namespace's requests use it. One subscription takes all their answers and one timer gives
// up those that get none. The requests of nats.go cost a context, a timer and a channel each, and several turns at the
// lock of the connection.
//
// A link needs no closing: its timer runs only while something waits, and its subscription ends with the connection.
type link struct {
	nc *nats.Conn

	condition atomic.Pointer[condition]
	renewing  sync.Mutex // held while condition is replaced

	waiters sync.Pool // of *waiter, none of which waits

	mu       sync.Mutex         // guards the fields below
	sub      *nats.Subscription // nil before the first request and after the connection was closed
	inbox    string             // of the answers, without the request's number
	requests uint64
	waiting  map[uint64]*waiter // by number
	sweeper  *time.Timer
	sweeping bool
}

// condition is the state of a connection from one loss to the next.
type condition struct {
	epoch uint64
	up    bool
	// lost is never read: it holds something as soon as the connection is lost. nats.go puts it there before it connects
	// anew, so whoever has seen anything that came by a new connection finds it there.
	lost chan nats.Status
}

func newLink(nc *nats.Conn) *link {
	l := &link{nc: nc, waiting: map[uint64]*waiter{}}
	l.waiters.New = func() any { return &waiter{done: make(chan answer, 1)} }
	l.condition.Store(&condition{epoch: 1, up: nc.Status() == nats.CONNECTED, lost: l.listen()})
	l.renew()
	return l
}

func (l *link) listen() chan nats.Status {
	return l.nc.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED, nats.DRAINING_SUBS, nats.DRAINING_PUBS)
}

// current is the condition of the connection. Unless that was lost it takes no lock.
func (l *link) current() *condition {
	if c := l.condition.Load(); c.up && len(c.lost) == 0 {
		return c
	}
	return l.renew()
}

func (l *link) renew() *condition {
	l.renewing.Lock()
	defer l.renewing.Unlock()
	c := l.condition.Load()
	next := &condition{epoch: c.epoch, lost: c.lost}
	if len(c.lost) > 0 {
		next.epoch++
		next.lost = l.listen()
		l.nc.RemoveStatusListener(c.lost)
	}
	// Asked after listening has begun, so that a loss in between is not missed.
	next.up = l.nc.Status() == nats.CONNECTED
	l.condition.Store(next)
	return next
}

// waiter is a request that waits for its answer. Whoever removes it from link.waiting fills done, once.
type waiter struct {
	done   chan answer // holds one
	number uint64
	until  time.Time // zero: as long as its context lasts
	// epoch is that in which the request was sent, 0 for a request that outlives a loss of the connection.
	epoch uint64
	// many is set for a request that is answered by several messages, which gather in earlier until the last one.
	many    bool
	earlier []*nats.Msg
}

type answer struct {
	msg *nats.Msg
	err error
}

// exchange sends a message and waits for its answer: until ctx ends, or as long as timeout, or until the connection is
// lost. A timeout of 0 leaves it to ctx alone.
func (l *link) exchange(ctx context.Context, m *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	w := l.waiters.Get().(*waiter)
	last, err := l.await(ctx, m, w, timeout)
	l.waiters.Put(w)
	return last, err
}

// exchangeMany is exchange for a direct read that is answered by messages and, at the end, a status.
func (l *link) exchangeMany(ctx context.Context, m *nats.Msg, timeout time.Duration) (messages []*nats.Msg, last *nats.Msg, err error) {
	w := l.waiters.Get().(*waiter)
	w.many = true
	last, err = l.await(ctx, m, w, timeout)
	messages = w.earlier
	w.many, w.earlier = false, nil
	l.waiters.Put(w)
	return messages, last, err
}

func (l *link) await(ctx context.Context, m *nats.Msg, w *waiter, timeout time.Duration) (*nats.Msg, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.until, w.epoch = time.Time{}, 0
	if timeout > 0 {
		w.until, w.epoch = time.Now().Add(timeout), l.current().epoch
	}
	var err error
	if m.Reply, err = l.enlist(w); err != nil {
		return nil, err
	}
	if err := l.nc.PublishMsg(m); err != nil {
		l.end(w, answer{err: err})
		a := <-w.done
		return a.msg, a.err
	}
	select {
	case a := <-w.done:
		return a.msg, a.err
	case <-ctx.Done():
		l.end(w, answer{err: ctx.Err()})
		a := <-w.done
		return a.msg, a.err
	}
}

// enlist makes the waiter wait and returns the subject of its answer.
func (l *link) enlist(w *waiter) (reply string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sub == nil {
		if err := l.subscribeLocked(); err != nil {
			return "", err
		}
	}
	l.requests++
	w.number = l.requests
	l.waiting[w.number] = w
	if !l.sweeping {
		l.sweeping = true
		if l.sweeper == nil {
			l.sweeper = time.AfterFunc(sweepEvery, l.sweep)
		} else {
			l.sweeper.Reset(sweepEvery)
		}
	}
	var buf [96]byte
	return string(strconv.AppendUint(append(buf[:0], l.inbox...), w.number, 36)), nil
}

func (l *link) subscribeLocked() error {
	inbox := l.nc.NewInbox() + "."
	sub, err := l.nc.Subscribe(inbox+"*", func(m *nats.Msg) { l.receive(m.Subject[min(len(inbox), len(m.Subject)):], m) })
	if err != nil {
		return err
	}
	sub.SetClosedHandler(func(string) { l.closed(sub) })
	// Nothing arrives that was not asked for, so nothing needs to be dropped.
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return err
	}
	l.sub, l.inbox = sub, inbox
	return nil
}

// receive takes one answer. That to a request that was given up reaches nobody.
func (l *link) receive(token string, m *nats.Msg) {
	number, err := strconv.ParseUint(token, 36, 64)
	if err != nil {
		return
	}
	l.mu.Lock()
	w := l.waiting[number]
	if w != nil && w.many && bareStatus(m) == "" {
		w.earlier = append(w.earlier, m)
		w = nil
	}
	if w != nil {
		l.endLocked(w, answer{msg: m})
	}
	l.mu.Unlock()
}

// end answers the waiter, unless somebody else has.
func (l *link) end(w *waiter, a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting[w.number] == w {
		l.endLocked(w, a)
	}
}

func (l *link) endLocked(w *waiter, a answer) {
	delete(l.waiting, w.number)
	w.done <- a
}

// sweep gives up what has waited too long, and what was sent before the connection was lost.
func (l *link) sweep() {
	epoch, now := l.current().epoch, time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.waiting {
		switch {
		case !w.until.IsZero() && now.After(w.until):
			l.endLocked(w, answer{err: errNoAnswer})
		case w.epoch > 0 && w.epoch != epoch:
			l.endLocked(w, answer{err: errDisconnected})
		}
	}
	if l.sweeping = len(l.waiting) > 0; l.sweeping {
		l.sweeper.Reset(sweepEvery)
	}
}

// closed ends what waits when the connection was closed.
func (l *link) closed(sub *nats.Subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sub != sub {
		return
	}
	l.sub = nil
	for _, w := range l.waiting {
		l.endLocked(w, answer{err: nats.ErrConnectionClosed})
	}
}
