// Package goroutines runs functions in goroutines that are used again: the stack of one that has run before has grown
// already, which costs more than all else about a short function.
package goroutines

import "sync"

// Pool keeps idle goroutines for the next functions. Its zero value keeps none. It is safe for concurrent use.
type Pool struct {
	// Keep is how many idle goroutines are kept at most: some kilobytes each. It must not be changed while the pool is
	// used.
	Keep int

	// parked counts the idle goroutines.
	parked sync.WaitGroup

	mu     sync.Mutex // guards the rest
	idle   []chan func()
	closed bool
}

// Run runs f in a goroutine of its own. Whoever calls it waits for f; Close does not.
func (p *Pool) Run(f func()) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		next := p.idle[n-1] // the last one to be idle: what it used is still in the processor's caches
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		next <- f
		return
	}
	p.mu.Unlock()
	go p.work(f)
}

func (p *Pool) work(f func()) {
	next := make(chan func(), 1)
	for {
		f()
		if !p.park(next) {
			return
		}
		var ok bool
		f, ok = <-next
		p.parked.Done()
		if !ok {
			return
		}
	}
}

// park offers a goroutine for the next function, false when it is not wanted.
func (p *Pool) park(next chan func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.Keep {
		return false
	}
	p.parked.Add(1)
	p.idle = append(p.idle, next)
	return true
}

// Close ends the idle goroutines and keeps no more of them. Functions may still run, and be given to Run.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for _, next := range p.idle {
		close(next)
	}
	p.idle = nil
	p.mu.Unlock()
	p.parked.Wait()
}
