package coordinator

import "sync"

// pool runs functions in goroutines that are used again: making one is cheap, but the stack of one that has run before
// has grown already. The zero value is ready to use. It is safe for concurrent use.
type pool struct {
	mu     sync.Mutex // guards idle and closed
	idle   []chan func()
	closed bool
	// ending counts the goroutines that close ends.
	ending sync.WaitGroup
}

// run runs f in a goroutine.
func (p *pool) run(f func()) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		worker := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		worker <- f
		return
	}
	p.mu.Unlock()
	go p.work(f)
}

func (p *pool) work(f func()) {
	next := make(chan func(), 1)
	for {
		f()
		p.mu.Lock()
		if p.closed || len(p.idle) == maxIdle {
			p.mu.Unlock()
			return
		}
		p.idle = append(p.idle, next)
		p.mu.Unlock()
		if f = <-next; f == nil {
			p.ending.Done()
			return
		}
	}
}

// close ends the idle goroutines. Those that still run, workflow code that blocks among them, end when they return.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	p.ending.Add(len(idle))
	for _, worker := range idle {
		worker <- nil
	}
	p.ending.Wait()
}
