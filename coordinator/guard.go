package coordinator

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
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

// NewBlockedError returns the error for the code of m, which has run for the given time.
func NewBlockedError(m *replay.Machine, after time.Duration) *BlockedError {
	at := m.Running()
	return &BlockedError{Coroutine: at.Coroutine, After: after, Stack: stackOf(at.Goroutine)}
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
func (c *Coordinator) guard(ctx context.Context, e *entry, op func(progress func()) error) error {
	c.cfg.Gate.Enter(ctx)
	defer c.cfg.Gate.Leave()
	if c.cfg.DeadlockTimeout < 0 {
		return op(func() {})
	}
	if e.stretch == nil {
		e.stretch = c.newStretch(e.run())
	}
	s := e.stretch
	s.begin(e.machine, op)
	c.watchdog.add(s)
	c.pool.Run(s.run)
	err := <-s.done
	c.watchdog.remove(s)
	if s.state.Load() == abandoned {
		e.stretch = nil
		c.blocked.count(e.run(), 1, err)
	} else {
		s.op = nil
	}
	return err
}

// newStretch is for all stretches of a run's code, one after the other.
func (c *Coordinator) newStretch(run history.Run) *stretch {
	s := &stretch{done: make(chan error, 1)}
	progress := s.progress
	s.run = func() {
		err := s.op(progress)
		if s.end() {
			s.done <- err
		} else {
			s.machine.Destroy()
			c.blocked.count(run, -1, nil)
		}
	}
	return s
}

// blockedRuns are the runs of which code that was given up on still runs here. Until it returns no other code of theirs is
// run in this process: code that never ends would take one more processor each time.
type blockedRuns struct {
	mu sync.Mutex // guards the rest
	// left counts the stretches; one may return before it is known to be given up on.
	left map[history.Run]int
	why  map[history.Run]error
}

// count adds n, for the reason given.
func (b *blockedRuns) count(run history.Run, n int, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == nil {
		b.left, b.why = map[history.Run]int{}, map[history.Run]error{}
	}
	b.left[run] += n
	if why != nil {
		b.why[run] = why
	}
	if b.left[run] == 0 {
		delete(b.left, run)
		delete(b.why, run)
	}
}

// of is why no code of the run may run here, nil if it may.
func (b *blockedRuns) of(run history.Run) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left[run] < 1 {
		return nil
	}
	return b.why[run]
}

// stretch is workflow code that runs, or will run again: one at a time.
type stretch struct {
	machine *replay.Machine
	// op runs the code, in run, which returns what op does by done unless somebody has given up on the code.
	op  func(progress func()) error
	run func()
	// last is when the code began or made progress, in nanoseconds of the Unix clock.
	last atomic.Int64
	// converting is when the watchdog first found the code converting values, zero for not. Only the watchdog uses it.
	converting time.Time
	// state is changed from running by whoever comes first: the code that returns, or the watchdog that gives up on it.
	state atomic.Int32
	done  chan error
}

const (
	running = iota + 1
	returned
	abandoned
)

func (s *stretch) begin(m *replay.Machine, op func(progress func()) error) {
	s.machine, s.op = m, op
	s.progress()
	s.state.Store(running)
}

// conversionTime bounds how long a conversion of values may take: longer than the data converters of this module wait for
// anything.
const conversionTime = 90 * time.Second

// converts says whether the code is converting values, and may take its time.
func (s *stretch) converts(now time.Time) bool {
	if !s.machine.Converting() {
		s.converting = time.Time{}
		return false
	}
	if s.converting.IsZero() {
		s.converting = now
	}
	return now.Sub(s.converting) < conversionTime
}

func (s *stretch) progress() { s.last.Store(time.Now().UnixNano()) }

// end says whether nobody has given up on the code.
func (s *stretch) end() bool { return s.state.CompareAndSwap(running, returned) }

// watchdog gives up on code that blocks. It looks from time to time, so that code costs no timer.
type watchdog struct {
	timeout time.Duration
	mu      sync.Mutex // guards active
	active  map[*stretch]struct{}
	// looks ticks while code runs.
	looks *idleTicker
}

func newWatchdog(timeout time.Duration) watchdog {
	return watchdog{timeout: timeout, active: map[*stretch]struct{}{}, looks: newIdleTicker(timeout / looksPerTimeout)}
}

// looksPerTimeout is how often the watchdog looks while code may take its time: it gives up late by one part of it.
const looksPerTimeout = 8

func (w *watchdog) add(s *stretch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active[s], s.converting = struct{}{}, time.Time{}
	w.looks.needed()
}

func (w *watchdog) remove(s *stretch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.active, s)
}

// run looks after all code until ctx ends.
func (w *watchdog) run(ctx context.Context) {
	if w.timeout < 0 {
		return
	}
	for now := range w.looks.ticks(ctx, w.idle) {
		for _, s := range w.overdue(now) {
			w.abandon(s)
		}
	}
}

func (w *watchdog) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.active) == 0
}

func (w *watchdog) overdue(now time.Time) []*stretch {
	w.mu.Lock()
	defer w.mu.Unlock()
	var overdue []*stretch
	for s := range w.active {
		if s.converts(now) {
			s.progress()
			continue
		}
		if now.UnixNano()-s.last.Load() > int64(w.timeout) {
			overdue = append(overdue, s)
		}
	}
	return overdue
}

func (w *watchdog) abandon(s *stretch) {
	err := NewBlockedError(s.machine, w.timeout)
	if s.state.CompareAndSwap(running, abandoned) {
		s.done <- err
	}
}
