package streams

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// flaky dials connections that can be made to swallow what the server sends, and be cut.
type flaky struct {
	net.Dialer
	mu    sync.Mutex // guards the fields below
	deaf  bool
	conns []net.Conn
}

func (f *flaky) Dial(network, address string) (net.Conn, error) {
	c, err := f.Dialer.Dial(network, address)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns = append(f.conns, c)
	return &flakyConn{Conn: c, faults: f}, nil
}

// mute swallows everything that the server sends from now on.
func (f *flaky) mute() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deaf = true
}

// cut ends all connections; those that follow are sound.
func (f *flaky) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deaf = false
	for _, c := range f.conns {
		c.Close() // the test is about what the client makes of it
	}
	f.conns = nil
}

func (f *flaky) isDeaf() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.deaf
}

type flakyConn struct {
	net.Conn
	faults *flaky
}

func (c *flakyConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.faults.isDeaf() {
			return n, err
		}
	}
}

// connectFlaky opens a connection whose acknowledgements can be lost.
func (f *fixture) connectFlaky() (*nats.Conn, *flaky) {
	f.Helper()
	dialer := &flaky{}
	nc, err := nats.Connect(f.server.ClientURL(), nats.SetCustomDialer(dialer), nats.MaxReconnects(-1),
		nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0), nats.PingInterval(time.Minute))
	f.ok(err)
	f.Cleanup(nc.Close)
	return nc, dialer
}

// losingAnswer calls write on a connection whose acknowledgement is lost: the message is stored, then meanwhile
// happens, then the connection is cut.
func losingAnswer(f *fixture, stream string, write func(ns *Namespace) error, meanwhile func()) error {
	f.Helper()
	nc, faults := f.connectFlaky()
	ns := f.open(nc, f.ns.name)
	before, err := f.ns.streamInfo(f.ctx, stream)
	f.ok(err)
	faults.mute()
	outcome := make(chan error, 1)
	go func() { outcome <- write(ns) }()
	for stored := false; !stored; {
		info, err := f.ns.streamInfo(f.ctx, stream)
		f.ok(err)
		stored = info.State.LastSeq > before.State.LastSeq
		select {
		case err := <-outcome:
			f.Fatalf("the call ended without an answer from the server: %v", err)
		default:
		}
	}
	meanwhile()
	faults.cut()
	return <-outcome
}

func TestLosingAnswerLosesIt(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	nc, faults := f.connectFlaky()
	faults.mute()
	if _, err := nc.Request("$JS.API.INFO", nil, 50*time.Millisecond); err == nil {
		t.Fatal("an answer arrived on a deaf connection")
	}
	faults.cut()
}
