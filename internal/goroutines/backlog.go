package goroutines

import "sync"

// Backlog does jobs that nobody waits for, a few at a time and in the order in which they were given, so that many of them
// leave others most of what they share. Its fields must not be changed while it is used. It is safe for concurrent use.
type Backlog struct {
	// Width is how many jobs are done at a time, at least 1.
	Width int
	// Jobs and Bytes bound what waits: the number of jobs, and what they hold on to.
	Jobs, Bytes int

	// running counts the goroutines that do jobs. They exist while something waits.
	running sync.WaitGroup

	mu      sync.Mutex // guards the rest
	waiting []job
	bytes   int
	width   int
	closed  bool
}

type job struct {
	bytes     int
	do, leave func()
}

// Add gives a job that holds on to so many bytes: it is done, or left when Close comes first. False says that there is no
// room for it, and that neither will happen.
func (b *Backlog) Add(bytes int, do, leave func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.waiting) >= b.Jobs || b.bytes+bytes > b.Bytes && len(b.waiting) > 0 {
		return false
	}
	b.waiting = append(b.waiting, job{bytes, do, leave})
	b.bytes += bytes
	if b.width < b.Width {
		b.width++
		b.running.Go(b.run)
	}
	return true
}

func (b *Backlog) run() {
	for {
		j, ok := b.take()
		if !ok {
			return
		}
		j.do()
	}
}

func (b *Backlog) take() (job, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.waiting = nil
		b.width--
		return job{}, false
	}
	j := b.waiting[0]
	b.waiting[0] = job{}
	b.waiting = b.waiting[1:]
	b.bytes -= j.bytes
	return j, true
}

// Close leaves the jobs that have not begun, waits for those that have, and refuses more.
func (b *Backlog) Close() {
	b.mu.Lock()
	left := b.waiting
	b.waiting, b.bytes, b.closed = nil, 0, true
	b.mu.Unlock()
	for _, j := range left {
		j.leave()
	}
	b.running.Wait()
}
