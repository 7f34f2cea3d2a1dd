package streams

import (
	"context"
	"errors"
	"strconv"
	"strings"
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

// link is a connection as a namespace's requests use it. Each request under way has a line of its own: a subscription
// whose channel the connection's reader fills, so that an answer wakes the one who waits for it and nobody else. The
// requests of nats.go cost a context, a timer and a channel each, and one more change of goroutine.
//
// A link needs no closing: its timer runs only while something waits, and its subscriptions end with the connection.
type link struct {
	nc *nats.Conn

	condition atomic.Pointer[condition]
	renewing  sync.Mutex // held while condition is replaced

	// promises is where the promises of closes are told, up to the token of whom they are made to.
	promises string

	mu sync.Mutex // guards the fields below, but for the channels in windows
	// windows bound the lines in use of each kind.
	windows [kinds]window
	idle    [kinds][]*line
	// busy are the lines in use, each at its place; the sweeper looks after them.
	busy     []*line
	sweeper  *time.Timer
	sweeping bool

	outbox
}

// maxLines and maxBroad bound the requests under way while the broker answers in time (see window), and so the
// subscriptions, which are kept for the next requests: less than a kilobyte each, the broker's share included, and two
// more for a broad one. More requests would gain nothing, and subscriptions that come and go make the broker look for all
// others anew.
const (
	maxLines = 1024
	maxBroad = 64
)

// kind says what a line is for.
type kind int

const (
	narrow   kind = iota // one answer
	broad                // many messages and a status
	promised             // one answer, which somebody else hears, too
	asked                // one answer of another process, which may wait for something first
	kinds
)

// line takes the answers to one request at a time. Each request has a subject of its own below the line's: around a
// change of leaders two servers may answer one, and an answer must never be taken for that to another request.
type line struct {
	sub *nats.Subscription
	// inbox is the subject of the answers without the request's number; of a promised line, without that of whom they
	// concern, too.
	inbox string
	// answers holds more than anyone sends, so that nothing is dropped.
	answers chan *nats.Msg
	kind    kind

	requests uint64
	reply    string // of the present request

	// Guarded by the link's lock:

	place int // in busy
	// sent is when the request began, until when it is given up: both are zero for when its context ends.
	sent, until time.Time
	// epoch is that in which the request was sent, 0 for a request that outlives a loss of the connection.
	epoch uint64

	mu sync.Mutex // guards the rest
	// given is why it was given up: then answers has a nil.
	given error
}

// condition is the state of a connection from one loss to the next.
type condition struct {
	epoch uint64
	up    bool
	// since is when the loss was noticed that this condition follows, zero for the first.
	since time.Time
	// lost is never read: it holds something as soon as the connection is lost. nats.go puts it there before it connects
	// anew, so whoever has seen anything that came by a new connection finds it there.
	lost chan nats.Status
}

func newLink(nc *nats.Conn, promises string) *link {
	l := &link{
		nc: nc, promises: promises, outbox: outbox{alone: defaultAlone},
		windows: [kinds]window{newWindow(maxLines), newWindow(maxBroad), newWindow(maxLines), newWindow(maxLines)},
	}
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

// dispatchTime is longer than what has come by a connection waits to be handed to its receiver.
const dispatchTime = 5 * time.Second

// arrival is the epoch of what a receiver is just being handed, 0 when it may have come before the last loss of the
// connection: what nats.go has read it hands on in its own time.
func (l *link) arrival() uint64 {
	c := l.current()
	if !c.since.IsZero() && time.Since(c.since) < dispatchTime {
		return 0
	}
	return c.epoch
}

func (l *link) renew() *condition {
	l.renewing.Lock()
	defer l.renewing.Unlock()
	c := l.condition.Load()
	next := &condition{epoch: c.epoch, lost: c.lost, since: c.since}
	if len(c.lost) > 0 {
		next.epoch++
		next.since = time.Now()
		next.lost = l.listen()
		l.nc.RemoveStatusListener(c.lost)
	}
	// Asked after listening has begun, so that a loss in between is not missed.
	next.up = l.nc.Status() == nats.CONNECTED
	l.condition.Store(next)
	return next
}

// exchange sends a message and waits for its answer: until ctx ends, or as long as timeout, or until the connection is
// lost. A timeout of 0 leaves it to ctx alone.
func (l *link) exchange(ctx context.Context, m *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	return l.exchangeOn(ctx, narrow, m, nil, timeout)
}

// exchangeMany is exchange for a direct read that is answered by messages and, at the end, a status.
func (l *link) exchangeMany(ctx context.Context, m *nats.Msg, timeout time.Duration) (messages []*nats.Msg, last *nats.Msg, err error) {
	line, err := l.send(ctx, m, timeout, broad, nil)
	if err != nil {
		return nil, nil, err
	}
	for {
		if last, err = line.await(ctx); err != nil || bareStatus(last) != "" {
			break
		}
		messages = append(messages, last)
	}
	l.release(line, err == nil)
	return messages, last, err
}

// exchangePromised is exchange for a message whose answer makes a notice true: whoever the notice is for is promised it
// before, and hears the answer, too.
func (l *link) exchangePromised(ctx context.Context, m, notice *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	return l.exchangeOn(ctx, promised, m, notice, timeout)
}

// exchangeAsked is exchange for a message that another process answers. It keeps no room from those to the broker, of which
// that process may be in need, as this very process is where it answers itself.
func (l *link) exchangeAsked(ctx context.Context, m *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	return l.exchangeOn(ctx, asked, m, nil, timeout)
}

func (l *link) exchangeOn(ctx context.Context, k kind, m, notice *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	line, err := l.send(ctx, m, timeout, k, notice)
	if err != nil {
		return nil, err
	}
	answer, err := line.await(ctx)
	l.release(line, err == nil)
	return answer, err
}

// send sends a message on a line of its own, after the promise of a notice, if there is one.
func (l *link) send(ctx context.Context, m *nats.Msg, timeout time.Duration, k kind, notice *nats.Msg) (*line, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slots := l.windows[k].slots
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var sent time.Time
	var epoch uint64
	if timeout > 0 {
		sent, epoch = time.Now(), l.current().epoch
	}
	line, err := l.take(k, sent, timeout, epoch)
	if err != nil {
		<-slots
		return nil, err
	}
	line.requests++
	var buf [192]byte
	reply := buf[:0]
	if notice != nil {
		reply = append(append(reply, notice.Subject...), '.')
	}
	line.reply = string(strconv.AppendUint(append(reply, line.inbox...), line.requests, 36))
	m.Reply = line.reply
	if notice != nil {
		err = l.post(&nats.Msg{Subject: line.reply + promiseToken, Data: notice.Data}, line)
	}
	if err == nil {
		err = l.post(m, line)
	}
	if err != nil {
		l.release(line, false)
		return nil, err
	}
	return line, nil
}

func (x *line) await(ctx context.Context) (*nats.Msg, error) {
	for {
		select {
		case m := <-x.answers:
			switch {
			case m == nil:
				x.mu.Lock()
				defer x.mu.Unlock()
				return nil, x.given
			case m.Subject == x.reply:
				return m, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take puts an idle line, or a new one, to use.
func (l *link) take(k kind, sent time.Time, timeout time.Duration, epoch uint64) (*line, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	idle := l.idle[k]
	if len(idle) == 0 {
		line, err := l.newLine(k)
		if err != nil {
			return nil, err
		}
		idle = append(idle, line)
	}
	line := idle[len(idle)-1]
	l.idle[k] = idle[:len(idle)-1]
	line.sent, line.until, line.epoch, line.place = sent, time.Time{}, epoch, len(l.busy)
	if timeout > 0 {
		line.until = sent.Add(timeout)
	}
	l.busy = append(l.busy, line)
	if !l.sweeping {
		l.sweeping = true
		if l.sweeper == nil {
			l.sweeper = time.AfterFunc(sweepEvery, l.sweep)
		} else {
			l.sweeper.Reset(sweepEvery)
		}
	}
	return line, nil
}

func (l *link) newLine(k kind) (*line, error) {
	width := 4
	if k == broad {
		width += scanBatch
	}
	line := &line{inbox: l.nc.NewInbox() + ".", answers: make(chan *nats.Msg, width), kind: k}
	subject := line.inbox + "*"
	if k == promised {
		line.inbox = line.inbox[strings.LastIndexByte(strings.TrimSuffix(line.inbox, "."), '.')+1:]
		subject = l.promises + "*.*." + line.inbox + "*"
	}
	var err error
	line.sub, err = l.nc.ChanSubscribe(subject, line.answers)
	return line, err
}

// release takes back a line; only one whose request was answered is used again.
func (l *link) release(line *line, answered bool) {
	line.mu.Lock()
	keep := answered && line.given == nil && len(line.answers) == 0
	line.mu.Unlock()
	l.mu.Lock()
	last := l.busy[len(l.busy)-1]
	l.busy[line.place], last.place = last, line.place
	l.busy[len(l.busy)-1] = nil
	l.busy = l.busy[:len(l.busy)-1]
	if keep {
		l.idle[line.kind] = append(l.idle[line.kind], line)
	}
	w := &l.windows[line.kind]
	tokens := w.ended(line.sent, answered)
	l.mu.Unlock()
	if !keep {
		_ = line.sub.Unsubscribe() // fails only on a connection that is closed
	}
	for range tokens {
		<-w.slots
	}
}

// sweep gives up what has waited too long, and what was sent before the connection was lost.
func (l *link) sweep() {
	epoch, now, closed := l.current().epoch, time.Now(), l.nc.IsClosed()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.busy {
		switch line.mu.Lock(); {
		case closed:
			line.giveUpLocked(nats.ErrConnectionClosed)
		case !line.until.IsZero() && now.After(line.until):
			if line.given == nil && line.kind != asked { // what other processes do says nothing of the broker
				l.windows[line.kind].lost(line.sent)
			}
			line.giveUpLocked(errNoAnswer)
		case line.epoch > 0 && line.epoch != epoch:
			line.giveUpLocked(errDisconnected)
		}
		line.mu.Unlock()
	}
	for k := range l.windows {
		l.windows[k].judge(now)
	}
	if l.sweeping = len(l.busy) > 0; l.sweeping {
		l.sweeper.Reset(sweepEvery)
	}
}

func (x *line) giveUpLocked(why error) {
	if x.given == nil {
		x.given = why
		select {
		case x.answers <- nil:
		default: // it wakes up anyway
		}
	}
}
