package workflow

// wait is one coroutine's wait for the first of one or several things.
type wait struct {
	met bool
	// then is what the coroutine does when it goes on, nil for nothing.
	then func()
}

// meet ends the wait, and says whether it had not ended before.
func (w *wait) meet(then func()) bool {
	if w.met {
		return false
	}
	w.met, w.then = true, then
	return true
}

// receiver is a wait for a channel's next value. One whose wait has ended elsewhere stays queued until its coroutine
// runs, and is passed over; so is a sender.
type receiver struct {
	*wait
	// take is called with a value, unless the wait has ended; or with more false when the channel is closed.
	take func(value interface{}, more bool)
}

// sender is a wait for room in a channel.
type sender struct {
	*wait
	value interface{}
	// sent is called when the value has been taken, or with ok false when the channel is closed.
	sent func(ok bool)
}
