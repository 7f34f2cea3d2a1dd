package coordinator

import (
	"sync"

	"github.com/millrace-dev/millrace/internal/replay"
)

// strands keeps at most maxIdle idle goroutines of workflow code. The zero value is ready to use. It is safe for
// concurrent use.
type strands struct {
	mu     sync.Mutex // guards the rest
	idle   []*replay.Strand
	closed bool
}

// Take implements replay.Strands.
func (p *strands) Take() *replay.Strand {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return s
	}
	p.mu.Unlock()
	return replay.NewStrand()
}

// Put implements replay.Strands.
func (p *strands) Put(s *replay.Strand) {
	p.mu.Lock()
	keep := !p.closed && len(p.idle) < maxIdle
	if keep {
		p.idle = append(p.idle, s)
	}
	p.mu.Unlock()
	if !keep {
		s.End()
	}
}

// close ends the idle ones; those in use end with their runs.
func (p *strands) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, s := range idle {
		s.End()
	}
}
