package coordinator

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/millrace-dev/millrace/internal/replay"
)

// BlockedError is returned when workflow code ran for longer than DeadlockTimeout without reaching a call of package
// workflow: it blocks on something that replay cannot see, or never ends.
type BlockedError struct {
	Coroutine string
	After     time.Duration
	// Stack is where the code was when it was given up on, empty when that could not be found out.
	Stack string
}

func (e *BlockedError) Error() string {
	return fmt.Sprintf("workflow code in coroutine %q has run for %v without a call of package workflow: it blocks "+
		"outside the workflow API (time.Sleep, a channel, a lock, I/O) or does not end\n%s", e.Coroutine, e.After, e.Stack)
}

// maxDump bounds the goroutine dump in which the stack of blocked code is looked for.
const maxDump = 8 << 20

// stackOf is the stack of the goroutine with the number that the runtime prints, empty when it is not found.
func stackOf(goroutine uint64) string {
	buf := make([]byte, maxDump)
	dump := string(buf[:runtime.Stack(buf, true)])
	_, after, found := strings.Cut(dump, fmt.Sprintf("goroutine %d [", goroutine))
	if !found {
		return ""
	}
	stack, _, _ := strings.Cut(after, "\n\n")
	return "goroutine [" + stack
}

// guard runs workflow code and gives up on it when it makes no progress for DeadlockTimeout. Nobody can end the code
// then: its goroutine is left behind with the machine, which it destroys if the code ever returns, and the caller must
// not touch the machine again.
func (c *Coordinator) guard(m *replay.Machine, op func(progress func()) error) error {
	if c.cfg.DeadlockTimeout < 0 {
		return op(func() {})
	}
	timer := time.NewTimer(c.cfg.DeadlockTimeout)
	defer timer.Stop()
	// settled is set by whoever comes first: the code that returns, or the watchdog that gives up on it.
	var settled atomic.Bool
	done := make(chan error, 1)
	steps := make(chan struct{}, 1)
	go func() {
		err := op(func() {
			select {
			case steps <- struct{}{}:
			default:
			}
		})
		if !settled.CompareAndSwap(false, true) {
			m.Destroy()
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			return err
		case <-steps:
			timer.Reset(c.cfg.DeadlockTimeout)
		case <-timer.C:
			running := m.Running()
			if !settled.CompareAndSwap(false, true) {
				return <-done
			}
			return &BlockedError{Coroutine: running.Coroutine, After: c.cfg.DeadlockTimeout, Stack: stackOf(running.Goroutine)}
		}
	}
}
