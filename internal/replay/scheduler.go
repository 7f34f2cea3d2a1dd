package replay

import (
	"slices"
	"strconv"
	"sync/atomic"
)

// scheduler runs coroutines one at a time, in passes over them in the order of their creation.
type scheduler struct {
	phase      phase
	coroutines []*coroutine
	// created counts the coroutines ever created, which numbers them.
	created int
	// firsts are how many of the coroutines were created by createFirst in the transition being processed.
	firsts int
	// current is the coroutine that runs, or whose predicate is evaluated.
	current *coroutine

	// driver runs everything but the coroutines: one stretch after the other, since making one for each costs more than
	// most of them do.
	driver coroutine

	// running is current for the eyes of a watchdog in another goroutine. It is the only word of the package that two
	// goroutines share, and an atomic suffices for it: everything behind the pointer that Running reads is written
	// before the pointer is.
	running atomic.Pointer[coroutine]
}

// Running says which coroutine runs and in which goroutine.
type Running struct {
	// Coroutine is the coroutine's name, empty when none runs.
	Coroutine string
	// Goroutine is the number that the Go runtime prints in a goroutine dump.
	Goroutine uint64
}

// Running is the coroutine that runs at this moment. Unlike all other methods it may be called from any goroutine at
// any time: a watchdog asks it when Decide, Apply or Query do not return, and finds the stack in a dump of all
// goroutines. Callbacks, ready predicates and query handlers share one goroutine, and a name that says so.
func (m *Machine) Running() Running {
	c := m.running.Load()
	if c == nil {
		return Running{}
	}
	return Running{Coroutine: c.name, Goroutine: c.number.Load()}
}

// create adds a coroutine, which runs when its turn comes.
func (m *Machine) create(name string, f func()) {
	m.created++
	if name == "" {
		name = strconv.Itoa(m.created)
	}
	m.coroutines = append(m.coroutines, newCoroutine(name, f, m.config.Strands))
}

// createFirst adds a coroutine before those that are not first themselves. Only callbacks may do so: no pass over the
// coroutines is under way then.
func (m *Machine) createFirst(name string, f func()) {
	if m.phase != callback {
		m.create(name, f)
		return
	}
	m.created++
	m.coroutines = slices.Insert(m.coroutines, m.firsts, newCoroutine(name, f, m.config.Strands))
	m.firsts++
}

// schedule runs the coroutines until none can go on, one has closed the run, or one has panicked.
func (m *Machine) schedule() error {
	m.firsts = 0
	for progress := !m.closed; progress; {
		progress = false
		ended := false
		for i := 0; i < len(m.coroutines); i++ {
			c := m.coroutines[i]
			if !m.isReady(c) {
				continue
			}
			progress = true
			if err := m.resume(c); err != nil {
				return err
			}
			if m.closed {
				return nil
			}
			ended = ended || c.ended
		}
		if ended {
			m.coroutines = slices.DeleteFunc(m.coroutines, func(c *coroutine) bool { return c.ended })
		}
	}
	return nil
}

// isReady says whether c can go on. Its predicate's panic is c's own.
func (m *Machine) isReady(c *coroutine) bool {
	if c.ready == nil {
		return !c.ended
	}
	m.phase, m.current = predicate, c
	return c.ready()
}

// resume runs c until it blocks or ends.
func (m *Machine) resume(c *coroutine) error {
	c.ready = nil
	m.phase, m.current = inCoroutine, c
	c.prepare()
	m.running.Store(c)
	c.resume()
	m.running.Store(&m.driver)
	m.phase, m.current = idle, nil
	if c.panicked != nil {
		return &PanicError{Run: m.run(), Coroutine: c.where(), Value: c.panicked, Stack: c.stack}
	}
	return nil
}

// block suspends the current coroutine.
func (m *Machine) block(why string, ready func() bool) {
	if m.phase != inCoroutine && m.phase != unwinding {
		panic(&MisuseError{Call: "Block", Where: m.phase.String()})
	}
	m.current.block(why, ready)
}

// unwind ends all coroutines.
func (m *Machine) unwind() {
	m.phase = unwinding
	for _, c := range m.coroutines {
		m.current = c
		m.running.Store(c)
		c.end()
	}
	m.current = nil
	m.running.Store(nil)
	m.phase, m.coroutines = idle, nil
}
