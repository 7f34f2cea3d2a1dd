package replay

// driverName is the driver's name for a watchdog.
const driverName = "a callback, ready predicate or query handler"

// drive calls work, which may call callbacks, ready predicates and query handlers of the workflow, in a coroutine of
// its own, the driver: these can call runtime.Goexit as well as panic, and must not take the Machine's caller with
// them. The work must not panic but in such a place.
func (m *Machine) drive(work func()) error {
	d := &m.driver
	d.renew(work)
	d.prepare()
	m.running.Store(d)
	d.resume()
	m.running.Store(nil)
	d.body = nil
	var err error
	if d.panicked != nil {
		err = &PanicError{Run: m.run(), Coroutine: m.where(), Value: d.panicked, Stack: d.stack}
	}
	m.phase, m.current = idle, nil
	return err
}

// where names who runs, in errors.
func (m *Machine) where() string {
	if m.current != nil {
		return m.current.where()
	}
	return m.phase.String()
}
