package worker

import "sync"

// pool runs jobs on goroutines that it keeps for the next ones: their stacks have grown already.
type pool struct {
	// keep is how many idle goroutines are kept at most, 0 for none.
	keep int
	// parked counts the idle goroutines.
	parked sync.WaitGroup

	mu     sync.Mutex // guards the rest
	idle   []chan func()
	closed bool
}

// run runs a job on a goroutine of its own. Whoever calls it waits for the job; close does not.
func (p *pool) run(job func()) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		next := p.idle[n-1] // the last one to be idle: what it used is still in the processor's caches
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		next <- job
		return
	}
	p.mu.Unlock()
	go p.runJobs(job)
}

func (p *pool) runJobs(job func()) {
	next := make(chan func(), 1)
	for {
		job()
		if !p.park(next) {
			return
		}
		var ok bool
		job, ok = <-next
		p.parked.Done()
		if !ok {
			return
		}
	}
}

// park offers a goroutine for the next job, false when it is not wanted.
func (p *pool) park(next chan func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.keep {
		return false
	}
	p.parked.Add(1)
	p.idle = append(p.idle, next)
	return true
}

// close ends the idle goroutines and keeps no more of them.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	for _, next := range p.idle {
		close(next)
	}
	p.idle = nil
	p.mu.Unlock()
	p.parked.Wait()
}
