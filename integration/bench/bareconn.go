package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// bareConn publishes to streams without waiting. It stands in for nats.go's requests, each of which costs a channel, a
// timer and two changes of goroutine: here one subscription takes all acknowledgements and calls on the spot what waits
// for each.
type bareConn struct {
	nc    *nats.Conn
	inbox string
	fail  context.CancelCauseFunc

	mu      sync.Mutex // guards last and pending
	last    uint64
	pending map[uint64]*barePublish
}

// barePublish is a message on its way to a stream.
type barePublish struct {
	msg  *nats.Msg
	then func(seq uint64)
	// busy counts the answers that somebody else's message for the subject is on its way.
	busy int
}

// maxBusy is after how many such answers a publish is given up. Each takes as long as a replica needs to answer.
const maxBusy = 10_000

func newBareConn(nc *nats.Conn, fail context.CancelCauseFunc) (*bareConn, error) {
	c := &bareConn{nc: nc, inbox: nc.NewInbox() + ".", fail: fail, pending: map[uint64]*barePublish{}}
	sub, err := nc.Subscribe(c.inbox+"*", c.onAck)
	if err != nil {
		return nil, err
	}
	return c, sub.SetPendingLimits(-1, -1)
}

// publish sends a message to a stream and calls then with its sequence once it is stored.
func (c *bareConn) publish(subject string, h nats.Header, body []byte, then func(seq uint64)) {
	p := &barePublish{msg: &nats.Msg{Subject: subject, Header: h, Data: body}, then: then}
	c.mu.Lock()
	c.last++
	n := c.last
	c.pending[n] = p
	c.mu.Unlock()
	p.msg.Reply = c.inbox + strconv.FormatUint(n, 36)
	c.send(p)
}

func (c *bareConn) send(p *barePublish) {
	if err := c.nc.PublishMsg(p.msg); err != nil {
		c.fail(fmt.Errorf("publish %s: %w", p.msg.Subject, err))
	}
}

func (c *bareConn) onAck(m *nats.Msg) {
	n, err := strconv.ParseUint(m.Subject[len(c.inbox):], 36, 64)
	if err != nil {
		c.fail(fmt.Errorf("answer to %s: %w", m.Subject, err))
		return
	}
	c.mu.Lock()
	p := c.pending[n]
	c.mu.Unlock()
	if p == nil {
		return
	}
	seq, err := ackedSeq(m.Data)
	if err != nil && (bytes.Contains(m.Data, []byte(codeBusy)) || nobody(m)) && p.busy < maxBusy {
		// On replicas the message before this one may still be on its way through the log, or the server does not know
		// yet which other one leads the stream: the same bytes again.
		p.busy++
		c.send(p)
		return
	}
	c.mu.Lock()
	delete(c.pending, n)
	c.mu.Unlock()
	if err != nil {
		c.fail(fmt.Errorf("publish %s: %w", p.msg.Subject, err))
		return
	}
	p.then(seq)
}

// nobody says that a request reached nobody who could answer it.
func nobody(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get("Status") == "503" }

// codeBusy is how an answer says that the expectation cannot be judged yet.
const codeBusy = `"err_code":10164`

var errNoSequence = errors.New("acknowledgement without a sequence")

// ackedSeq reads the sequence out of the broker's acknowledgement. Decoding the JSON as such takes twenty times as
// long.
func ackedSeq(data []byte) (uint64, error) {
	const key = `"seq":`
	i := bytes.Index(data, []byte(key))
	if i < 0 || bytes.Contains(data, []byte(`"error"`)) {
		return 0, fmt.Errorf("%w: %s", errNoSequence, data)
	}
	var seq uint64
	for _, d := range bytes.TrimLeft(data[i+len(key):], " ") {
		if d < '0' || d > '9' {
			break
		}
		seq = 10*seq + uint64(d-'0')
	}
	if seq == 0 {
		return 0, fmt.Errorf("%w: %s", errNoSequence, data)
	}
	return seq, nil
}

// expect makes a publish conditional, as package streams does.
func expect(last uint64, check string) nats.Header {
	h := nats.Header{jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(last, 10)}}
	if check != "" {
		h["Nats-Expected-Last-Subject-Sequence-Subject"] = []string{check}
	}
	return h
}

const (
	// pullBatch is what one request asks for, and the next one is sent when half of it has arrived: the broker never
	// finds a consumer without a request, and requests are rare.
	pullBatch = 1000
	// pullExpires is longer than any measurement, so that no request ends unanswered.
	pullExpires = time.Hour
)

// barePull keeps a durable consumer delivering.
type barePull struct {
	nc          *nats.Conn
	next, inbox string
	handle      func(*nats.Msg)
	left        atomic.Int64 // how many messages the broker may still send
}

// startPull creates a consumer with the settings of Millrace's own and calls handle for each delivery, in order.
func startPull(nc *nats.Conn, stream, filter string, handle func(*nats.Msg)) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	const name = "bare"
	if _, err := js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{Durable: name, FilterSubject: filter,
		AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1, MaxDeliver: -1, AckWait: 30 * time.Second}); err != nil {
		return err
	}
	p := &barePull{nc: nc, next: "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + name, inbox: nc.NewInbox(), handle: handle}
	sub, err := nc.Subscribe(p.inbox, p.receive)
	if err != nil {
		return err
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return err
	}
	return p.request()
}

func (p *barePull) request() error {
	p.left.Add(pullBatch)
	body := fmt.Sprintf(`{"batch":%d,"expires":%d}`, pullBatch, pullExpires.Nanoseconds())
	return p.nc.PublishRequest(p.next, p.inbox, []byte(body))
}

func (p *barePull) receive(m *nats.Msg) {
	if m.Reply == "" {
		if nobody(m) { // on replicas it takes a moment until a server knows who leads a new consumer
			p.left.Add(-pullBatch)
			_ = p.request() // fails only when the connection is closed: the measurement is over
		}
		return
	}
	if p.left.Add(-1) == pullBatch/2 {
		if err := p.request(); err != nil {
			return // the connection is closed: the measurement is over
		}
	}
	p.handle(m)
}
