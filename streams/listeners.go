package streams

import (
	"slices"
	"sync"
)

// listeners are those who listen by this very Namespace. Whoever closes a run that one of them waits for tells him so
// without the broker, as soon as the record is stored: a promise would be one more message to the broker and two back. Its
// zero value is ready to use.
type listeners struct {
	// off has all of them told by the broker, for comparison.
	off bool

	mu       sync.RWMutex // guards byWaiter
	byWaiter map[string][]*listener
}

// listener is one call of ListenClosed.
type listener struct {
	mu     sync.Mutex // held while handle is called
	handle func(runID string, record []byte)
	ended  bool
}

func (l *listener) hear(runID string, record []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.handle(runID, record)
	}
}

// end returns when no call of handle is under way; there will be none.
func (l *listener) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

func (s *listeners) add(waiter string, l *listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byWaiter == nil {
		s.byWaiter = map[string][]*listener{}
	}
	s.byWaiter[waiter] = append(s.byWaiter[waiter], l)
}

// remove may be called more than once.
func (s *listeners) remove(waiter string, l *listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(s.byWaiter[waiter]), func(other *listener) bool { return other == l })
	if len(left) == 0 {
		delete(s.byWaiter, waiter)
	} else {
		s.byWaiter[waiter] = left
	}
}

// of are those who listen here for the waiter.
func (s *listeners) of(waiter string) []*listener {
	if s.off {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byWaiter[waiter]
}
