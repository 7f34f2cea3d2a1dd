package workflow

type (
	// Future is a result to come.
	Future interface {
		// Get blocks until there is a result, then returns its error, or assigns its value to what valuePtr points
		// to. A nil valuePtr only waits. It does not end when ctx is canceled; what the future stands for usually
		// does, and with it Get. It may be called again.
		Get(ctx Context, valuePtr interface{}) error
		// IsReady says whether Get would not block.
		IsReady() bool
	}

	// Settable sets the result of a Future made by NewFuture, once. Setting it again panics.
	Settable interface {
		// Set sets value and error; a value beside an error is not used.
		Set(value interface{}, err error)
		// SetValue sets a value.
		SetValue(value interface{})
		// SetError sets an error.
		SetError(err error)
		// Chain sets the result to that of another Future of this package as soon as it has one.
		Chain(future Future)
	}
)

// NewFuture returns a Future and what sets its result.
func NewFuture(ctx Context) (Future, Settable) {
	r := runOf(ctx)
	r.guard("NewFuture")
	f := newFuture(r, "Future")
	return f, f
}

// future is every Future of this package.
type future struct {
	run *run
	// get names the call that waits for it, in stack traces.
	get   string
	ready bool
	value interface{}
	err   error
	// chained is set when another future will set this one.
	chained bool
	// waiters are called when the result is there.
	waiters hooks
}

// newFuture is a future of what is named.
func newFuture(r *run, what string) *future { return &future{run: r, get: what + ".Get"} }

// failed is a future with an error.
func failed(r *run, what string, err error) *future {
	f := newFuture(r, what)
	f.resolve(nil, err)
	return f
}

func (f *future) Get(ctx Context, valuePtr interface{}) error {
	if !f.ready {
		f.run.guard("Future.Get")
		f.run.block(f.get, f.IsReady)
	}
	if f.err != nil {
		return f.err
	}
	if e, ok := f.value.(encoded); ok && valuePtr != nil {
		if e.usual {
			return f.run.usualConverter(ctx, e.whose).FromPayloads(e.payloads, valuePtr)
		}
		return f.run.converter(ctx, e.whose).FromPayloads(e.payloads, valuePtr)
	}
	return f.run.assign(f.value, valuePtr)
}

func (f *future) IsReady() bool { return f.ready }

func (f *future) Set(value interface{}, err error) {
	f.run.guard("Settable.Set")
	f.claim()
	f.resolve(value, err)
}

func (f *future) SetValue(value interface{}) { f.Set(value, nil) }

func (f *future) SetError(err error) { f.Set(nil, err) }

func (f *future) Chain(other Future) {
	f.run.guard("Settable.Chain")
	f.claim()
	source := resolvableOf(other)
	f.chained = true
	take := func() { f.resolve(source.result()) }
	if other.IsReady() {
		take()
		return
	}
	source.onReady(take)
}

// claim panics when the result is set or promised already.
func (f *future) claim() {
	if f.ready || f.chained {
		panic("workflow: the future is already set")
	}
}

// resolve sets the result, unless there is one.
func (f *future) resolve(value interface{}, err error) {
	if f.ready {
		return
	}
	f.ready, f.value, f.err = true, value, err
	f.waiters.run()
}

// resolvable is the inner side of the futures of this package.
type resolvable interface {
	onReady(func()) *hook
	result() (value interface{}, err error)
}

func resolvableOf(f Future) resolvable {
	if r, ok := f.(resolvable); ok {
		return r
	}
	panic("workflow: the future was not made by this package")
}

func (f *future) result() (value interface{}, err error) { return f.value, f.err }

// onReady registers what is called when the result is there. f must not be ready.
func (f *future) onReady(call func()) *hook { return f.waiters.add(call) }
