// Package proxy forwards TCP connections and can make them slow, silent or half dead, as networks do.
package proxy

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Mode says what a Proxy does with what it reads. The zero value forwards everything at once.
type Mode struct {
	// Delay is added to what is on its way, in each direction; what comes meanwhile waits for it and then its own time.
	Delay time.Duration
	// StallUp holds back what clients send, StallDown what they are sent. It is delivered when the stall ends.
	StallUp, StallDown bool
}

// Proxy is a listening proxy. Its methods are safe for concurrent use.
type Proxy struct {
	listener net.Listener
	target   string
	done     chan struct{}
	wg       sync.WaitGroup

	mu      sync.Mutex // guards the rest
	mode    Mode
	changed chan struct{} // closed when mode changes
	conns   map[net.Conn]struct{}
}

// Listen starts a proxy on address, where port 0 is any free one, that connects its clients to target. Close ends it.
func Listen(address, target string) (*Proxy, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("proxy for %s: %w", target, err)
	}
	p := &Proxy{
		listener: l, target: target, done: make(chan struct{}), changed: make(chan struct{}), conns: map[net.Conn]struct{}{},
	}
	p.wg.Go(p.runAccept)
	return p, nil
}

// Address is where the proxy listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Set changes the mode of all connections, present and future.
func (p *Proxy) Set(m Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
	close(p.changed)
	p.changed = make(chan struct{})
}

// Cut closes all present connections. What was on its way is lost, as when a machine between the two is restarted.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close() // whoever reads from it sees that
	}
}

// Close ends the proxy and its connections, and waits for what it has started.
func (p *Proxy) Close() error {
	close(p.done)
	err := p.listener.Close()
	p.Cut()
	p.wg.Wait()
	if err != nil {
		return fmt.Errorf("close proxy for %s: %w", p.target, err)
	}
	return nil
}

func (p *Proxy) runAccept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // one that went away before it was accepted
		}
		p.wg.Go(func() { p.runConnection(client) })
	}
}

func (p *Proxy) runConnection(client net.Conn) {
	if !p.adopt(client) {
		return
	}
	defer p.drop(client)
	server, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil || !p.adopt(server) {
		return
	}
	defer p.drop(server)
	var wg sync.WaitGroup
	wg.Go(func() { p.forward(client, server, func(m Mode) bool { return m.StallUp }) })
	wg.Go(func() { p.forward(server, client, func(m Mode) bool { return m.StallDown }) })
	wg.Wait()
}

// adopt notes a connection, unless the proxy has been closed.
func (p *Proxy) adopt(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
		c.Close()
		return false
	default:
		p.conns[c] = struct{}{}
		return true
	}
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	c.Close() // it may be closed already
}

// forward copies from one connection to the other until one of them ends, and closes both then.
func (p *Proxy) forward(from, to net.Conn, stalled func(Mode) bool) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !p.hold(time.Now(), stalled) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hold waits until what was read at a time may go on, false when the proxy has been closed.
func (p *Proxy) hold(at time.Time, stalled func(Mode) bool) bool {
	for {
		p.mu.Lock()
		mode, changed := p.mode, p.changed
		p.mu.Unlock()
		wait := time.Until(at.Add(mode.Delay))
		if wait <= 0 && !stalled(mode) {
			return true
		}
		var due <-chan time.Time
		if wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-p.done:
			return false
		case <-changed:
		case <-due:
		}
	}
}
