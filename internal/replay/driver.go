package replay

// driverName is the driver's name for a watchdog.
const driverName = "a callback, ready predicate or query handler"

// drive calls work, which may call callbacks, ready predicates and query handlers of the workflow, in a coroutine of
// its own, the driver: these can call runtime.Goexit as well as panic, and must not take the Machine's caller with
// them. A driver that dies is replaced at the next call. The work must not panic but in such a place.
func (m *Machine) drive(work func()) error {
	d := m.driver
	if d == nil || d.ended {
		d = newCoroutine(driverName, nil)
		d.body = func() {
			for more := true; more; more = d.yield(struct{}{}) {
				m.work()
			}
		}
		d.prepare()
		m.driver = d
	}
	m.work = work
	m.running.Store(d)
	d.resume()
	m.running.Store(nil)
	m.work = nil
	where := m.where()
	m.phase, m.current = idle, nil
	if d.panicked != nil {
		return &PanicError{Run: m.run(), Coroutine: where, Value: d.panicked, Stack: d.stack}
	}
	return nil
}

// rest ends the driver: a machine that rests in a cache should hold no goroutines but those of blocked coroutines.
func (m *Machine) rest() {
	if m.driver != nil {
		m.driver.end()
		m.driver = nil
	}
}

// where names who runs, in errors.
func (m *Machine) where() string {
	if m.current != nil {
		return m.current.where()
	}
	return m.phase.String()
}
