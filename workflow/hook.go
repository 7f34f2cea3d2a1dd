package workflow

// hooks are calls that something makes when it happens, in the order of registration: a map's order would differ between
// replays. The zero value has none.
type hooks struct{ first, last *hook }

// hook is one of these calls. The zero value is registered nowhere.
type hook struct {
	call         func()
	of           *hooks // nil when it is not registered
	before, next *hook
}

// add registers a call.
func (h *hooks) add(call func()) *hook {
	x := &hook{}
	h.register(x, call)
	return x
}

// register is add for a hook that is part of something else.
func (h *hooks) register(x *hook, call func()) {
	x.call, x.of, x.before = call, h, h.last
	if h.last == nil {
		h.first = x
	} else {
		h.last.next = x
	}
	h.last = x
}

// forget takes a call back, if it has not been made. A nil hook is none.
func (x *hook) forget() {
	if x == nil || x.of == nil {
		return
	}
	if x.before == nil {
		x.of.first = x.next
	} else {
		x.before.next = x.next
	}
	if x.next == nil {
		x.of.last = x.before
	} else {
		x.next.before = x.before
	}
	*x = hook{}
}

// run makes each call once, those included that are registered meanwhile.
func (h *hooks) run() {
	for h.first != nil {
		call := h.first.call
		h.first.forget()
		call()
	}
}
