package streams

import "slices"

// arrivals is a queue of messages that keeps its memory.
type arrivals struct {
	messages []pulled
	taken    int // of messages
}

func (a *arrivals) add(m pulled) { a.messages = append(a.messages, m) }

// waiting are the messages that were not taken.
func (a *arrivals) waiting() []pulled { return a.messages[a.taken:] }

// take returns up to max messages, in a slice that is valid until the next call.
func (a *arrivals) take(max int) []pulled {
	// What was taken makes room when it is at least half, so that a message is moved once on average.
	if 2*a.taken >= len(a.messages) {
		left := copy(a.messages, a.messages[a.taken:])
		clear(a.messages[left:])
		a.messages, a.taken = a.messages[:left], 0
	}
	n := min(max, len(a.messages)-a.taken)
	taken := a.messages[a.taken : a.taken+n : a.taken+n]
	a.taken += n
	return taken
}

// takeAll takes what is waiting while a caller of take may still have what it got.
func (a *arrivals) takeAll() []pulled {
	all := slices.Clone(a.waiting())
	a.taken = len(a.messages)
	return all
}
