package proxy

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is how long something may take that has to happen, never how long something is waited for that must not.
const soon = 10 * time.Second

type fixture struct {
	*testing.T
	proxy          *Proxy
	client, server net.Conn
}

// setup makes a connection through a proxy.
func setup(t *testing.T) *fixture {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f := &fixture{T: t}
	if f.proxy, err = Listen("127.0.0.1:0", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	if f.client, err = net.Dial("tcp", f.proxy.Address()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.client.Close() })
	if f.server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.server.Close() })
	return f
}

func (f *fixture) send(c net.Conn, text string) {
	f.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) want(c net.Conn, text string) {
	f.Helper()
	if err := c.SetReadDeadline(time.Now().Add(soon)); err != nil {
		f.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		f.Fatalf("got %q, %v, want %q", got, err, text)
	}
}

// wantNothing says that nothing comes for a moment; a machine that is slow can only make it miss something.
func (f *fixture) wantNothing(c net.Conn) {
	f.Helper()
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		f.Fatal(err)
	}
	var timeout net.Error
	if n, err := c.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		f.Fatalf("read %d bytes, %v, want nothing", n, err)
	}
}

func TestBothDirectionsAreForwarded(t *testing.T) {
	f := setup(t)
	f.send(f.client, "up")
	f.want(f.server, "up")
	f.send(f.server, "down")
	f.want(f.client, "down")
}

func TestDelayIsAddedInEachDirection(t *testing.T) {
	const delay = 100 * time.Millisecond
	f := setup(t)
	f.proxy.Set(Mode{Delay: delay})
	began := time.Now()
	f.send(f.client, "up")
	f.want(f.server, "up")
	f.send(f.server, "down")
	f.want(f.client, "down")
	if took := time.Since(began); took < 2*delay {
		t.Fatalf("there and back took %v, want at least %v", took, 2*delay)
	}
}

func TestAHalfOpenConnectionSpeaksInOneDirectionOnly(t *testing.T) {
	f := setup(t)
	f.proxy.Set(Mode{StallDown: true})
	f.send(f.server, "down")
	f.send(f.client, "up")
	f.want(f.server, "up")
	f.wantNothing(f.client)
	f.proxy.Set(Mode{StallUp: true})
	f.want(f.client, "down")
	f.send(f.client, "more")
	f.wantNothing(f.server)
	f.proxy.Set(Mode{})
	f.want(f.server, "more")
}

func TestCutEndsConnectionsAndTakesNewOnes(t *testing.T) {
	f := setup(t)
	f.proxy.Cut()
	for _, c := range []net.Conn{f.client, f.server} {
		if err := c.SetReadDeadline(time.Now().Add(soon)); err != nil {
			t.Fatal(err)
		}
		var timeout net.Error
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatalf("reading from a cut connection says %v", err)
		}
	}
	again, err := net.Dial("tcp", f.proxy.Address())
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestCloseDoesNotWaitForAStall(t *testing.T) {
	f := setup(t)
	f.proxy.Set(Mode{StallUp: true, StallDown: true})
	f.send(f.client, "up")
	f.send(f.server, "down")
	f.wantNothing(f.server)
}
