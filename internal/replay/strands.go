package replay

import (
	"iter"
	"sync"
)

// strand is a goroutine that runs coroutines, one after the other. Making one costs more than running most coroutines,
// and one that is used again has a stack that has grown already.
type strand struct {
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	// goroutine is its number in a goroutine dump.
	goroutine uint64
	// job is what runs at the next resumption, nil while a job is suspended.
	job func()
}

// newStrand makes a strand and runs it up to its first switch.
func newStrand() *strand {
	s := &strand{}
	s.next, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		s.yield, s.goroutine = yield, goroutineNumber()
		for yield(struct{}{}) {
			job := s.job
			s.job = nil
			job()
		}
	})
	s.next()
	return s
}

// Strands keeps idle goroutines of coroutines for the next ones. Machines that share it must not outlive it. It is safe
// for concurrent use.
type Strands struct {
	max int

	mu     sync.Mutex // guards the rest
	idle   []*strand
	closed bool
}

// NewStrands keeps at most max idle goroutines, each with its stack of some kilobytes.
func NewStrands(max int) *Strands { return &Strands{max: max} }

// Close ends the idle goroutines; those in use end with their machines.
func (p *Strands) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, s := range idle {
		s.stop()
	}
}

// take returns an idle strand or makes one. A nil pool keeps none.
func (p *Strands) take() *strand {
	if p == nil {
		return newStrand()
	}
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return s
	}
	p.mu.Unlock()
	return newStrand()
}

// put takes back a strand whose job has returned.
func (p *Strands) put(s *strand) {
	if p != nil {
		p.mu.Lock()
		if !p.closed && len(p.idle) < p.max {
			p.idle = append(p.idle, s)
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
	}
	s.stop()
}
