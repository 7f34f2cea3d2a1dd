package workflow

import "fmt"

// Waiting is how many wait for x, a Context, Channel or Future.
func Waiting(x any) int {
	switch x := x.(type) {
	case Context:
		return cancelContextOf(x).hooks.count()
	case *channel:
		return len(x.receivers) + len(x.senders)
	case *future:
		return x.waiters.count()
	}
	panic(fmt.Sprintf("nobody waits for a %T", x))
}

func (h *hooks) count() int {
	n := 0
	for x := h.first; x != nil; x = x.next {
		n++
	}
	return n
}
