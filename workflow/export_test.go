package workflow

import "fmt"

// Waiting is how many wait for x, a Context, Channel or Future.
func Waiting(x any) int {
	switch x := x.(type) {
	case Context:
		return cancelContextOf(x).hooks.Len()
	case *channel:
		return len(x.receivers) + len(x.senders)
	case *future:
		return x.waiters.Len()
	}
	panic(fmt.Sprintf("nobody waits for a %T", x))
}
