package coordinator

import (
	"fmt"
	"runtime"
	"strings"
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

// guard runs workflow code and gives up on it when it makes no progress for DeadlockTimeout. The goroutine that runs
// the code then cannot be ended by anyone: it is left behind, and the machine must not be touched again.
func (c *Coordinator) guard(m *replay.Machine, op func(progress func()) error) error {
	if c.cfg.DeadlockTimeout < 0 {
		return op(func() {})
	}
	timer := time.NewTimer(c.cfg.DeadlockTimeout)
	defer timer.Stop()
	done := make(chan error, 1)
	steps := make(chan struct{}, 1)
	go func() {
		done <- op(func() {
			select {
			case steps <- struct{}{}:
			default:
			}
		})
	}()
	for {
		select {
		case err := <-done:
			return err
		case <-steps:
			timer.Reset(c.cfg.DeadlockTimeout)
		case <-timer.C:
			running := m.Running()
			return &BlockedError{Coroutine: running.Coroutine, After: c.cfg.DeadlockTimeout, Stack: stackOf(running.Goroutine)}
		}
	}
}
