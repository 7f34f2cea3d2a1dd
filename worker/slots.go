package worker

import (
	"sync"
	"time"
)

// slots bound how many activity functions run at a time, pulled and eager ones together.
//
// A pull that is open holds no slot: it asks for as many tasks as there are free slots, and eager attempts may take those
// while it waits. What it brings too much then waits for a slot, BEFORE all eager attempts.
type slots struct {
	// supply has a say besides, nil for none. It is asked without the lock.
	supply *supply

	mu      sync.Mutex // guards the rest
	free    int
	eager   int             // how many more eager attempts may run
	waiting []chan struct{} // oldest first; a slot is handed over by closing
	closed  bool            // for eager attempts
}

func newSlots(total, eager int) *slots { return &slots{free: total, eager: eager} }

// take takes a slot for a pulled task, false when none is free.
func (s *slots) take() bool {
	return s.withPermit(func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.takeLocked()
	})
}

// withPermit is take with the supply's permit.
func (s *slots) withPermit(take func() bool) bool {
	if s.supply == nil {
		return take()
	}
	if !s.supply.try() {
		return false
	}
	if !take() {
		s.supply.give(SlotReleaseReasonUnused)
		return false
	}
	return true
}

func (s *slots) takeLocked() bool {
	if s.free == 0 {
		return false
	}
	s.free--
	return true
}

// takeEager takes a slot for an eager attempt, false when none is to be had.
func (s *slots) takeEager() bool {
	return s.withPermit(func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.closed || s.eager == 0 || !s.takeLocked() {
			return false
		}
		s.eager--
		return true
	})
}

// give gives a slot back.
func (s *slots) give() {
	if s.supply != nil {
		s.supply.give(SlotReleaseReasonTaskProcessed)
	}
	s.giveSlot()
}

func (s *slots) giveSlot() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveLocked()
}

func (s *slots) giveLocked() {
	if len(s.waiting) > 0 {
		close(s.waiting[0])
		s.waiting = s.waiting[1:]
		return
	}
	s.free++
}

// giveEager gives the slot of an eager attempt back.
func (s *slots) giveEager() {
	if s.supply != nil {
		s.supply.give(SlotReleaseReasonTaskProcessed)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.eager++
	s.giveLocked()
}

// close refuses eager attempts from now on.
func (s *slots) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// wait takes a slot, when necessary after others have given theirs back. It returns false when stop is closed or patience,
// negative for endless, is over before.
func (s *slots) wait(stop <-chan struct{}, patience time.Duration) bool {
	if !s.waitSlot(stop, patience) {
		return false
	}
	if s.supply != nil && !s.supply.wait(stop) {
		s.giveSlot()
		return false
	}
	return true
}

func (s *slots) waitSlot(stop <-chan struct{}, patience time.Duration) bool {
	s.mu.Lock()
	if s.takeLocked() {
		s.mu.Unlock()
		return true
	}
	mine := make(chan struct{})
	s.waiting = append(s.waiting, mine)
	s.mu.Unlock()
	var over <-chan time.Time
	if patience >= 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-mine:
		return true
	case <-stop:
	case <-over:
	}
	return s.withdraw(mine)
}

// withdraw ends a wait. It returns true when a slot was handed over at this moment.
func (s *slots) withdraw(mine chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, w := range s.waiting {
		if w == mine {
			s.waiting = append(s.waiting[:i:i], s.waiting[i+1:]...)
			return false
		}
	}
	return true
}

// waitFree waits until a slot is free, without taking it, and returns how many are; 0 when stop is closed before.
func (s *slots) waitFree(stop <-chan struct{}) int {
	if !s.wait(stop, -1) {
		return 0
	}
	if s.supply == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.giveLocked()
		return max(s.free, 1)
	}
	s.supply.park()
	s.mu.Lock()
	s.giveLocked()
	free := max(s.free, 1)
	s.mu.Unlock()
	return max(s.supply.spares(min(free, maxSpare)), 1)
}

// maxSpare bounds the permits that are reserved for one pull.
const maxSpare = 16

// end gives back what was reserved for pulls: there are no more of them.
func (s *slots) end() {
	if s.supply != nil {
		s.supply.unspare()
	}
}
