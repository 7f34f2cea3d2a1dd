package replay

import "iter"

// Strand is a goroutine that runs coroutines, one after the other. Making one costs more than running most coroutines,
// and one that is used again has a stack that has grown already. Only Machines use it; others keep it and end it.
type Strand struct {
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	// goroutine is its number in a goroutine dump.
	goroutine uint64
	// job is what runs at the next resumption, nil while a job is suspended.
	job func()
}

// NewStrand makes a strand, which must be ended.
func NewStrand() *Strand {
	s := &Strand{}
	s.next, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		s.yield, s.goroutine = yield, goroutineNumber()
		for yield(struct{}{}) {
			job := s.job
			s.job = nil
			job()
		}
	})
	s.next() // up to the first switch
	return s
}

// End ends an idle strand.
func (s *Strand) End() { s.stop() }

// Strands keeps idle strands for the next coroutines of all the Machines that share it.
type Strands interface {
	// Take returns an idle strand, or a new one.
	Take() *Strand
	// Put takes an idle strand back, to keep it or to end it.
	Put(s *Strand)
}

// ownStrands are those of one Machine that shares none.
type ownStrands struct{ idle []*Strand }

// maxOwn is how many idle ones it keeps: one for its driver, one for a short coroutine.
const maxOwn = 2

func (o *ownStrands) Take() *Strand {
	n := len(o.idle)
	if n == 0 {
		return NewStrand()
	}
	s := o.idle[n-1]
	o.idle = o.idle[:n-1]
	return s
}

func (o *ownStrands) Put(s *Strand) {
	if len(o.idle) == maxOwn {
		s.End()
		return
	}
	o.idle = append(o.idle, s)
}

func (o *ownStrands) end() {
	for _, s := range o.idle {
		s.End()
	}
	o.idle = nil
}
