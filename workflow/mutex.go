package workflow

import millrace "github.com/millrace-dev/millrace"

// Mutex lets one coroutine at a time into a part of a workflow in which it blocks, as sync.Mutex does. Only one coroutine
// runs at any moment: data that no coroutine leaves half changed when it blocks needs none.
type Mutex interface {
	// Lock blocks until the mutex is unlocked, and locks it; those who wait get it in the order in which they came. When
	// it would have to wait with a canceled ctx, it returns a *millrace.CanceledError and does not lock. An unlocked mutex
	// it locks all the same, so that code that cleans up can.
	Lock(ctx Context) error
	// TryLock locks the mutex if it is unlocked, and says whether it did.
	TryLock(ctx Context) bool
	// Unlock unlocks the mutex, whichever coroutine has locked it. It panics when the mutex is not locked.
	Unlock()
	// IsLocked says whether the mutex is locked.
	IsLocked() bool
}

// NewMutex returns an unlocked Mutex.
func NewMutex(ctx Context) Mutex {
	r := runOf(ctx)
	r.guard("NewMutex")
	return &mutex{semaphore{run: r, what: "Mutex.Lock", free: 1, size: 1}}
}

type mutex struct{ semaphore }

func (m *mutex) Lock(ctx Context) error   { return m.Acquire(ctx, 1) }
func (m *mutex) TryLock(ctx Context) bool { return m.TryAcquire(ctx, 1) }
func (m *mutex) IsLocked() bool           { return m.free == 0 }

func (m *mutex) Unlock() {
	if !m.IsLocked() && !m.run.env.Unwinding() {
		panic("workflow: Unlock of an unlocked Mutex")
	}
	m.Release(1)
}

// Semaphore hands out a number of units, as golang.org/x/sync/semaphore does.
type Semaphore interface {
	// Acquire blocks until n units are free, and takes them. Those who wait are served in the order in which they came:
	// one that needs many is not overtaken by others that need few. When it would have to wait with a canceled ctx, it
	// returns a *millrace.CanceledError and takes nothing. More units than there are it never gets.
	Acquire(ctx Context, n int64) error
	// TryAcquire takes n units if they are free and nobody waits, and says whether it did.
	TryAcquire(ctx Context, n int64) bool
	// Release gives n units back. It panics when more are given back than were taken.
	Release(n int64)
}

// NewSemaphore returns a Semaphore of n units.
func NewSemaphore(ctx Context, n int64) Semaphore {
	r := runOf(ctx)
	r.guard("NewSemaphore")
	if n < 0 {
		panic("workflow: negative Semaphore size")
	}
	return &semaphore{run: r, what: "Semaphore.Acquire", free: n, size: n}
}

type semaphore struct {
	run  *run
	what string
	free int64
	size int64
	// waiters are those whose Acquire blocks, first come first.
	waiters []*acquirer
}

type acquirer struct {
	n int64
	// served is set when the units have been taken in the waiter's name.
	served bool
}

func (s *semaphore) Acquire(ctx Context, n int64) error {
	s.run.guard(s.what)
	if s.TryAcquire(ctx, n) {
		return nil
	}
	if ctx.Err() != nil {
		return millrace.NewCanceledError()
	}
	w := &acquirer{n: n}
	s.waiters = append(s.waiters, w)
	// A coroutine that ends while it waits leaves no claim behind.
	defer s.leave(w)
	s.run.block(s.what, func() bool { return w.served || ctx.Err() != nil })
	if !w.served {
		return millrace.NewCanceledError()
	}
	return nil
}

func (s *semaphore) TryAcquire(_ Context, n int64) bool {
	s.run.guard(s.what)
	if n < 0 {
		panic("workflow: negative number of Semaphore units")
	}
	if len(s.waiters) > 0 || n > s.free {
		return false
	}
	s.free -= n
	return true
}

func (s *semaphore) Release(n int64) {
	s.run.guard("Semaphore.Release")
	if n < 0 {
		panic("workflow: negative number of Semaphore units")
	}
	if s.free+n > s.size {
		if s.run.env.Unwinding() {
			return
		}
		panic("workflow: Semaphore units released that nobody had acquired")
	}
	s.free += n
	s.serve()
}

// leave takes a waiter out of the queue, who may have been in the way of others.
func (s *semaphore) leave(w *acquirer) {
	for i, other := range s.waiters {
		if other == w {
			s.waiters = append(s.waiters[:i], s.waiters[i+1:]...)
			s.serve()
			return
		}
	}
}

// serve gives free units to those who wait.
func (s *semaphore) serve() {
	for len(s.waiters) > 0 && s.waiters[0].n <= s.free {
		w := s.waiters[0]
		s.waiters = s.waiters[1:]
		s.free -= w.n
		w.served = true
	}
}
